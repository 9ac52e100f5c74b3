"""What the OpenAI-compatible provider takes from a real server's replies."""

import asyncio

import msgspec
import pytest
from fakes import asked
from llama import HI, LONG, YES_OR_NO

from orchestrator.providers.messages import Received

pytestmark = pytest.mark.engine


async def test_a_reply_keeps_to_a_schema(llama_model):
    """It cannot be anything else, whatever the model is."""
    reply = await asked(llama_model(), HI, YES_OR_NO)
    assert msgspec.json.decode(reply.text) in ({"answer": "yes"}, {"answer": "no"})


async def test_a_reply_is_json_where_a_server_is_asked_for_no_more(llama_model):
    """response_format "json_object": an object begins, whatever it holds."""
    reply = await asked(llama_model(response_format="json_object", max_tokens=30), HI, YES_OR_NO)
    assert reply.text.lstrip().startswith("{")


async def test_the_server_counts_the_tokens(llama_model):
    """Nothing is estimated."""
    usage = (await asked(llama_model(), HI, YES_OR_NO)).usage
    assert not usage.estimated
    assert 0 < usage.completion_tokens < 20 < usage.prompt_tokens + 20


async def test_a_reply_at_its_limit_is_known_as_cut(llama_model):
    """max_tokens tokens of it came."""
    reply = await asked(llama_model(max_tokens=16), HI, LONG)
    assert (reply.cut, reply.usage.completion_tokens) == (True, 16)


async def test_a_reply_that_ends_by_itself_is_not_cut(llama_model):
    """The server says which it is."""
    assert not (await asked(llama_model(), HI, YES_OR_NO)).cut


async def test_a_reply_arrives_while_it_is_written(llama_model, llama_server):
    """In pieces; and a call that is cancelled stops the server."""
    received = Received()
    call = asyncio.create_task(llama_model().complete(HI, received, LONG))
    async with asyncio.timeout(60):
        while len(received.text) < 100:
            assert not call.done()
            await asyncio.sleep(0.01)
    assert await llama_server.busy() == 1
    call.cancel()
    await llama_server.becomes(busy=0)
    assert received.usage is None
