"""Processes that execute runs, one after the other or several at once, over one store and the same contexts."""

import contextlib

import httpx
import msgspec
import pytest
from fakes import FAKE_MODEL

from orchestrator.config import Settings, StoreSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool
from orchestrator.runs.execute import Tools
from orchestrator.runs.service import RunService
from orchestrator.store.runs import RunStore


@pytest.fixture
def contexts():
    return ContextStore()


@pytest.fixture
def process(engine, contexts):
    """async with process(store_url, model, **settings) as runs: it is stopped at the end. `name`: of the model."""

    @contextlib.asynccontextmanager
    async def one(store_url, model, *, name="fake", over=contexts, prices=None, **changed):
        provider = msgspec.structs.replace(FAKE_MODEL, model=name)
        settings = Settings(providers=(provider,), sandbox=engine.settings, **changed)
        async with httpx.AsyncClient(transport=model) as client:
            with contextlib.closing(RunStore(StoreSettings(url=store_url))) as store:
                pool = Pool([OpenAIProvider(provider, client)], retry_seconds=0, prices=prices)
                runs = RunService(settings, Tools(engine), pool, over, store)
                try:
                    yield runs
                finally:
                    await runs.stop(0)

    return one
