"""The OpenAI-compatible protocol as each server bends it: pieces of content, repetitions, endings that are none."""

import httpx
import pytest
from fakes import asked, delta, events

from orchestrator.config import OpenAISettings
from orchestrator.errors import ProviderError
from orchestrator.providers.messages import Message, Received, Usage
from orchestrator.providers.openai import OpenAIProvider

HI = (Message("user", "hi"),)


async def complete(response, received=None):
    """One call of a provider whose server answers with `response`."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda request: response)) as client:
        provider = OpenAIProvider(OpenAISettings(model="m", base_url="http://server/v1"), client)
        if received is None:
            return await asked(provider, HI)
        return await provider.complete(HI, received)


async def error_of(response):
    with pytest.raises(ProviderError) as error:
        await complete(response)
    return str(error.value), error.value.remedy


async def test_reasoning_among_the_content_is_kept_apart():
    """As Mistral sends it: content in pieces, those of thinking in pieces of their own."""
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}, {"type": "text", "text": "m"}]}]
    completion = await complete(events(delta(content=thought), delta("stop", content=[{"type": "text", "text": "yes"}])))
    assert (completion.text, completion.reasoning) == ("yes", "hmm")


async def test_a_stream_that_repeats_itself_is_read_once():
    """As Perplexity sends it: beside each piece all that came before, and the count so far."""

    def chunk(piece, whole, tokens, finish_reason=None):
        choice = {"index": 0, "delta": {"content": piece}, "message": {"content": whole}, "finish_reason": finish_reason}
        return {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": tokens}}

    completion = await complete(events(chunk("Hel", "Hel", 1), chunk("lo", "Hello", 2, "stop")))
    assert (completion.text, completion.usage) == ("Hello", Usage(3, 2))
    assert await error_of(events(chunk("Hel", "Hel", 1))) == ("m: the stream broke off", "later")


async def test_of_several_replies_the_first_is_read():
    """extra_body may ask for more; they come in any order."""
    other = {"choices": [{"index": 1, "delta": {"content": "B"}, "finish_reason": "stop"}]}
    assert (await complete(events(other, delta("stop", content="A"), other))).text == "A"


@pytest.mark.parametrize(
    ("reason", "message", "remedy"),
    [
        ("content_filter", "m: the server ended the reply: content_filter", "elsewhere"),
        ("insufficient_system_resource", "m: the server ended the reply: insufficient_system_resource", "later"),
        ("error", "m: the server ended the reply: error", "later"),
    ],
)
async def test_an_ending_that_is_none_is_an_error_with_what_came(reason, message, remedy):
    """What came is in Received."""
    received = Received()
    with pytest.raises(ProviderError) as error:
        await complete(events(delta(content="half"), delta(reason)), received)
    assert (str(error.value), error.value.remedy, received.text) == (message, remedy, "half")


async def test_a_refusal_is_an_error_that_says_so():
    """It comes beside the content, in pieces."""
    response = events(delta(refusal="I can"), delta("stop", refusal="not."))
    assert await error_of(response) == ("m: the model refused: I cannot.", "elsewhere")


async def test_a_prompt_that_is_filtered_may_be_answered_elsewhere():
    """Azure says so with a 400."""
    words = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
    assert (await error_of(httpx.Response(400, json={"error": {"message": words, "code": "content_filter"}})))[1] == "elsewhere"


async def test_what_a_server_says_in_a_list_is_read():
    """As Gemini does."""
    assert await error_of(httpx.Response(422, json=[{"error": {"message": "no"}}])) == ("m: HTTP 422: no", "none")


async def test_an_error_behind_a_whole_reply_does_not_throw_it_away():
    """It is paid for."""
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}
    completion = await complete(events(delta("stop", content="yes"), usage, {"error": {"message": "too late"}}))
    assert (completion.text, completion.usage) == ("yes", Usage(3, 1))


async def test_an_error_amid_a_reply_is_told_in_its_words():
    """As one before it is."""
    response = events(delta(content="half"), {"error": {"message": "overloaded", "code": 500}})
    assert await error_of(response) == ("m: overloaded", "later")


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 8192 tokens.",
        "request (9001 tokens) exceeds the available context size (8192 tokens)",
        "litellm.ContextWindowExceededError: litellm.BadRequestError: no",
    ],
)
async def test_a_prompt_that_is_too_long_may_be_answered_elsewhere(words):
    """By a model with a larger window."""
    assert await error_of(httpx.Response(400, json={"error": {"message": words}})) == (f"m: HTTP 400: {words}", "elsewhere")


async def test_a_gateway_that_does_not_know_the_key_says_so_in_its_own_way():
    """LiteLLM without a database, with a 400: it is a refused key all the same."""
    said = "the server wants a key: api_key_env names the environment variable that holds it (HTTP 400: No connected db.)"
    assert await error_of(httpx.Response(400, json={"error": {"message": "No connected db."}})) == (f"m: {said}", "mend")


async def test_a_key_of_a_gateway_is_not_taken_for_ours():
    """LiteLLM passes on what was said to it: nothing is wrong with the key that it was sent."""
    words = "litellm.AuthenticationError: AuthenticationError: OpenAIException - bad key"
    assert await error_of(httpx.Response(401, json={"error": {"message": words}})) == (f"m: HTTP 401: {words}", "mend")


@pytest.mark.parametrize(
    ("said", "cost"),
    [(0.25, 0.25), (0, 0.0), (1e308, None), (-1, None), ("7", None), (True, None), ({"total_cost": 1}, None), (None, None)],
)
async def test_what_a_gateway_charged_is_read(said, cost):
    """If it can be believed; the count beside it is read in any case."""
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1, "cost": said}}
    completion = await complete(events(delta("stop", content="yes"), usage))
    assert (completion.cost, completion.usage) == (cost, Usage(3, 1))


@pytest.mark.parametrize(
    ("entry", "window"),
    [
        ({"meta": {"n_ctx": 8192, "n_ctx_train": 131072}}, 8192),
        ({"max_model_len": 32768}, 32768),
        ({"context_length": 200000}, 200000),
        ({"context_window": 131072}, 131072),
        ({"meta": None, "context_length": None}, None),
        ({"context_window": "large"}, None),
        ({"context_window": -1}, None),
        ({"max_model_len": True}, None),
    ],
)
async def test_how_much_a_model_can_read_is_asked(entry, window):
    """Of the server's list of models, each in its own word; what is no number of tokens is not believed."""
    listing = {"data": [{"id": "other", "context_length": 7}, {"id": "m"} | entry]}
    assert await window_of(httpx.Response(200, json=listing)) == window


async def test_what_is_configured_is_not_asked():
    """Nor is a server believed that does not list."""
    assert (
        await window_of(httpx.Response(200, json={"data": [{"id": "m", "context_length": 9000}]}), context_window=5000) == 5000
    )
    assert await window_of(httpx.Response(404)) is None


async def window_of(response, **settings):
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda request: response)) as client:
        return await OpenAIProvider(OpenAISettings(model="m", base_url="http://server/v1", **settings), client).find_window()
