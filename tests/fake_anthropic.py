"""A server on loopback that speaks Anthropic's protocol, and breaks it as it is told."""

import asyncio
import contextlib
import json

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n"


def event(kind, **fields):
    """As it is sent: its name twice."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | fields, ensure_ascii=False)}\n\n"


def start(**usage):
    counts = {"input_tokens": 7, "output_tokens": 1} | usage
    return event(
        "message_start", message={"id": "msg_1", "role": "assistant", "content": [], "model": "claude", "usage": counts}
    )


def block(index, kind, *pieces):
    """One content block: text or thinking, in pieces."""
    begun = event("content_block_start", index=index, content_block={"type": kind, kind: ""})
    deltas = "".join(
        event("content_block_delta", index=index, delta={"type": f"{kind}_delta", kind: piece}) for piece in pieces
    )
    return begun + deltas + event("content_block_stop", index=index)


def stop(reason="end_turn", **usage):
    delta = {"stop_reason": reason, "stop_sequence": None}
    return event("message_delta", delta=delta, usage={"output_tokens": 5} | usage) + event("message_stop")


PING = event("ping")


class FakeAnthropic:
    """Answers each request with the next of `replies`: the whole text of a stream, sent in pieces of `size` bytes."""

    def __init__(self, *replies, size=10**9, hang=False):
        self.replies = list(replies)
        self.size = size
        self.hang = hang  # after the last byte
        self.heads = []
        self.bodies = []

    @contextlib.asynccontextmanager
    async def running(self):
        """The address, as base_url wants it."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"

    async def _serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            length = int(next(line for line in head.lower().splitlines() if line.startswith("content-length")).split(":")[1])
            self.bodies.append(json.loads(await reader.readexactly(length)))
            whole = HEAD + self.replies.pop(0).encode()
            for place in range(0, len(whole), self.size):
                writer.write(whole[place : place + self.size])
                await writer.drain()
                if self.size < 100:
                    await asyncio.sleep(0)
            if self.hang:
                await reader.read()
        writer.close()
