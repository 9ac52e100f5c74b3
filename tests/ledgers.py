"""A model server that counts what it charges."""

import json

import httpx
from fakes import python, streamed

TALK = python("print('again')")


class Ledger(httpx.AsyncBaseTransport):
    """Counts four characters a token, and 100 of a reply, or if that is LONG, as those to sub-calls are, all that it may have.

    The root's replies are these, by turn; then it talks on, until it is asked for the best answer.
    """

    def __init__(self, *replies):
        self.replies = replies
        self.sub_prompts = []
        self.charged = 0
        self.limits = []

    async def handle_async_request(self, request):
        if request.method == "GET":
            return httpx.Response(404)
        body = json.loads(await request.aread())
        text = self._reply(body["messages"])
        self.limits.append(body["max_tokens"])
        read = sum(len(each["content"]) for each in body["messages"]) // 4
        written = body["max_tokens"] if text == "LONG" else 100
        self.charged += read + written
        return streamed(text, read, written)

    def _reply(self, messages):
        if messages[-1]["content"].startswith("No replies are left."):
            return "The best is 7."
        if messages[0]["role"] == "system":
            turn = sum(each["role"] == "assistant" for each in messages)
            return self.replies[turn] if turn < len(self.replies) else TALK
        self.sub_prompts.append(messages[0]["content"])
        return "LONG"
