"""What the failure of a server means: one line that says what to do."""

import re
import socket
import ssl
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from orchestrator.config import HTTPSettings, OllamaSettings, OpenAISettings
from orchestrator.errors import Remedy, causes

EXCERPT = 200  # characters of what a server says that an error may show
# A prompt that another model may take: OpenAI, vLLM, llama.cpp, LiteLLM; the last is Anthropic's.
_TOO_LONG = re.compile(r"context.?(window|length|size)|prompt is too long", re.IGNORECASE)
NAMES = 150  # characters of the models that exist, likewise


def explain_connection(settings: HTTPSettings, error: httpx.HTTPError) -> str:
    """Nothing was answered, or not to its end."""
    url = address(settings)
    chain = list(causes(error))
    if any(isinstance(each, socket.gaierror) for each in chain):
        return f"the host {httpx.URL(settings.base_url).host!r} is not known: is base_url right?"
    if any(isinstance(each, ssl.SSLError) for each in chain):
        return f"no TLS connection to {url} ({chain[-1]}): is it http instead of https?"
    if isinstance(error, httpx.ConnectTimeout):
        return f"no connection to {url} in time: is base_url right?"
    if isinstance(error, httpx.ConnectError):
        server = "`ollama serve`" if isinstance(settings, OllamaSettings) else "the server"
        return f"no answer at {url}: is {server} running?"
    if isinstance(error, httpx.ReadTimeout):
        return f"nothing came from {url} for {settings.stall_seconds:g} seconds (stall_seconds)"
    return f"the connection to {url} was lost ({type(error).__name__})"


def remedy(settings: HTTPSettings, status: int, words: str, models: Sequence[str] | None) -> Remedy:
    """What may help after a refusal; as explain_status."""
    if status == 429:
        # OpenAI says this of an account without money, too, which no waiting fills.
        return "mend" if "quota" in words.lower() and "billing" in words.lower() else "limited"
    if status >= 500 or status in (408, 425):
        return "later"
    if status == 400 and (_TOO_LONG.search(words) or "content management policy" in words):  # Azure's filter of prompts
        return "elsewhere"
    if _is_about_the_key(status, words):
        return "mend"
    if status == 400 and "credit balance" in words:  # Anthropic's
        return "mend"
    # A redirect is not followed: the key is for this host alone.
    return (
        "mend" if status in (401, 402, 403, 404) or status < 400 or _names_no_model(settings, status, words, models) else "none"
    )


def _names_no_model(settings: HTTPSettings, status: int, words: str, models: Sequence[str] | None) -> bool:
    """DeepSeek says so with a 400, which is of the request otherwise."""
    return status == 400 and lacks(settings, models) and "model" in words.lower()


def lacks(settings: HTTPSettings, models: Sequence[str] | None) -> bool:
    """Whether a server that lists its models does not have this one."""
    return models is not None and not {settings.model, f"{settings.model}:latest"} & set(models)


def explain_status(settings: HTTPSettings, status: int, words: str, models: Sequence[str] | None) -> str:
    """The server refused. `words`: what it said; `models`: those that it lists, None if it lists none."""
    said = f"HTTP {status}: {words[:EXCERPT] or 'no text'}"
    if 300 <= status < 400:
        return f"it answers at another address (HTTP {status}): base_url has to be that one, no redirect is followed"
    if _is_about_the_key(status, words):
        return f"{_about_the_key(settings)} ({said})"
    missing = lacks(settings, models)
    if status == 404 and models is None:
        return f"{said}{hint_at_v1(settings)}"
    if status == 404 and missing:
        return f"there is no such model at {address(settings)}{name_those(settings, models or ())}"
    if _names_no_model(settings, status, words, models):
        return f"{said}{name_those(settings, models or ())}"
    return said


def hint_at_v1(settings: HTTPSettings) -> str:
    """What to say of a base_url that cannot be right, behind an error that may come from it."""
    if isinstance(settings, OpenAISettings) and settings.base_url == settings.preset.base_url:
        return ""
    ends = re.search(r"/v\d+$", settings.base_url.rstrip("/")) is not None
    if isinstance(settings, OllamaSettings):
        return f"; base_url is the server's root, without /v1 (it is {address(settings)})" if ends else ""
    return "" if ends else f"; base_url goes up to and including /v1 (it is {address(settings)})"


def address(settings: HTTPSettings) -> str:
    """base_url without what may be secret in it."""
    return str(httpx.URL(settings.base_url).copy_with(userinfo=b"", query=None)).rstrip("/")


def words_of(content: bytes) -> str:
    """What a server says in an error: the message in its JSON, or all of it."""
    text = content.decode(errors="replace").strip()
    try:
        said: Any = msgspec.json.decode(text)
        while isinstance(said, dict | list):
            # Gemini puts a list around it.
            said = (
                said[0]
                if isinstance(said, list)
                else next(said[name] for name in ("error", "message", "detail") if said.get(name))
            )
    except (msgspec.DecodeError, StopIteration, IndexError, RecursionError):
        return text
    return said if isinstance(said, str) else text


def _is_about_the_key(status: int, words: str) -> bool:
    """Not if a gateway (LiteLLM) says so of its own key for a server behind it; without a database it says 400 of ours."""
    if status == 400:
        return words == "No connected db."
    return status in (401, 403) and not words.startswith("litellm.")


def _about_the_key(settings: HTTPSettings) -> str:
    if settings.api_key_env:
        return f"the key in the environment variable {settings.api_key_env} is refused"
    return "the server wants a key: api_key_env names the environment variable that holds it"


def name_those(settings: HTTPSettings, models: Sequence[str]) -> str:
    if models:
        named = ", ".join(models)
        if len(named) > NAMES:
            named = f"{named[:NAMES].rpartition(', ')[0]}, ... ({len(models)} in all)"
        return f"; these exist: {named}"
    return f"; it has none, run: ollama pull {settings.model}" if isinstance(settings, OllamaSettings) else "; it has none"
