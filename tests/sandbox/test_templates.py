"""A context is loaded once, and forked by every run that uses it."""

import asyncio
import json
import uuid

import pytest
from notebooks import Notebook

from orchestrator.config import SandboxSettings
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore

STORE = ContextStore()


class Counted(Context):
    """Counts the code points that guests read of it."""

    def read_all(self, start, length):
        found = super().read_all(start, length)
        read_of[self.id] = read_of.get(self.id, 0) + len(found)
        return found


read_of = {}


def counted(content, kind="text"):
    match kind:
        case "text":
            held = STORE.add_text(content)
        case "documents":
            held = STORE.add_documents(content)
        case _:
            held = STORE.add_json(kind, json.loads(content))
    context = Counted(held.id, STORE._path(held.id))
    context.id = uuid.uuid4().hex  # no other test has its template
    return context


@pytest.fixture
def run_over(engine):
    """run_over(context): a new run."""

    def new(context, engine=engine):
        return Notebook(engine, context, seed=1, clock_start_ns=0)

    return new


async def test_runs_over_one_context_read_it_once(run_over):
    """Each sees a real str, at the same place, and its own variables."""
    context = counted("some text " * 1000)
    runs = [run_over(context) for _ in range(5)]
    outcomes = [await run.run_cell(1, "mine = 1\ntype(context), len(context), id(context)") for run in runs]
    assert len({outcome.head for outcome in outcomes}) == 1
    assert outcomes[0].head.startswith("(<class 'str'>, 10000, ")
    assert read_of[context.id] == 10_000


async def test_runs_that_begin_together_read_it_once(run_over):
    """The others wait for the first."""
    context = counted("x" * 5_000_000)
    outcomes = await asyncio.gather(*(run_over(context).run_cell(1, "len(context)") for _ in range(8)))
    assert [outcome.head for outcome in outcomes] == ["5000000\n"] * 8
    assert read_of[context.id] == 5_000_000


async def test_a_context_that_no_cell_names_is_not_loaded(run_over):
    """And a run that names it later takes the template of another, where there was one when it began."""
    context = counted("some text")
    early = run_over(context)
    await early.run_cell(1, "x = 1")
    assert context.id not in read_of
    await run_over(context).run_cell(1, "context")
    late = run_over(context)
    await late.run_cell(1, "x = 2")
    assert (await late.run_cell(2, "x, context")).head == "(2, 'some text')\n"
    assert read_of[context.id] == len("some text")
    assert (await early.run_cell(2, "x, context")).head == "(1, 'some text')\n"
    assert read_of[context.id] == 2 * len("some text")


async def test_a_run_changes_only_its_own_fork(run_over):
    """A parsed JSON value is mutable: the next run gets it as it was sent."""
    context = counted('{"a": [1]}', kind="json")
    assert (await run_over(context).run_cell(1, "context['a'].append(2)\ncontext")).head == "{'a': [1, 2]}\n"
    assert (await run_over(context).run_cell(1, "context")).head == "{'a': [1]}\n"


async def test_runs_over_one_context_have_their_own_randomness(engine):
    """Each is seeded anew after the fork."""
    context = counted("c")
    drawn = set()
    for seed in range(5):
        cell = "context\nimport random, uuid, os\nrandom.random(), uuid.uuid4(), os.urandom(4)"
        drawn.add((await Notebook(engine, context, seed=seed).run_cell(1, cell)).head)
    assert len(drawn) == 5


async def test_a_context_that_does_not_fit_is_told_to_the_cell(run_over, new_engine):
    """As MemoryError; the run goes on, and the next one is told the same."""
    small = new_engine(SandboxSettings(memory_bytes=34 << 20))
    context = counted("[" + "1.5," * 3_000_000 + "1]", kind="json")
    for _ in range(2):
        run = run_over(context, engine=small)
        outcome = await run.run_cell(1, "len(context)")
        assert outcome.error.splitlines()[0] == "MemoryError"
        assert (await run.run_cell(2, "1 + 1")).head == "2\n"


async def test_a_text_takes_about_its_own_size(run_over, new_engine):
    """Not two or three times, in any width: it grows in place while it is loaded."""
    engine = new_engine(SandboxSettings())
    for text in ("x" * 60_000_000, "é" * 60_000_000, "ж" * 30_000_000, "😀" * 15_000_000):
        context = counted(text)
        outcome = await run_over(context, engine=engine).run_cell(1, "len(context), context[-1]")
        assert outcome.head == f"({len(text)}, {text[-1]!r})\n"
        image = engine.templates.held(context, engine.settings)
        assert image.size < 60_000_000 + (80 << 20)


async def test_the_oldest_leave_when_they_are_too_much(run_over, new_engine):
    """By template_bytes; the one that was used last stays."""
    engine = new_engine(SandboxSettings(template_bytes=40 << 20))
    contexts = [counted(letter * 10_000_000) for letter in "abc"]
    for context in contexts:
        await run_over(context, engine=engine).run_cell(1, "context")
    assert [engine.templates.held(each, engine.settings) is not None for each in contexts] == [False, False, True]


async def test_a_template_that_nobody_uses_leaves(run_over, new_engine):
    """After template_seconds; a run that was forked from it goes on."""
    engine = new_engine(SandboxSettings(template_seconds=0.05))
    context = counted("some text")
    run = run_over(context, engine=engine)
    await run.run_cell(1, "context")
    await asyncio.sleep(0.1)
    engine.templates.expire()
    assert engine.templates.held(context, engine.settings) is None
    assert (await run.run_cell(2, "context")).head == "'some text'\n"


async def test_documents_are_loaded_once(run_over):
    """Each run sees a real list, and changes its own."""
    context = counted([("a.txt", "one"), "two"], "documents")
    for _ in range(3):
        outcome = await run_over(context).run_cell(1, "context.append('three')\ncontext, context.names")
        assert outcome.head == "(['one', 'two', 'three'], ['a.txt', None])\n"
    assert read_of[context.id] == len("onetwo")


async def test_a_million_empty_documents_are_loaded_in_seconds(run_over, new_engine):
    """They cost neither a call nor a place each."""
    engine = new_engine(SandboxSettings(fuel=30_000_000_000))
    context = counted([""] * 1_000_000, "documents")
    assert (await run_over(context, engine=engine).run_cell(1, "len(context), set(context)")).head == "(1000000, {''})\n"
    assert engine.templates.held(context, engine.settings) is not None


@pytest.mark.parametrize("kind", ["text", "documents"])
async def test_what_is_lazy_has_no_template(run_over, new_engine, kind):
    """It is read piece by piece anyway."""
    engine = new_engine(SandboxSettings(context_inline_limit=10))
    text = "a text that is longer than the limit"
    context = counted(text if kind == "text" else [text], kind)
    code = "context[:6]" if kind == "text" else "context[0][:6]"
    assert (await run_over(context, engine=engine).run_cell(1, code)).head == "'a text'\n"
    assert engine.templates.held(context, engine.settings) is None
