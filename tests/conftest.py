"""Fixtures only. One engine and one guest build serve the whole session."""

import contextlib
import json
import os
from collections.abc import AsyncIterator, Iterator

import httpx
import litellm_gateway
import msgspec
import pytest
from fakes import FAKE_MODEL
from lazy_contexts import LazyContexts
from llama import NAME, OPTIONS, llama
from notebooks import Notebook, shout
from postgres import Postgres, binaries, running

from orchestrator.config import OpenAISettings, SandboxSettings, Settings
from orchestrator.contexts.store import ContextStore
from orchestrator.providers.openai import OpenAIProvider
from orchestrator.providers.pool import Pool
from orchestrator.runs.execute import Tools
from orchestrator.runs.query import Query
from orchestrator.runs.service import RunService
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.entered import entering
from orchestrator.sandbox.execution import preparation
from orchestrator.sandbox.guest import describe
from orchestrator.sandbox.limits import Meter
from orchestrator.sandbox.messages import SubReply
from orchestrator.sandbox.modules.imports import Call
from orchestrator.sandbox.modules.instance import Allowance
from orchestrator.store.database import sqlite_url
from orchestrator.store.runs import RunStore


@pytest.fixture(scope="session", autouse=True)
def own_data_folder(tmp_path_factory) -> Iterator[None]:
    """What servers and commands of the tests keep is not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(autouse=True)
def clean_environment(tmp_path_factory) -> Iterator[None]:
    """No test leaks environment variables into another, or writes into the user's data folder."""
    before = dict(os.environ)
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))
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
def new_notebook(engine):
    """new_notebook(text | documents=[...], ask=...): a fresh guest over a context."""
    contexts = ContextStore()

    def new(text="", documents=None, ask=shout, engine=engine):
        context = contexts.add_documents(documents) if documents is not None else contexts.add_text(text)
        return Notebook(engine, context, ask)

    return new


@pytest.fixture
async def run_cells(new_notebook) -> AsyncIterator:
    """await run_cells(code, ..., text=..., documents=..., ask=...): the outcome of the last cell."""

    async def run(*cells, **context):
        notebook = new_notebook(**context)
        for number, code in enumerate(cells, 1):
            outcome = await notebook.run_cell(number, code)
        return outcome

    return run


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


@pytest.fixture
def run_module(engine):
    """run_module(module, function, args, source, documents=...): what it answers with, without a guest around it."""

    def run(module, function, args, source, fuel=10**10, engine=engine, *, documents=None):
        def entered():
            request = {"function": function, "args": args, "documents": documents}
            allowance = Allowance(fuel, engine.settings.memory_bytes, Meter(engine.settings.seconds))
            with entering(preparation(engine.nothing, engine.settings, engine.modules)):
                call = Call(source, lambda prompts: b"[]")
                return engine.modules.run(module, msgspec.json.encode(request), call, allowance)

        ran = engine.enter(entered).result()
        if isinstance(ran.result, BaseException):
            raise ran.result
        return msgspec.json.decode(ran.result)

    return run


@pytest.fixture
def lazy(run_module, monkeypatch):
    """lazy.text(text), lazy.documents([...]): read a few code points at a time, and asked of a module soon."""
    contexts = LazyContexts(run_module, monkeypatch)
    contexts.cut()
    return contexts


@pytest.fixture(scope="session")
def store() -> Iterator[RunStore]:
    """A file that ends with the session."""
    with contextlib.closing(RunStore()) as store:
        yield store


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of PostgreSQL. CI installs one: there its absence is a failure. Elsewhere the tests say that they were not run."""
    if binaries() is None and not os.environ.get("CI"):
        pytest.skip("no PostgreSQL here (Debian: apt-get install postgresql)")
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path) -> str:
    """Of a new database, by each that a store may be in."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "runs.db")
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def run_query(engine, store):
    """await run_query(model, ...): the finished journal of a run; `text` may be documents, `asking` has fields of its Query."""

    async def run(
        model,
        text="the context",
        max_iterations=5,
        max_sub_calls=10,
        output_limit=1000,
        protocol="python",
        *,
        on=engine,
        asking=None,
        **totals,
    ):
        settings = Settings(
            providers=(FAKE_MODEL,),
            sandbox=on.settings,
            max_iterations=max_iterations,
            max_sub_calls=max_sub_calls,
            output_limit=output_limit,
            protocol=protocol,
            **totals,
        )
        async with httpx.AsyncClient(transport=model) as client:
            tools = Tools(on, await describe(on))
            runs = RunService(
                settings, tools, Pool([OpenAIProvider(FAKE_MODEL, client)], retry_seconds=0), ContextStore(), store
            )
            add = runs.contexts.add_text if isinstance(text, str) else runs.contexts.add_documents
            run = runs.start(Query("What is it?", add(text), **asking or {}))
            await run.wait()
            return run

    return run


@pytest.fixture
def asked():
    """asked(prompts) upper-cases, refuses prompts with "bad", and keeps each batch in asked.batches."""

    async def ask(prompts):
        ask.batches.append(list(prompts))
        return [SubReply(error="m: no") if "bad" in prompt else SubReply(text=prompt.upper()) for prompt in prompts]

    ask.batches = []
    return ask


@pytest.fixture(scope="session")
async def llama_server(tmp_path_factory):
    """A Llama with two slots: that of all tests/engine which do not end theirs."""
    async with llama(tmp_path_factory.mktemp("llama") / "log", *OPTIONS) as started:
        yield started


@pytest.fixture
async def llama_model(llama_server):
    """llama_model(base_url=..., max_tokens=..., ...): its model as an OpenAIProvider."""
    async with httpx.AsyncClient(trust_env=False, timeout=None) as client:

        def provider(**others):
            return OpenAIProvider(OpenAISettings(**{"model": NAME, "base_url": llama_server.url} | others), client)

        yield provider


@pytest.fixture(scope="session")
async def started_gateway(tmp_path_factory):
    async with litellm_gateway.running(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(started_gateway, monkeypatch):
    """A LiteLLM proxy, its key in the environment; its upstream answers whole."""
    monkeypatch.setenv("LITELLM_API_KEY", litellm_gateway.KEY)
    started_gateway.upstream.answer = lambda messages: "yes"
    started_gateway.upstream.behaviours = iter(())
    return started_gateway
