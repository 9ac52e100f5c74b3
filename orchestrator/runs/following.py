"""Following a run that goes on: each of its events once it lasts, and the reply that its root model is giving.

However many follow a run, one task looks after it and each event is encoded once. Who reads slowly goes on from where they are:
nothing waits for them, and nothing is kept for them.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec

from orchestrator.errors import StoreFull, Superseded
from orchestrator.journal.journal import Journal, Speaking

LOOK_SECONDS = 0.05  # between two looks at a reply that is under way
QUIET_SECONDS = 15.0  # after which who follows is told that there is nothing new
MOST_AT_ONCE = 64  # events
MOST_BYTES = 1 << 18  # of them
MOST_STREAMED = 200_000  # characters of a reply that is under way; the rest comes with the whole
_LINE_ENDS = tuple((each.encode(), b"\\u%04x" % ord(each)) for each in "\x85\u2028\u2029")
BATCHES_KEPT = 8  # for those who are at about the same place


class Told(msgspec.Struct, frozen=True):
    """One event as JSON, with its number; one without a number is not in the journal."""

    number: int | None
    kind: str
    content: bytes


def one_line(content: bytes) -> bytes:
    """JSON without the line ends of Unicode, at which many a client ends a line: U+0085, U+2028, U+2029."""
    for character, escaped in _LINE_ENDS:
        content = content.replace(character, escaped)
    return content


class Delta(msgspec.Struct, frozen=True):
    """More of a reply that is under way: `text` and `reasoning` go behind so many characters of each. At 0, it begins anew."""

    turn: int
    offset: int
    text: str
    reasoning_offset: int
    reasoning: str


class _Said(msgspec.Struct, frozen=True):
    """Of a reply that is under way, what came until a look at it."""

    speaking: Speaking
    size: int  # of what had come then
    text: str
    reasoning: str


class Following:
    """One run that goes on in this process."""

    def __init__(self, journal: Journal, ended: "asyncio.Future[Any]") -> None:
        """`ended`: done when nothing more is written here."""
        self._journal = journal
        self._ended = ended
        self._lasting = 0  # events that may be shown
        self._over = False  # no more will
        self._said: _Said | None = None
        self._changed = asyncio.Event()
        self._batches: dict[int, list[Told]] = {}
        self._delta: tuple[_Said | None, _Said, Told] | None = None  # the last one that was made
        self._readers = 0
        self._task: asyncio.Task[None] | None = None

    async def read(self, position: int) -> AsyncIterator[list[Told]]:
        """The events from that one on, as they come to last; nothing at all after a quiet time. Ends with the run here."""
        said: _Said | None = None
        with self._reading():
            while True:
                changed = self._changed
                while batch := self._batch(position):
                    yield batch
                    position += len(batch)
                if self._over:
                    return
                if self._said is not None and self._said is not said:
                    yield [self._tell_said(said, self._said)]
                said = self._said
                try:
                    async with asyncio.timeout(QUIET_SECONDS):  # not wait_for, which takes a task for each reader
                        await changed.wait()
                except TimeoutError:
                    yield []

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        self._readers += 1
        if self._task is None:
            self._said = None  # of the last time that somebody was here
            self._task = asyncio.create_task(self._look())
        try:
            yield
        finally:
            self._readers -= 1
            if not self._readers:
                self._task.cancel()
                self._task = None

    async def _look(self) -> None:
        """What is new, until the end."""
        while not self._over:
            written = len(self._journal.events)
            if written > self._lasting:
                with contextlib.suppress(StoreFull):  # the run is told; what it did is shown though it may not last
                    try:
                        await self._journal.settle()
                    except Superseded:
                        self._end()
                        return
                if self._said is not None and self._said.speaking is not self._journal.speaking:
                    self._said = None  # it is whole, and among these events
                self._lasting = written
                self._tell()
            if self._ended.done() and self._lasting == len(self._journal.events):
                self._end()
            elif self._lasting == len(self._journal.events):
                self._listen()
                await self._change()

    async def _change(self) -> None:
        """Waits for another event, or the end; not for long while a reply is under way."""
        waits = asyncio.ensure_future(self._journal.change())
        seconds = LOOK_SECONDS if self._journal.speaking else None
        try:
            await asyncio.wait((waits, self._ended), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waits.cancel()

    def _listen(self) -> None:
        speaking, before = self._journal.speaking, self._said
        if speaking is None:
            self._said = None
            return
        if before is not None and before.speaking is speaking and before.size >= min(speaking.received.size, MOST_STREAMED):
            return
        text, reasoning = (each[:MOST_STREAMED] for each in speaking.received.so_far())
        self._said = _Said(speaking, speaking.received.size, text, reasoning)
        self._tell()

    def _end(self) -> None:
        self._over = True
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _batch(self, position: int) -> list[Told]:
        """The next events that may be shown; those that many ask for are encoded once."""
        batch = self._batches.get(position)
        if batch is None and position < self._lasting:
            batch, size = [], 0
            for event in self._journal.events[position : min(self._lasting, position + MOST_AT_ONCE)]:
                content = one_line(msgspec.json.encode(event))
                batch.append(Told(position + len(batch), str(event.__struct_config__.tag), content))
                size += len(content)
                if size > MOST_BYTES:
                    break
            self._batches[position] = batch
            if len(self._batches) > BATCHES_KEPT:
                del self._batches[next(iter(self._batches))]
        return batch or []

    def _tell_said(self, before: _Said | None, now: _Said) -> Told:
        if before is not None and before.speaking is not now.speaking:
            before = None
        if self._delta is None or self._delta[0] is not before or self._delta[1] is not now:
            text, reasoning = (len(before.text), len(before.reasoning)) if before else (0, 0)
            delta = Delta(now.speaking.turn, text, now.text[text:], reasoning, now.reasoning[reasoning:])
            self._delta = (before, now, Told(None, "model_delta", one_line(msgspec.json.encode(delta))))
        return self._delta[2]
