"""Replies that were paid for, given again to the same call, within a size and a time: in memory, and on a shelf beside it."""

import asyncio
import hashlib
import sys
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from orchestrator.config import CacheSettings
from orchestrator.providers.attempts import Request
from orchestrator.providers.messages import Reply, Usage
from orchestrator.providers.queue import Candidates

ENTRY_BYTES = 500  # of memory that one takes beside its text
LARGEST_SHARE = 8  # a reply that takes more than this part of the cache is not kept: it would drive all others out


class Kept(msgspec.Struct, frozen=True):
    """A reply; `until`: seconds since 1970."""

    provider: str
    text: str
    reasoning: str
    until: float

    @property
    def size(self) -> int:
        """In bytes of memory."""
        return ENTRY_BYTES + sys.getsizeof(self.text) + sys.getsizeof(self.reasoning)


class Shelf(Protocol):
    """Where they last longer than a process."""

    async def find(self, key: bytes) -> Kept | None:
        """That of the key, if its time is not over."""
        ...

    def keep(self, key: bytes, kept: Kept) -> None:
        """Soon."""
        ...


class Cache:
    """Gives the same call the same reply; those that are the same at the same time are one call."""

    def __init__(self, settings: CacheSettings, shelf: Shelf | None = None) -> None:
        self._shelf = shelf
        self._most = settings.cache_bytes
        self._seconds = settings.cache_seconds
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()  # the oldest first
        self._used: OrderedDict[bytes, None] = OrderedDict()  # the same, the longest unused first
        self._bytes = 0
        # What the call under way brought, once it has ended: None for a failure; cancelled with the run that made it.
        self._under_way: dict[bytes, asyncio.Future[Reply | None]] = {}

    async def reply(self, key: bytes, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        """What is kept for the key, or what `ask` brings. Raises ProviderError."""
        started = time.monotonic()
        while (kept := self._find(key) or await self._find_on_shelf(key)) is None:
            under_way = self._under_way.get(key)
            if under_way is None:
                return await self._ask_for_all(key, ask)
            # Waits for it without holding it: whoever leaves here leaves it to the others.
            await asyncio.wait([under_way])
            if under_way.cancelled():
                continue  # its run is gone; one of those who waited makes the call
            reply = under_way.result()
            if reply is None:
                # Each by itself: none waits for the failures of the others, one after the other.
                return self._keep(key, await ask())
            kept = self._make(reply)
            break
        return Reply(
            provider=kept.provider,
            text=kept.text,
            reasoning=kept.reasoning,
            usage=Usage(),
            attempts=0,
            seconds=time.monotonic() - started,
            cost=0.0,
            last_cost=0.0,
            cached=True,
        )

    async def has(self, key: bytes) -> bool:
        """Whether a reply is kept for it."""
        return (self._find(key) or await self._find_on_shelf(key)) is not None

    def expire(self) -> None:
        """Forgets what has been kept for its time."""
        now = time.time()
        while self._kept and self._kept[oldest := next(iter(self._kept))].until <= now:
            self._forget(oldest)

    async def _ask_for_all(self, key: bytes, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        under_way = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            reply = self._keep(key, await ask())
        except asyncio.CancelledError:
            under_way.cancel()
            raise
        except BaseException:
            under_way.set_result(None)
            raise
        else:
            under_way.set_result(reply if _is_useful(reply) else None)
            return reply
        finally:
            del self._under_way[key]

    def _make(self, reply: Reply) -> Kept:
        return Kept(reply.provider, reply.text, reply.reasoning, time.time() + self._seconds)

    def _find(self, key: bytes) -> Kept | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= time.time():
            self._forget(key)
            return None
        self._used.move_to_end(key)
        return kept

    async def _find_on_shelf(self, key: bytes) -> Kept | None:
        kept = await self._shelf.find(key) if self._shelf else None
        if kept is not None:
            self._hold(key, kept)
        return kept

    def _keep(self, key: bytes, reply: Reply) -> Reply:
        kept = self._make(reply)
        if _is_useful(reply) and self._hold(key, kept) and self._shelf:
            self._shelf.keep(key, kept)
        return reply

    def _hold(self, key: bytes, kept: Kept) -> bool:
        """In memory, if it is not there and has room."""
        if key in self._kept or kept.size > self._most // LARGEST_SHARE:
            return False
        self._kept[key] = kept
        self._used[key] = None
        self._bytes += kept.size
        while self._bytes > self._most:
            self._forget(next(iter(self._used)))
        return True

    def _forget(self, key: bytes) -> None:
        self._bytes -= self._kept.pop(key).size
        del self._used[key]


def _is_useful(reply: Reply) -> bool:
    """An empty one is a failure, and one that was cut is half a reply: another call may mend either."""
    return bool(reply.text.strip()) and not reply.cut


def key_of(candidates: Candidates, request: Request) -> bytes:
    """The same for calls that may be given the same reply: of one owner, any of the candidates could have answered either."""
    asked = sorted(each.fingerprint for each in candidates)
    sent = msgspec.json.encode([request.messages, request.schema, request.max_tokens, request.sample])
    return hashlib.sha256(b"\0".join([request.owner.encode(), *asked, sent])).digest()
