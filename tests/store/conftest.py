"""Fixtures only: stores of one database."""

import contextlib

import msgspec
import pytest

from orchestrator.config import StoreSettings
from orchestrator.store.journals import Journals
from orchestrator.store.runs import RunStore


@pytest.fixture
def settings(store_url):
    return StoreSettings(url=store_url)


@pytest.fixture
def opened(settings):
    """opened(): one more process that uses the store."""
    with contextlib.ExitStack() as closing:

        def open_one(**changed):
            store = RunStore(msgspec.structs.replace(settings, **changed))
            closing.callback(store.close)
            return store, Journals(store, 1 << 30)

        yield open_one
