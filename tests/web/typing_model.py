"""Replies that come piece by piece, as those of a model do."""

import asyncio
import json

import httpx
from fakes import delta


class _Typed(httpx.AsyncByteStream):
    def __init__(self, chunks, pause, held):
        self._chunks = chunks
        self._pause = pause
        self._held = held

    async def __aiter__(self):
        for place, chunk in enumerate(self._chunks):
            if place == len(self._chunks) - 1 and self._held is not None:
                await self._held.wait()
            yield f"data: {json.dumps(chunk)}\n\n".encode()
            await asyncio.sleep(self._pause)
        yield b"data: [DONE]\n\n"


def typed(text, pieces=10, pause=0.02, held=None, reasoning=""):
    """A reply in so many pieces, with a pause behind each; its end comes when the event `held` is set."""
    size = -(-len(text) // pieces)
    chunks = [delta(reasoning_content=reasoning)] if reasoning else []
    chunks += [delta(content=text[place : place + size]) for place in range(0, len(text), size)]
    chunks += [delta("stop"), {"choices": [], "usage": {"prompt_tokens": 1234, "completion_tokens": len(text) // 4}}]
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=_Typed(chunks, pause, held))
