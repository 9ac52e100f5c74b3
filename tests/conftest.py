"""Fixtures only. One engine and one guest build serve the whole session."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from orchestrator.config import SandboxSettings
from orchestrator.contexts import ContextStore
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.host_imports import HostImports, SubReply
from orchestrator.sandbox.interpreter import Interpreter


@pytest.fixture(autouse=True)
def clean_environment() -> Iterator[None]:
    """No test leaks environment variables into another."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Small limits, so that tests that hit them are quick; a missing guest is built, never skipped."""
    settings = SandboxSettings(fuel=3_000_000_000, seconds=20.0, memory_bytes=256 << 20, output_chars=10_000)
    engine = Engine(settings)
    yield engine
    engine.close()


@pytest.fixture
def new_engine():
    """new_engine(settings): an engine with limits of its own."""
    engines = []

    def new(settings):
        engines.append(Engine(settings))
        return engines[-1]

    yield new
    for engine in engines:
        engine.close()


@pytest.fixture
def new_interpreter(engine):
    """new_interpreter(text | documents=[...], ask=...): a fresh guest over a context."""
    contexts = ContextStore()

    async def shout(prompts):
        return [SubReply(text=prompt.upper()) for prompt in prompts]

    def new(text="", documents=None, ask=shout, engine=engine):
        context = contexts.add("documents", tuple(documents)) if documents is not None else contexts.add("text", (text,))
        imports = HostImports(context, ask, asyncio.get_running_loop(), seed=7, clock_start_ns=10**18)
        return Interpreter(engine, imports, context, seed=7)

    return new


@pytest.fixture
async def run_cells(new_interpreter) -> AsyncIterator:
    """await run_cells(code, ..., text=..., documents=..., ask=...): the outcome of the last cell."""

    async def run(*cells, **context):
        interpreter = new_interpreter(**context)
        for number, code in enumerate(cells, 1):
            outcome = await interpreter.run_cell(number, code)
        return outcome

    return run
