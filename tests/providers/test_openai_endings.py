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
