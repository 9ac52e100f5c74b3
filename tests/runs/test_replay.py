"""A run executed again from its journal: identical, or the first difference with its place."""

import importlib
import json
import re
from pathlib import Path

import msgspec
import pytest
from fakes import FakeModel, python
from processes import rlm
from serving import serving_app

from orchestrator.config import DEFAULTS, SandboxSettings, load
from orchestrator.contexts.store import ContextStore
from orchestrator.errors import JournalError
from orchestrator.journal import events as ev
from orchestrator.journal.lines import from_lines, to_lines
from orchestrator.opening import Orchestrator
from orchestrator.runs.replay import replay
from orchestrator.sandbox.messages import HostError

ROOT = Path(__file__).parents[2]
REPLIES = [
    python("import random, uuid, time\nx = llm_query('a')\nprint(x, random.random(), uuid.uuid4(), time.time(), id(x), {'p', 'q', 'r'}, '.' * 50)"),
    python("x = 'lost'\nllm_query('paid')\nwhile True: pass"),
    '[{"op": "regex", "pattern": "the", "store": "hits"}, {"op": "print", "value": "${hits} ${x}"}]',
    f"{python('1 / 0')}\n{python('never = 1')}",
    python("print(len(context), llm_batch(['paid', 'b']))\ntry:\n    llm_batch(['c'] * 9)\nexcept BudgetError as error:\n    print(error)"),
    python("FINAL([x, hits])"),
]  # fmt: skip


def context(text="the context"):
    return ContextStore().add_text(text)


@pytest.fixture
async def journal(run_query):
    """The events of a run with sub-calls, a rollback, commands, an exception and a refusal."""
    found = await run_query(FakeModel(list(REPLIES)), max_iterations=10, max_sub_calls=5)
    assert found.events[-1].stopped == "answered"
    return found.events


async def difference(events, engine, over=None):
    with pytest.raises(JournalError) as error:
        await replay(events, over or context(), engine)
    return str(error.value)


async def test_a_run_comes_to_the_same_again(journal, engine):
    """Clock, randomness, addresses, rollback, commands and errors included; nothing is asked of a model."""
    assert await replay(journal, context(), engine) == 6


async def test_a_run_that_found_its_context_loaded_comes_to_the_same(run_query, engine):
    """Whether it was is in the journal: the first cell here does not name it."""
    await run_query(FakeModel([python("FINAL(len(context))")]))
    events = (await run_query(FakeModel([python("x = []"), python("FINAL([id(x), context])")]))).events
    assert await replay(events, context(), engine) == 2


async def test_a_call_of_a_module_is_in_the_journal_with_its_fuel_and_is_not_made_again(run_query, engine):
    """Replay gives the cell what the journal says, and takes the same fuel."""
    code = "print(modules.regex.count('t'), modules.csv.describe(text='a,b\\n1,2'))\ntry:\n    modules.regex.count('(')\nexcept ModuleError as error:\n    print(error)"
    events = (await run_query(FakeModel([python(code), python("FINAL(1)")]))).events
    calls = [each for each in events if isinstance(each, ev.HostCalled)]
    assert [(each.call.name, msgspec.json.decode(each.call.result), each.call.error) for each in calls] == [
        ("module", 3, None),
        ("module", {"delimiter": ",", "skip": 0, "header": True, "columns": [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}], "rows": 1, "ragged": {"count": 0, "first": []}}, None),
        ("module", None, HostError("ModuleError", 'regex.count: "(", character 1: unclosed group')),
    ]  # fmt: skip
    assert all(each.call.fuel > 10_000 for each in calls)
    assert await replay(events, context(), engine) == 2


PARALLEL = [
    python("import asyncio\nasync def ask(p):\n    return await llm_query(p)\nfound = await asyncio.gather(*map(ask, 'abc'))\nprint(found, id(found))"),
    python("from concurrent.futures import ThreadPoolExecutor\nimport time\nwith ThreadPoolExecutor() as pool:\n    more = list(pool.map(llm_query, 'de'))\nprint(time.time())"),
    python("task = asyncio.create_task(ask('f'))\nawait asyncio.sleep(1)\nwhile True: pass"),
    python("FINAL([found, more, await ask('f'), 'task' in globals()])"),
]  # fmt: skip


async def test_sub_calls_that_go_out_together_come_to_the_same(run_query, engine):
    """An event loop, a pool, and a rollback in the midst of a batch: the journal has ordinary calls."""
    events = (await run_query(FakeModel(list(PARALLEL)))).events
    calls = [(each.cell, len(msgspec.json.decode(each.call.result))) for each in events if isinstance(each, ev.HostCalled)]
    assert calls == [(1, 3), (2, 2), (3, 1), (4, 1)]
    answer = next(each.text for each in events if isinstance(each, ev.Answer))
    assert answer == '[["A", "B", "C"], ["D", "E"], "F", false]'
    assert await replay(events, context(), engine) == 4


async def test_a_stopped_cell_is_told_the_same_line_again(run_query, engine):
    """Fuel stops it at the same instruction, whatever the machine does."""
    loop = python("total = 0\nfor number in range(10**12):\n    total += number\n    total %= 7\n    number = str(total)")
    told = []
    for _ in range(2):
        events = (await run_query(FakeModel([loop, python("FINAL(1)")]))).events
        [stopped] = [each for each in events if isinstance(each, ev.CellRolledBack)]
        told.append(re.search("in line [2-5]: `.*?`", stopped.message)[0])
    assert told[0] == told[1]
    assert await replay(events, context(), engine) == 2


async def test_a_cell_that_the_clock_stopped_is_not_executed(run_query, new_engine):
    """It was rolled back, so it never was; what it was given stands."""
    slow = new_engine(SandboxSettings(seconds=0.3, fuel=10**14))
    replies = [
        python("x = llm_query('a')"),
        python("x = llm_query('b')\nwhile True: pass"),
        python("FINAL([x, llm_query('b')])"),
    ]
    events = (await run_query(FakeModel(replies), on=slow)).events
    assert [each.limit for each in events if isinstance(each, ev.CellRolledBack)] == ["seconds"]
    assert await replay(events, context(), slow, msgspec.structs.replace(DEFAULTS, sandbox=slow.settings)) == 2


LONG = "a line of text\n" * 400_000 + "the needle"
LAZY_REPLIES = [
    python("import re\nlines = long.splitlines()\nprint(len(lines), lines[7], lines[-1], long.find('needle'))"),
    python("found = re.finditer('needle|text', long)\nprint(next(found))"),
    python("print(next(found))\nfound = lines = None\nwhile True: pass"),
    '[{"op": "find", "text": "needle", "store": "hits"}, {"op": "count", "what": "lines"}]',
    python("print(next(found), lines[5], hits, id(context), re.search('the needle', long), modules.regex.count('line'))"),
    python("FINAL(long[-10:])"),
]


@pytest.mark.parametrize(
    ("over", "names_it"),
    [(LONG, "long = context\n"), ([("a.txt", "a"), (None, LONG)], "long = context[1]\nprint(context.names)\n")],
)
async def test_a_run_over_a_lazy_context_comes_to_the_same(run_query, new_engine, over, names_it):
    """With what was kept of it: a rollback finds its loops and its parts as they were."""
    small = new_engine(SandboxSettings(context_inline_limit=1000, memory_bytes=64 << 20, fuel=3_000_000_000))
    replies = [reply.replace("```python\n", f"```python\n{names_it}") for reply in LAZY_REPLIES]
    events = (await run_query(FakeModel(replies), text=over, max_iterations=10, on=small)).events
    outputs = [each.output for each in events if isinstance(each, ev.CellFinished)]
    assert "400001 a line of text the needle 6000004\n" in outputs[0]
    assert "<re.Match object; span=(25, 29), match='text'> a line of text the needle" in outputs[3]
    assert [each.limit for each in events if isinstance(each, ev.CellRolledBack)] == ["fuel"]
    assert (events[-1].stopped, next(each.text for each in events if isinstance(each, ev.Answer))) == ("answered", "the needle")
    contexts = ContextStore()
    context = contexts.add_text(over) if isinstance(over, str) else contexts.add_documents(over)
    assert await replay(events, context, small) == 6


def altered_call(events, **changes):
    """The events with the first call of a cell changed."""
    first = next(event for event in events if isinstance(event, ev.HostCalled))
    return altered(events, ev.HostCalled, 0, call=msgspec.structs.replace(first.call, **changes))


def altered(events, kind, number=0, **changes):
    """The events with one of a kind changed."""
    place = [place for place, event in enumerate(events) if isinstance(event, kind)][number]
    return [*events[:place], msgspec.structs.replace(events[place], **changes), *events[place + 1 :]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: altered_call(e, result=msgspec.Raw(b'[{"text": "Z"}]')), "cell 1 (turn 1): it was given what no sub-model replied"),
        (lambda e: altered_call(e, result=msgspec.Raw(b'[{"text": "B"}]')), "cell 1 (turn 1): output: now \"B 0."),
        (lambda e: altered_call(e, arguments_sha256="0"), "cell 1 (turn 1), call 1: llm_query: its arguments are not those of the journal"),
        (lambda e: [each for each in e if not (isinstance(each, ev.HostCalled) and each.cell == 1)], "cell 1 (turn 1), call 1: llm_query: in the journal there is none"),
        (lambda e: altered(e, ev.CellFinished, 0, answer="x"), "cell 1 (turn 1): answer: now None, in the journal 'x'"),
        (lambda e: altered(e, ev.CellRolledBack, 0, limit="stack"), "cell 2 (turn 2): limit: now 'fuel', in the journal 'stack'"),
        (lambda e: altered(e, ev.CellStarted, 0, code="x = 1"), "cell 1 (turn 1): code: now "),
        (lambda e: altered(e, ev.RunStarted, output_limit=100), "cell 1 (turn 1): output: "),
        (lambda e: altered(e, ev.Answer, text="forged"), "answer: text: now '[\"A\", "),
        (lambda e: altered(e, ev.RunFinished, stopped="max_fuel"), "run_finished: stopped: now 'answered', in the journal 'max_fuel'"),
        (lambda e: [each for each in e if not isinstance(each, ev.Answer)], "answer: it came to answer, in the journal run_finished"),
        (lambda e: altered(e, ev.RunStarted, seed=8), "cell 1 (turn 1): output: "),
        (lambda e: altered(e, ev.RunStarted, clock_start_ns=8), "cell 1 (turn 1): output: "),
    ],
)  # fmt: skip
async def test_what_was_changed_is_found_with_its_place(journal, engine, change, message):
    """A result, a call, an outcome, a limit, the code, a setting."""
    assert (await difference(change(journal), engine)).startswith(message)


async def test_a_run_of_an_earlier_format_is_not_executed(journal, engine):
    """Its clock was another one: it would not come to the same."""
    message = await difference(altered(journal, ev.RunStarted, format=1), engine)
    assert message == "the format: the run's is 1; only the version that wrote it can execute it again"


async def test_a_run_has_the_limits_that_it_had(journal, new_engine):
    """Those of the engine that executes it again do not count."""
    other = new_engine(SandboxSettings(fuel=2_000_000_000, memory_bytes=512 << 20, output_chars=500))
    assert await replay(journal, context(), other) == 6


async def test_another_limit_is_another_run(journal, engine):
    """The rolled-back cell stops elsewhere."""
    limits = msgspec.structs.replace(journal[0].cell_limits, fuel=2_000_000_000)
    changed = altered(journal, ev.RunStarted, cell_limits=limits)
    assert await difference(changed, engine) == "cell 2 (turn 2): fuel: now 2000000000, in the journal 3000000000"


async def test_another_component_is_named(journal, engine):
    """By its hash: the state of a guest belongs to the component that it ran in."""
    found = await difference(altered(journal, ev.RunStarted, component_sha256="0" * 64), engine)
    assert found == f"the component: the run's was {'0' * 64}, this one is {engine.sha256}"


async def test_another_context_is_named(journal, engine):
    """By its hash."""
    found = await difference(journal, engine, context("another"))
    assert found == f"the context: the run's was {context().id}, this one is {context('another').id}"


def test_a_journal_is_read_back_as_it_was_written(journal):
    """As JSON Lines, one object for each event."""
    lines = list(to_lines(journal))
    assert from_lines(lines) == journal
    assert [json.loads(line)["event"] for line in lines][:3] == ["run_started", "model_called", "model_replied"]
    assert json.loads(lines[0])["cell_limits"]["fuel"] == 3_000_000_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:4] + lines[5:], "line 5: it was altered, or a line before it is missing"),
        (lambda lines: [lines[0].replace(b'"max_iterations":10', b'"max_iterations":11'), *lines[1:]], "line 1: it was altered, or a line before it is missing"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "line 1: it was altered, or a line before it is missing"),
        (lambda lines: lines[:-1], "line {last}: the end is missing: the last event is not run_finished"),
        (lambda lines: [b"{}\n"], "line 1: not a line of a journal"),
        (lambda lines: [b"\xff\n"], "line 1: not a line of a journal"),
        (lambda lines: [], "line 1: it is not run_started"),
    ],
)  # fmt: skip
def test_a_line_that_was_altered_or_is_missing_is_found(journal, change, message):
    """The whole message, with its number."""
    lines = list(to_lines(journal))
    with pytest.raises(JournalError) as error:
        from_lines(change(lines))
    assert str(error.value) == message.format(last=len(lines))


# Child runs over named documents, and JSON commands that call a module over a text; `make demo` replays all.
DEMOS = ("family_tree", "sales_by_city")


@pytest.mark.parametrize("name", DEMOS)
async def test_the_command_replays_a_journal_from_a_server(engine, tmp_path, monkeypatch, name):
    """GET /runs/RUN/journal into a file; `rlm replay` needs nothing else, and no configuration."""
    monkeypatch.syspath_prepend(str(ROOT / "demo"))
    question = importlib.import_module("questions").make_question(name)
    async with serving_app(Orchestrator(load(ROOT / "config.toml"), print, engine=engine)) as client:
        run_id = (await client.post("/query", json={"query": question.text} | question.body)).json()["run_id"]
        response = await client.get(f"/runs/{run_id}/journal")
    assert response.headers["content-type"] == "application/jsonl"
    (tmp_path / "journal").write_bytes(response.content)
    importlib.import_module("demo").write_context(question.body, tmp_path / "context")
    replaying = ("replay", tmp_path / "journal", "--context", tmp_path / "context")
    status, out, err = await rlm(*replaying, folder=tmp_path)
    assert (status, out) == (0, "identical\n")
    assert re.fullmatch(r"rlm: \d+ cells were executed again\n", err)
    changed = response.content.replace(b'"output_limit":10000', b'"output_limit":10001')
    (tmp_path / "journal").write_bytes(changed)
    assert await rlm(*replaying, folder=tmp_path) == (1, "line 1: it was altered, or a line before it is missing\n", "")


async def test_a_component_that_is_not_here_is_named_with_the_way_to_bring_it(journal, tmp_path):
    """By its hash; exit status 2."""
    lines = to_lines(altered(journal, ev.RunStarted, component_sha256="0" * 64))
    (tmp_path / "journal").write_bytes(b"".join(lines))
    (tmp_path / "context").write_text("the context")
    status, out, err = await rlm("replay", tmp_path / "journal", "--context", tmp_path / "context", folder=tmp_path)
    assert (status, out) == (2, "")
    assert err == (
        f"rlm: the component {'0' * 64} is not on this machine; "
        f"run `rlm guest export {'0' * 64} FILE` where it is, and `rlm guest import FILE` here\n"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_fuel": 10**15}, "max_fuel: the run had 1000000000000000, here 1000000000000 is allowed; to allow it: --set max_fuel=1000000000000000"),
        ({"fuel": 10**15}, "sandbox.fuel: the run had 1000000000000000, here 100000000000 is allowed; to allow it: --set sandbox.fuel=1000000000000000"),
    ],
)  # fmt: skip
async def test_a_journal_cannot_ask_for_more_than_is_allowed_here(engine, run_query, change, message):
    """Anybody may have written it: a hostile one would compute for as long as it says."""
    started, *others = (await run_query(FakeModel([python("FINAL(1)")]))).events
    [(name, value)] = change.items()
    part = "limits" if name == "max_fuel" else "cell_limits"
    changed = msgspec.structs.replace(getattr(started, part), **{name: value})
    events = [msgspec.structs.replace(started, **{part: changed}), *others]
    with pytest.raises(JournalError) as error:
        await replay(events, ContextStore().add_text("the context"), engine)
    assert str(error.value) == message
