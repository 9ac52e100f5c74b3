"""Models that are none: faked at the wire (an httpx transport of the OpenAI-compatible protocol), or as a provider."""

import asyncio
import json

import httpx

from orchestrator.config import OpenAISettings
from orchestrator.providers.attempts import Request
from orchestrator.providers.messages import Message, Received, Usage
from orchestrator.providers.pool import Pool
from orchestrator.runs.live import Live


def streamed(text, prompt_tokens=10, completion_tokens=5):
    """A whole streamed reply as its server-sent events."""
    chunks = [
        {"choices": [{"delta": {"content": text}, "finish_reason": None}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}},
    ]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=body)


def events(*chunks, done=True):
    """A streamed reply of these chunks."""
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + ("data: [DONE]\n\n" if done else "")
    return httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"}, text=body)


def delta(finish_reason=None, **fields):
    """A chunk of it."""
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


class FakeModel(httpx.AsyncBaseTransport):
    """Root calls take the next of `replies` (a text, or a Response); sub-calls get `sub(prompt)`."""

    def __init__(self, replies=(), sub=str.upper, delay=0.0):
        self.replies = list(replies)
        self.sub = sub
        self.delay = delay
        self.root_messages = []
        self.root_formats = []
        self.sub_prompts = []
        self.sub_bodies = []
        self.cancelled = asyncio.Event()

    async def handle_async_request(self, request):
        if request.method == "GET":
            return httpx.Response(404)  # it does not list its models
        body = json.loads(await request.aread())
        messages = body["messages"]
        try:
            await asyncio.sleep(self.delay)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if messages[0]["content"].startswith("You answer a question about an input"):
            self.root_messages.append(messages)
            self.root_formats.append(body.get("response_format"))
            reply = self.replies.pop(0)
        else:
            asked = next(each["content"] for each in messages if each["role"] == "user")
            self.sub_prompts.append(asked)
            self.sub_bodies.append(body)
            reply = self.sub(asked)
        return streamed(reply) if isinstance(reply, str) else reply


def used(**models):
    """`usage` as the API has it, of a run whose models made (calls, tokens read, tokens written) and cost nobody knows what."""

    def one(calls, read, written):
        counted = {"calls": calls, "cache_hits": 0, "prompt_tokens": read, "completion_tokens": written}
        none = dict.fromkeys(("cached_tokens", "reasoning_tokens", "retried_tokens"), 0)
        return counted | none | {"estimated": False, "cost": None}

    total = [sum(each) for each in zip(*models.values(), strict=True)]
    return one(*total) | {"models": {name: one(*each) for name, each in models.items()}}


def python(code):
    """A reply with one block."""
    return f"```python\n{code}\n```"


async def asked(provider, messages, schema=None):
    """What one call of a provider brought."""
    received = Received()
    await provider.complete(messages, received, schema)
    return received


HI = (Message("user", "hi"),)
FAKE_MODEL = OpenAISettings(model="fake", base_url="http://model/v1")


async def complete(pool, role, messages=HI, **request):
    """One call of a role, to any of its models."""
    return await pool.complete(getattr(pool.choose(), role), Request(messages, **request))


def live(provider, journal):
    """A source that asks this provider alone."""
    pool = Pool([provider], retry_seconds=0)
    return Live(pool, pool.choose(), journal, max_seconds=60)


class FakeProvider:
    """A provider that answers with each of `answers`: a text or an error."""

    def __init__(self, name, *answers, delay=0.0, **settings):
        self.name = name
        self.settings = OpenAISettings(model=name, **{"base_url": f"http://{name}/v1"} | settings)
        self.answers = list(answers)
        self.delay = delay
        self.running = self.most = 0

    def check(self, query):
        pass

    async def find_window(self):
        return self.settings.context_window

    async def complete(self, messages, received, schema=None, max_tokens=None):
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.delay)
        finally:
            self.running -= 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        received.add(answer)
        received.usage = Usage(3, 1)
