"""Servers of the OpenAI-compatible protocol: where each one is, which key it wants, and what it does in its own way."""

from dataclasses import dataclass
from typing import Literal

ResponseFormat = Literal["json_schema", "json_object", "none"]


@dataclass(frozen=True)
class Preset:
    """One server. `base_url` "": each user has an own one; `key`: the environment variable, "": it wants none by itself.

    `model`: one to begin with; `title`: of a program that people start on their own machine.
    `asks_for_usage`: tokens are counted only if `stream_options` ask for it; elsewhere it is unknown or refused.
    `lists_models`: under /models, by the names that requests use.
    """

    base_url: str = ""
    key: str = ""
    model: str = ""
    title: str = ""
    response_format: ResponseFormat = "json_schema"
    asks_for_usage: bool = True
    reply_limit: str = "max_tokens"
    seed: str = "seed"
    key_header: str = "Authorization"
    lists_models: bool = True


# A row is a provider_type.
PRESETS = {
    # OpenAI itself; a provider_type of that name with another base_url is ANY.
    "openai": Preset("https://api.openai.com/v1", "OPENAI_API_KEY", model="gpt-5.4-mini", reply_limit="max_completion_tokens"),
    "deepseek": Preset(
        "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", model="deepseek-flash", response_format="json_object"
    ),
    "lmstudio": Preset("http://127.0.0.1:1234/v1", title="LM Studio"),
    "llamacpp": Preset("http://127.0.0.1:8080/v1", title="llama.cpp"),
    "vllm": Preset("http://127.0.0.1:8000/v1", title="vLLM"),
    "litellm": Preset("http://127.0.0.1:4000/v1", "LITELLM_API_KEY", title="LiteLLM"),
    # Groq takes no response_format in a stream.
    "groq": Preset("https://api.groq.com/openai/v1", "GROQ_API_KEY", model="openai/gpt-oss-120b", response_format="none"),
    "together": Preset("https://api.together.ai/v1", "TOGETHER_API_KEY", model="openai/gpt-oss-120b"),
    "fireworks": Preset(
        "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", model="accounts/fireworks/models/glm-5p3"
    ),
    # Mistral refuses what it does not know; its streams count tokens unasked.
    "mistral": Preset(
        "https://api.mistral.ai/v1", "MISTRAL_API_KEY", model="mistral-medium-latest", asks_for_usage=False, seed="random_seed"
    ),
    "openrouter": Preset("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", model="openrouter/auto"),
    "xai": Preset("https://api.x.ai/v1", "XAI_API_KEY", model="grok-4.5"),
    "perplexity": Preset("https://api.perplexity.ai", "PERPLEXITY_API_KEY", asks_for_usage=False, lists_models=False),
    "cohere": Preset(
        "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY", model="command-a-03-2025", asks_for_usage=False
    ),
    "gemini": Preset("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", model="gemini-flash-latest"),
    # Azure lists the models that could be deployed, not the deployments, whose names requests use.
    "azure": Preset(key="AZURE_OPENAI_API_KEY", reply_limit="max_completion_tokens", key_header="api-key", lists_models=False),
}
ANY = Preset()
