"""Fixtures only. One engine and one guest build serve the whole session."""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Iterator

import httpx
import msgspec
import pytest

from orchestrator.budget import Budget
from orchestrator.config import OpenAISettings, SandboxSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.dialogue.command_text import parse_block
from orchestrator.dialogue.commands import Malformed
from orchestrator.journal.journal import Journal
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool
from orchestrator.runs.run import Query, Run, Tools
from orchestrator.sandbox.engine import NOTHING, Engine
from orchestrator.sandbox.guest import Interpreter, describe
from orchestrator.sandbox.host_imports import HostImports, SubReply, entering
from orchestrator.sandbox.modules.imports import Call
from orchestrator.sandbox.templates import Loader


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
    """new_engine(settings, **others): an engine with limits of its own."""
    engines = []

    def new(settings, **others):
        engines.append(Engine(settings, **others))
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


def as_sent(*commands):
    """JSON commands as a run sends them to the guest: checked, with every field."""
    checked = parse_block(json.dumps(commands))
    assert not any(isinstance(each, Malformed) for each in checked)
    return msgspec.json.encode(checked).decode()


@pytest.fixture
def ask(run_cells):
    """await ask(expression, text=... | documents=...): its value in a cell, or the last line of its error."""

    async def value(expression, **context):
        outcome = await run_cells(f"import json\nprint(json.dumps({expression}))", **context)
        if outcome.error:
            return outcome.error.splitlines()[-1]
        return json.loads((outcome.head + outcome.tail).splitlines()[-1])  # broken lines are told before it

    return value


@pytest.fixture
def failure(run_cells):
    """await failure(code, text=...): the last line of its error."""

    async def message(code, **context):
        return (await run_cells(code, **context)).error.splitlines()[-1]

    return message


class Cut:
    """A text as a module's source that is handed out in pieces of the given lengths, over and over."""

    def __init__(self, text, pieces=(1 << 20,)):
        self._bytes = text.encode()
        self._pieces = itertools.cycle(pieces)
        self.length = len(self._bytes)

    def read(self, start, length):
        return self._bytes[start : start + min(length, next(self._pieces))]


@pytest.fixture
def run_module(engine):
    """run_module(module, function, args, source, fuel=..., engine=...): what it answers with, without a guest around it."""

    def run(module, function, args, source, fuel=10**10, engine=engine):
        def entered():
            with entering(Loader(NOTHING, engine.settings.seconds)):
                request = {"function": function, "args": args, "documents": None}
                return engine.modules.run(module, msgspec.json.encode(request), Call(source, lambda prompts: b"[]"), fuel)

        return msgspec.json.decode(engine.enter(entered).result())

    return run


FAKE_MODEL = OpenAISettings(model="fake", base_url="http://model/v1")


@pytest.fixture
def run_query(engine):
    """await run_query(model, ...): the finished journal of a run."""

    async def run(
        model,
        text="the context",
        max_iterations=5,
        max_sub_calls=10,
        output_limit=1000,
        protocol="python",
        *,
        on=engine,
        **totals,
    ):
        async with httpx.AsyncClient(transport=model) as client:
            tools = Tools(on, Pool([OpenAIProvider(FAKE_MODEL, client)]), await describe(on), output_limit)
            journal = Journal("0123456789abcdef")
            context = ContextStore().add("text", (text,))
            query = Query("What is it?", context, protocol)
            await Run(tools, journal, query, Budget(max_iterations, max_sub_calls, **totals)).execute()
            return journal

    return run
