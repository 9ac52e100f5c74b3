"""Ollama's protocol at the wire."""

import json

import httpx
import pytest
from fakes import asked

from orchestrator.config import OllamaSettings
from orchestrator.errors import ProviderError
from orchestrator.providers.messages import Message, Usage
from orchestrator.providers.ollama import OllamaProvider

SHOWN = {"model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40_960}}

HI = (Message("user", "hi"),)


def line(content="", **fields):
    return json.dumps({"model": "m", "message": {"role": "assistant", "content": content}, "done": False} | fields)


def lines(*each):
    return httpx.Response(200, headers={"content-type": "application/x-ndjson"}, text="\n".join(each) + "\n")


DONE = line(done=True, done_reason="stop", prompt_eval_count=7, eval_count=3)


class Server:
    """Answers /api/show, and /api/chat with one response after the other."""

    def __init__(self, *responses, shown=SHOWN):
        self.responses = list(responses)
        self.shown = shown
        self.chats = []
        self.shows = 0
        self.tags = {"models": []}

    def __call__(self, request):
        if request.url.path == "/api/tags":
            return httpx.Response(200, json=self.tags)
        if request.url.path == "/api/show":
            self.shows += 1
            return httpx.Response(200, json=self.shown)
        self.chats.append(json.loads(request.content))
        return self.responses.pop(0)


async def complete(server, *prompts, schema=None, **settings):
    """The last completion of one provider for these prompts."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
        provider = OllamaProvider(OllamaSettings(model="m", base_url="http://ollama", **settings), client)
        for prompt in prompts:
            received = await asked(provider, (Message("user", prompt),), schema)
        return received


async def error_of(response, prompt="hi", **settings):
    """Of a response to the first chat, or of a whole server."""
    server = response if callable(response) else Server(response)
    with pytest.raises(ProviderError) as error:
        await complete(server, prompt, **settings)
    return str(error.value), error.value.remedy


async def test_pieces_are_joined_and_tokens_counted():
    """Text, thinking and usage of a streamed reply."""
    server = Server(lines(line("Hel"), line("lo"), DONE))
    completion = await complete(server, "hi")
    assert (completion.text, completion.reasoning, completion.usage, completion.cut) == ("Hello", "", Usage(7, 3), False)


async def test_a_reply_that_was_cut_is_known():
    """done_reason is "length"."""
    assert (await complete(Server(lines(line("Hel"), line(done=True, done_reason="length"))), "hi")).cut


async def test_a_line_is_what_ends_with_a_line_feed():
    """Other line separators of Unicode may stand in a text."""
    odd = line("a\u2028b\u2029c\x85d").replace("\\u2028", "\u2028").replace("\\u2029", "\u2029").replace("\\u0085", "\x85")
    assert (await complete(Server(lines(odd, DONE)), "hi")).text == "a\u2028b\u2029c\x85d"


async def test_thinking_is_kept_apart():
    """message.thinking never becomes text."""
    thought = json.dumps({"message": {"role": "assistant", "content": "", "thinking": "hmm"}, "done": False})
    completion = await complete(Server(lines(thought, line("yes"), DONE)), "hi")
    assert (completion.text, completion.reasoning) == ("yes", "hmm")


async def test_the_request_is_what_ollama_documents():
    """Model, messages, streaming, keep_alive and num_ctx."""
    server = Server(lines(DONE))
    await complete(server, "hi", keep_alive="1h")
    assert server.chats == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "hi"}],
            "stream": True,
            "keep_alive": "1h",
            "truncate": False,
            "shift": False,
            "options": {"num_ctx": 4096, "num_predict": 8192},
        }
    ]


@pytest.mark.parametrize(("effort", "think"), [("low", "low"), ("none", False)])
async def test_what_is_set_is_sent(effort, think):
    """Sampling as options; extra_body is merged with them."""
    server = Server(lines(DONE))
    extra = {"options": {"top_k": 40}, "logprobs": True}
    await complete(server, "hi", temperature=0.0, top_p=0.9, seed=1, reasoning_effort=effort, extra_body=extra)
    [chat] = server.chats
    options = {"num_ctx": 4096, "num_predict": 8192, "temperature": 0.0, "top_p": 0.9, "seed": 1, "top_k": 40}
    assert (chat["options"], chat["think"], chat["logprobs"]) == (options, think, True)


@pytest.mark.parametrize("count", ["-1", "1e400", '"7"', "1180591620717411303424"])
async def test_a_count_that_cannot_be_is_an_error(count):
    """It is no completion of Ollama's."""
    response = lines(line("x"), DONE.replace('"eval_count": 3', f'"eval_count": {count}'))
    assert await error_of(response) == ("m: sent something that is not a completion", "later")


async def test_the_window_grows_with_the_prompt_and_never_shrinks():
    """Another num_ctx makes Ollama load the model anew: a small prompt after a large one keeps it."""
    server = Server(lines(DONE), lines(DONE), lines(DONE))
    await complete(server, "hi", "x" * 40_000, "hi")
    assert [chat["options"]["num_ctx"] for chat in server.chats] == [4096, 16384, 16384]
    assert server.shows == 1


async def test_the_window_is_at_most_the_models():
    """Near the end of the model's context length, num_ctx is that length."""
    server = Server(lines(DONE))
    await complete(server, "x" * 3 * 38_000)
    assert server.chats[0]["options"]["num_ctx"] == 40_960


async def test_a_prompt_that_does_not_fit_the_model_is_refused():
    """Ollama would cut it silently; nothing is sent."""
    server = Server()
    with pytest.raises(ProviderError) as error:
        await complete(server, "x" * 400_000)
    assert str(error.value) == (
        "m: the prompt has 400,000 characters, of which about 116,736 fit (the model's context length is 40,960 tokens, 2,048 are kept "
        "for the reply)"
    )
    assert server.chats == []


async def test_a_configured_window_is_used_and_kept():
    """num_ctx from the configuration; nothing is asked of /api/show."""
    server = Server(lines(DONE))
    await complete(server, "hi", num_ctx=8192)
    assert (server.chats[0]["options"], server.shows) == ({"num_ctx": 8192, "num_predict": 8192}, 0)


async def test_a_prompt_that_does_not_fit_the_configured_window_names_the_setting():
    """The operator can raise it."""
    assert await error_of(lines(DONE), "x" * 40_000, num_ctx=8192) == (
        "m: the prompt has 40,000 characters, of which about 18,432 fit (num_ctx is 8,192 tokens, 2,048 are kept for the reply)",
        "elsewhere",
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["qwen3:8b", "llama3.2:3b"], "m: there is no such model at http://ollama; these exist: qwen3:8b, llama3.2:3b"),
        ([], "m: there is no such model at http://ollama; it has none, run: ollama pull m"),
        (["m:latest"], "m: HTTP 404: model 'm' not found"),
    ],
)
async def test_a_missing_model_is_told_with_those_that_exist(names, message):
    """404 is not retried; `m` is m:latest."""
    response = httpx.Response(404, json={"error": "model 'm' not found"})
    server = Server(response)
    server.tags = {"models": [{"name": name, "size": 1} for name in names]}
    assert await error_of(server) == (message, "mend")


async def test_a_base_url_with_v1_is_told():
    """Ollama has the OpenAI-compatible protocol there, which is not used."""
    settings = OllamaSettings(model="m", base_url="http://ollama/v1")
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda request: httpx.Response(404, text="404 page not found"))
    ) as client:
        with pytest.raises(ProviderError) as error:
            await asked(OllamaProvider(settings, client), HI)
    assert str(error.value) == (
        "m: HTTP 404: 404 page not found; base_url is the server's root, without /v1 (it is http://ollama/v1)"
    )


async def test_a_server_that_is_not_running_is_told_how_to_start():
    """No answer on loopback."""

    def server(request):
        raise httpx.ConnectError("All connection attempts failed")

    assert await error_of(server) == ("m: no answer at http://ollama: is `ollama serve` running?", "later")


async def test_an_error_inside_the_stream_is_retried():
    """A line {"error": ...} after the status 200."""
    response = lines(line("par"), json.dumps({"error": "llama runner process has terminated"}))
    assert await error_of(response) == ("m: llama runner process has terminated", "later")


async def test_half_a_stream_is_an_error():
    """No line says done."""
    assert await error_of(lines(line("par"))) == ("m: the stream broke off", "later")


async def test_what_is_not_json_is_an_error():
    """A proxy's HTML page, for instance."""
    assert await error_of(lines("<html>")) == ("m: sent something that is not a completion", "later")


async def test_tokens_that_were_not_counted_are_estimated():
    """Four characters a token, and said to be an estimate."""
    completion = await complete(Server(lines(line("Hello"), line(done=True))), "hi there")
    assert (completion.usage, completion.usage_for((Message("user", "hi there"),))) == (None, Usage(2, 2, estimated=True))


async def test_an_empty_key_variable_sends_no_authorization():
    """Ollama needs none."""
    seen = []

    def server(request):
        seen.append(request.headers.get("authorization"))
        return httpx.Response(200, json=SHOWN) if request.url.path == "/api/show" else lines(DONE)

    await complete(server, "hi")
    assert seen == [None, None]


async def test_a_schema_constrains_decoding():
    """As `format`; without a schema nothing is sent."""
    server = Server(lines(DONE), lines(DONE))
    await complete(server, "hi", schema={"type": "object"})
    await complete(server, "hi")
    assert [chat.get("format") for chat in server.chats] == [{"type": "object"}, None]
