"""Replies on the shelf: found by a later process, within their time and their bytes."""

import asyncio
import contextlib

import msgspec
import pytest

from orchestrator.config import CacheSettings, StoreSettings
from orchestrator.providers.cache import Cache, Kept
from orchestrator.providers.messages import Reply, Usage
from orchestrator.store.replies import Replies
from orchestrator.store.runs import RunStore

NEVER = 10.0**12  # seconds since 1970


@pytest.fixture
def store(store_url):
    with contextlib.closing(RunStore(StoreSettings(url=store_url))) as store:
        yield store


def kept(text="yes", until=NEVER):
    return Kept("m", text, "because", until)


async def settle(store):
    await asyncio.wrap_future(store.writer.settle())


async def test_a_reply_is_found_by_another_cache(store):
    """Which asks no model, and is told that it was paid for before."""
    settings = CacheSettings()
    asked = []

    async def ask():
        asked.append(1)
        return Reply(provider="m", text="yes", reasoning="", usage=Usage(3, 1), attempts=1, seconds=0.1)

    first = await Cache(settings, Replies(store, settings)).reply(b"key", ask)
    await settle(store)
    second = await Cache(settings, Replies(store, settings)).reply(b"key", ask)
    assert (first.cached, second.cached, second.text, len(asked)) == (False, True, "yes", 1)


async def test_one_whose_time_is_over_is_not_found(store):
    """And soon forgotten."""
    replies = Replies(store, CacheSettings())
    replies.keep(b"old", kept(until=1.0))
    replies.keep(b"new", kept())
    await settle(store)
    assert [await replies.find(key) for key in (b"old", b"new")] == [None, kept()]


async def test_the_longest_unused_leave_first(store):
    """By bytes of memory, as in memory."""
    replies = Replies(store, CacheSettings(cache_bytes=2 * kept().size))
    for key in (b"a", b"b", b"c"):
        replies.keep(key, kept())
    await settle(store)
    await replies.find(b"a")
    await replies.expire()
    assert [await replies.find(key) for key in (b"a", b"b", b"c")] == [kept(), None, kept()]


async def test_the_same_key_is_kept_once(store):
    """The later reply."""
    replies = Replies(store, CacheSettings())
    replies.keep(b"a", kept("first"))
    replies.keep(b"a", kept("second"))
    await settle(store)
    assert await replies.find(b"a") == msgspec.structs.replace(kept(), text="second")
