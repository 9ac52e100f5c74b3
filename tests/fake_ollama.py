"""A server on loopback that speaks Ollama's protocol as the real one does, silent truncation included.

A token is four characters here, unless it is told otherwise. It answers with the first word of the first message that it can see, and how many
characters reached it: what was cut is missing there.
"""

import asyncio
import contextlib
import json

DEFAULT_WINDOW = 4096
MODELS = {"qwen3": 40_960}  # name: context length
UNITS = {"s": 1, "m": 60, "h": 3600}
LOADING_SECONDS = 0.03


class FakeOllama:
    """`trouble`: what to do instead of answering the next chats, in order: busy, error, cut, hang; slow answers late."""

    def __init__(self, *trouble):
        self.trouble = list(trouble)
        self.token = 4  # characters
        self.loaded = []  # the num_ctx of each load of the model
        self.now = 0.0  # seconds, moved on by the tests: a model that is idle for longer than keep_alive is unloaded
        self.unload_at = 0.0
        self.chats = []
        self.asked = asyncio.Event()
        self.closed = asyncio.Event()  # a client went away while it waited

    @contextlib.asynccontextmanager
    async def running(self):
        """The address, as base_url wants it."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            if head.startswith("get /api/tags "):
                _whole(writer, "200 OK", {"models": [{"name": name, "size": 1, "details": {}} for name in MODELS]})
            else:
                length = int(head.partition("content-length: ")[2].split("\r\n")[0])
                await self._answer(head.split()[1], await reader.readexactly(length), reader, writer)
        writer.close()

    async def _answer(self, path, content, reader, writer):
        try:
            body = json.loads(content)
        except ValueError as error:
            return _whole(writer, "400 Bad Request", {"error": str(error)})
        if body["model"] not in MODELS:
            return _whole(writer, "404 Not Found", {"error": f"model '{body['model']}' not found"})
        if path == "/api/show":
            info = {"general.architecture": "qwen3", "qwen3.context_length": MODELS[body["model"]]}
            return _whole(writer, "200 OK", {"details": {}, "model_info": info, "capabilities": ["completion"]})
        return await self._chat(body, reader, writer)

    async def _chat(self, body, reader, writer):
        trouble = self.trouble.pop(0) if self.trouble else None
        if trouble == "busy":
            error = "server busy, please try again.  maximum pending requests exceeded"
            return _whole(writer, "503 Service Unavailable", {"error": error})
        self.chats.append(body)
        self.asked.set()
        window = min(body.get("options", {}).get("num_ctx", DEFAULT_WINDOW), MODELS[body["model"]])
        self._load(window, body.get("keep_alive", "5m"))
        if not body.get("truncate", True) and sum(len(each["content"]) for each in body["messages"]) > self.token * window:
            return _whole(writer, "400 Bad Request", {"error": "the input length exceeds the context length"})
        if trouble == "slow":
            await asyncio.sleep(LOADING_SECONDS)
        if trouble == "hang":
            await reader.read()
            return self.closed.set()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for line in _lines(body, window, trouble):
            encoded = json.dumps({"model": body["model"], "created_at": "2026-01-01T00:00:00Z"} | line).encode() + b"\n"
            writer.write(b"%x\r\n%b\r\n" % (len(encoded), encoded))
            await writer.drain()
        if trouble != "cut":
            writer.write(b"0\r\n\r\n")
        return await writer.drain()

    def _load(self, window, keep_alive):
        if self.loaded[-1:] != [window] or self.now >= self.unload_at:
            self.loaded.append(window)
        self.unload_at = self.now + int(keep_alive[:-1]) * UNITS[keep_alive[-1]]


def _lines(body, window, trouble):
    seen = truncated(body["messages"], window)
    text = f"{seen[0]['content'].split()[0]} {sum(len(each['content']) for each in seen)}"
    yield {"message": {"role": "assistant", "content": "", "thinking": "hmm"}, "done": False}
    yield {"message": {"role": "assistant", "content": text[:3]}, "done": False}
    if trouble == "error":
        yield {"error": "an error was encountered while running the model: unexpected EOF"}
    elif trouble != "cut":
        yield {"message": {"role": "assistant", "content": text[3:]}, "done": False}
        counts = {"prompt_eval_count": sum(len(each["content"]) for each in seen) // 4, "eval_count": 3}
        durations = {"total_duration": 9, "load_duration": 1, "prompt_eval_duration": 3, "eval_duration": 5}
        done = {"done": True, "done_reason": "stop"}
        yield {"message": {"role": "assistant", "content": ""}} | done | counts | durations


def truncated(messages, window):
    """What the model sees: system messages and the newest that fit; of one that is too long alone, its end. No error."""
    system = [each for each in messages if each["role"] == "system"]
    kept, room = [], max(1, 4 * window - sum(len(each["content"]) for each in system))
    for each in reversed([each for each in messages if each["role"] != "system"]):
        if kept and len(each["content"]) > room:
            break
        kept.insert(0, each | {"content": each["content"][-room:]})
        room -= len(each["content"])
    return system + kept


def _whole(writer, status, value):
    content = json.dumps(value).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close\r\ncontent-length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
