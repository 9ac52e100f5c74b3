"""A model server that replies what a query tells it to; a process of its own, which an attack's work does not hold up.

A query says PLAY and, in JSON, its replies, one for each turn: a text, or {"text", "times", "how", "after"}.
"""

import asyncio
import itertools
import json
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import backends

JSON = "content-type: application/json"


class Reply(NamedTuple):
    """What is sent, how, and after how many seconds."""

    text: str
    how: str = "whole"
    after: float = 0.0


def reply_to(messages):
    """A sub-call that says "wait S" gets its "yes" S seconds later. {told} in a reply: how many characters the model was told."""
    if messages[0]["role"] != "system":
        words = messages[0]["content"].split()
        return Reply("yes", after=float(words[1]) if words[:1] == ["wait"] else 0.0)
    replies = json.loads(messages[1]["content"].partition("PLAY ")[2].partition("\n")[0])
    turn = sum(each["role"] == "assistant" for each in messages)
    told = replies[min(turn, len(replies) - 1)]
    if isinstance(told, str):
        told = {"text": told}
    text = told.pop("text", "").replace("{told}", str(sum(len(each["content"]) for each in messages)))
    return Reply(text * told.pop("times", 1), **told)


async def large(writer, text):
    """200 MB of JSON."""
    pieces = [b'{"choices": [{"message": {"content": "', *[b"x" * 1_000_000] * 200, b'"}}]}']
    writer.write(backends.head("200 OK", JSON, f"content-length: {sum(map(len, pieces))}") + b"\r\n")
    await _write(writer, pieces)


async def one_line(writer, text):
    """200 MB of lists in one line of a stream."""
    writer.write(backends.head("200 OK") + backends.STREAM + b"data: ")
    await _write(writer, [b"[]," * 300_000] * 220)


async def _write(writer, pieces):
    for each in pieces:
        writer.write(each)
        await writer.drain()


async def nested_error(writer, text):
    body = b'{"error": ' + b"[" * 500_000
    writer.write(backends.refusal("400 Bad Request", JSON, body=body))


async def nested_reply(writer, text):
    body = b'{"choices": ' + b"[" * 5_000_000
    writer.write(backends.head("200 OK", JSON, f"content-length: {len(body)}") + b"\r\n" + body)


async def cut_anywhere(writer, text):
    """Its characters as they are, each byte in a piece of its own."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": "stop"}
    said = f"data: {json.dumps({'choices': [choice]}, ensure_ascii=False)}\n\n".encode()
    writer.write(backends.head("200 OK") + backends.STREAM)
    for each in said:
        writer.write(bytes([each]))
        await writer.drain()
        await asyncio.sleep(0.001)
    writer.write(backends.USAGE + backends.DONE)


OWN = (large, one_line, nested_error, nested_reply, cut_anywhere)
HOW = {each.__name__: each for each in (*OWN, backends.whole, *backends.FAULTS)}


async def play(writer, reply):
    await asyncio.sleep(reply.after)
    return await HOW[reply.how](writer, reply.text)


async def main():
    async with backends.ModelBackend(reply_to, itertools.repeat(play)).running() as server:
        print(server.url, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until whoever started this ends it


if __name__ == "__main__":
    asyncio.run(main())
