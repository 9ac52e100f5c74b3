"""Who plays the model: a server, or people and programs that read requests from a folder and put replies there."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.providers.messages import Message

POLL_SECONDS = 0.2


class Mailbox:
    """NUMBER.request.json is a list of {role, content}; its reply is the text in NUMBER.reply.txt."""

    def __init__(self, folder: Path) -> None:
        self.name = f"mailbox:{folder.name}"
        self._folder = folder
        self._numbers = itertools.count(1)
        folder.mkdir(parents=True, exist_ok=True)

    async def complete(
        self, messages: tuple[Message, ...], schema: dict[str, Any] | None = None, max_tokens: int | None = None
    ) -> str:
        number = f"{next(self._numbers):05}"
        request, reply = self._folder / f"{number}.request.json", self._folder / f"{number}.reply.txt"
        partial = self._folder / f"{number}.partial"
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(messages)))
        partial.rename(request)
        while not reply.exists():  # noqa: ASYNC110  (the other end is a folder)
            await asyncio.sleep(POLL_SECONDS)
        return reply.read_text(encoding="utf-8")
