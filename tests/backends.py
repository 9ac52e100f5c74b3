"""Model servers on loopback (the OpenAI-compatible protocol) that fail as real ones do, and keep a ledger of what they charged."""

import asyncio
import contextlib
import email.utils
import gzip
import json
import socket
import struct
import time

STREAM = b"content-type: text/event-stream\r\nconnection: close\r\n\r\n"
PROMPT_TOKENS, COMPLETION_TOKENS = 10, 5  # that each whole reply costs


def head(status, *headers):
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *headers)).encode()


def chunk(text, finish_reason=None):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


COUNTS = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS}
USAGE = f"data: {json.dumps({'choices': [], 'usage': COUNTS})}\n\n".encode()
DONE = b"data: [DONE]\n\n"


def refusal(status, *headers, body=b'{"error": {"message": "no"}}'):
    return head(status, *headers, f"content-length: {len(body)}", "connection: close") + b"\r\n" + body


async def whole(writer, text):
    return _charge(writer, head("200 OK") + STREAM + chunk(text) + chunk("", "stop") + USAGE + DONE)


async def duplicated(writer, text):
    """The end of the reply, its usage and its last line come twice."""
    return _charge(writer, head("200 OK") + STREAM + chunk(text) + (chunk("", "stop") + USAGE + DONE) * 2)


def _charge(writer, reply):
    """Whether it is sent: who has gone is not charged."""
    gone = writer.transport.is_closing()
    writer.write(reply)
    return not gone


async def reset(writer, text):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def limited_in_seconds(writer, text):
    writer.write(refusal("429 Too Many Requests", "retry-after: 0.1"))


async def limited_until_a_date(writer, text):
    writer.write(refusal("429 Too Many Requests", f"retry-after: {email.utils.formatdate(time.time() + 1, usegmt=True)}"))


async def broken(writer, text):
    writer.write(refusal("500 Internal Server Error"))


async def unavailable(writer, text):
    writer.write(refusal("503 Service Unavailable"))


async def stalled(writer, text):
    """Nothing comes."""
    await asyncio.sleep(3600)


async def stalled_amid(writer, text):
    """The beginning comes, and then nothing."""
    writer.write(head("200 OK") + STREAM + chunk("half"))
    await writer.drain()
    await asyncio.sleep(3600)


async def truncated(writer, text):
    body = b'{"choices": [{"message": {"conte'
    writer.write(head("200 OK", "content-type: application/json", f"content-length: {len(body)}") + b"\r\n" + body)


async def a_page(writer, text):
    body = b"<html>it works</html>"
    writer.write(head("200 OK", "content-type: text/html", f"content-length: {len(body)}") + b"\r\n" + body)


async def packed(writer, text):
    """100 MB of spaces as 100 KB."""
    body = gzip.compress(b" " * 100_000_000, 9)
    headers = ("content-type: application/json", "content-encoding: gzip", f"content-length: {len(body)}")
    writer.write(head("200 OK", *headers) + b"\r\n" + body)


async def endless(writer, text):
    writer.write(head("200 OK") + STREAM)
    while True:
        writer.write(chunk("x" * 10_000) * 10)
        await writer.drain()


async def redirected(writer, text):
    writer.write(refusal("307 Temporary Redirect", "location: http://127.0.0.1:9/v1/chat/completions"))


FAULTS = (
    reset,
    limited_in_seconds,
    limited_until_a_date,
    broken,
    unavailable,
    stalled,
    stalled_amid,
    truncated,
    a_page,
    packed,
    endless,
    redirected,
)


class ModelBackend:
    """Answers each chat with `answer(messages)`, as `behave(writer, text)` of the next in `behaviours` does it; then whole.

    `charged` counts the whole replies that were sent to somebody who was still there; `asked` is the last request.
    """

    def __init__(self, answer=lambda messages: "yes", behaviours=()):
        self.answer = answer
        self.behaviours = iter(behaviours)
        self.chats = 0
        self.heads = []
        self.asked = {}
        self.charged = 0
        self._server = None
        self._port = 0
        self._tasks = set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}/v1"

    async def start(self):
        """At the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self):
        """As a process that is killed: what was under way breaks off."""
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def running(self):
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._answer_one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer_one(self, reader, writer):
        request = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if request.startswith("get "):
            writer.write(refusal("404 Not Found"))
            return
        self.heads.append(request)
        length = int(request.partition("content-length: ")[2].split("\r\n")[0])
        self.asked = json.loads(await reader.readexactly(length))
        self.chats += 1
        behave = next(self.behaviours, whole)
        charged = await behave(writer, self.answer(self.asked["messages"]))
        self.charged += bool(charged)
