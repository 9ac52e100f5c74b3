"""Runs that wait long for models: parked meanwhile, and as if they had not been."""

import asyncio
import contextlib
import itertools
import random

import pytest
from fakes import FakeProvider, live, python
from test_sources import REPLIES, context, reply, said

from orchestrator.config import Settings, StoreSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.journal import events as ev
from orchestrator.journal.journal import Journal
from orchestrator.journal.results import result
from orchestrator.providers.messages import Usage
from orchestrator.providers.pool import Pool
from orchestrator.runs.admission import Admission, Limits
from orchestrator.runs.execute import Tools, execute
from orchestrator.runs.parking import Parking
from orchestrator.runs.query import Query
from orchestrator.runs.replay import replay
from orchestrator.runs.service import RunService
from orchestrator.server_settings import ServerSettings
from orchestrator.store.database import sqlite_url
from orchestrator.store.runs import RunStore

PARK_SECONDS = 0.02


class Slow(FakeProvider):
    """Answers by what it is asked, after a while."""

    def __init__(self, answer, delay):
        super().__init__("fake", delay=delay)
        self._answer = answer

    async def complete(self, messages, received, schema=None, max_tokens=None):
        await asyncio.sleep(self.delay)
        found = self._answer(messages)
        if isinstance(found, Exception):
            raise found
        received.add(found)
        received.usage = Usage(3, 1)


class Held(FakeProvider):
    """Sub-calls get upper case, root calls the reply of their turn; who first asks what is held waits until it is let go."""

    def __init__(self, *replies):
        super().__init__("fake")
        self._replies = replies
        self._gates = {}

    def hold(self, text):
        """The next call whose last message has that text."""
        gate = self._gates[text] = asyncio.Event()
        return gate

    async def complete(self, messages, received, schema=None, max_tokens=None):
        last = messages[-1].content
        for text in [each for each in self._gates if each in last]:
            await self._gates.pop(text).wait()
        turn = sum(each.role == "assistant" for each in messages)
        received.add(last.upper() if messages[0].role == "user" else self._replies[turn])
        received.usage = Usage(3, 1)


class Templates:
    held_bytes = 0


class Counted(Parking):
    """Counts."""

    times = 0

    async def _leave(self, give_up):
        await super()._leave(give_up)
        self.times += self._turn.parked


def started(engine, over, seed, max_sub_calls):
    limits = {name: getattr(engine.settings, name) for name in ev.RecordedCellLimits.__struct_fields__}
    return ev.RunStarted(
        format=ev.FORMAT, run_id="0123456789abcdef", query="What is it?", context_id=over.id, context_kind="text",
        context_length=over.length, context_count=1, protocol="python", output_limit=1000, seed=seed,
        limits=ev.RecordedRunLimits(max_iterations=8, max_sub_calls=max_sub_calls, max_seconds=600.0, max_fuel=10**12),
        cell_limits=ev.RecordedCellLimits(**limits), clock_start_ns=10**18, component_sha256=engine.sha256,
    )  # fmt: skip


async def executed(engine, model, seed=7, max_sub_calls=9, *, parks):
    """(events, how often it was parked) of a run."""
    over = context()
    journal = Journal("r")
    journal.write(started(engine, over, seed, max_sub_calls))
    doors = Admission(Limits(10**12, 10, 10, PARK_SECONDS if parks else 60.0), Templates(), lambda: 0)
    turn = doors.enter(1000)
    parking = Counted(doors, turn, journal)
    await execute(Tools(engine), journal.events[0], over, live(model, journal), journal, parking)
    doors.leave(turn)
    assert (doors.claimed, doors.running) == (0, 0)
    return journal.events, parking.times


async def test_a_parked_run_is_the_same_run(engine):
    """Batches, calls one after the other and after a module, a trap after coming back; and it replays as identical."""
    whole, never = await executed(engine, Slow(reply, 0.0), parks=False)
    parked, times = await executed(engine, Slow(reply, 0.1), parks=True)
    assert said(parked) == said(whole)
    assert never == 0
    assert times >= len(REPLIES) + 5  # each turn, and each wait of a cell
    assert await replay(parked, context(), engine) == 5


STEPS = [
    "v{n} = llm_query('ask {n}')\nprint(v{n})",
    "v{n} = llm_batch(['a{n}', 'b', 'c{n}'])\nprint(len(v{n}))",
    "v{n} = [llm_query(f'{{i}} of {n}') for i in range(3)]",
    "import random, time\nv{n} = random.random()\nprint(v{n}, time.time(), llm_query(str(v{n})))",
    "v{n} = modules.regex.count('the')\nprint(llm_query(f'{{v{n}}} hits'), context[{n}:9])",
    "v{n} = llm_query('lost {n}')\nimport os\nos._exit({n})",
    "try:\n    v{n} = llm_batch(['fails', 'paid {n}'])\nexcept LLMError as error:\n    print(error)",
    "v{n} = {{str(i): object() for i in range({n}0)}}\nprint([hash(each) for each in v{n}][:3], llm_query('h'))",
    "import asyncio\nasync def both():\n    return await asyncio.gather(*(asyncio.to_thread(llm_query, p) for p in 'xy'))\nv{n} = asyncio.run(both())\nprint(v{n})",
    "1 / 0",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
async def test_runs_at_random_are_the_same(engine, seed):
    """Several cells in a reply, traps among them; parked at each wait."""
    chance = random.Random(seed)
    numbers = itertools.count(1)
    replies = [
        "\n".join(python(chance.choice(STEPS).format(n=next(numbers))) for _ in range(chance.randrange(1, 4))) for _ in range(3)
    ]
    replies.append(python("FINAL(sorted(name for name in globals() if name.startswith('v')))"))

    def answer(messages):
        turn = sum(each.role == "assistant" for each in messages)
        return replies[turn] if messages[0].role == "system" else reply(messages)

    whole, _ = await executed(engine, Slow(answer, 0.0), seed, 40, parks=False)
    parked, times = await executed(engine, Slow(answer, 0.06), seed, 40, parks=True)
    assert said(parked) == said(whole)
    assert times >= 4
    assert await replay(parked, context(), engine) >= 4


@pytest.fixture
def server(engine, tmp_path):
    """async with server(model, max_runs=...) as runs: parks after a moment."""
    contexts = ContextStore()

    @contextlib.asynccontextmanager
    async def one(model, **limits):
        of_run = {name: limits.pop(name) for name in ("max_seconds",) if name in limits}
        settings = Settings(
            providers=(model.settings,),
            sandbox=engine.settings,
            server=ServerSettings(**{"park_seconds": PARK_SECONDS} | limits),
            **of_run,
        )
        with contextlib.closing(RunStore(StoreSettings(url=sqlite_url(tmp_path / "runs.db")))) as store:
            runs = RunService(settings, Tools(engine), Pool([model], retry_seconds=0), contexts, store)
            try:
                yield runs
            finally:
                await runs.stop(0)

    return one


async def until(true):
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  (whatever it is)
            await asyncio.sleep(0.01)


def begun(runs):
    return runs.start(Query("What is it?", runs.contexts.add_text("a text")))


# What is held in a run of REPLIES.
WAITS = {"between turns": "What is it", "within a cell": "alfa"}
HELD = (python("x = 'bravo'\nprint(llm_query('alfa'))"), python("FINAL(x)"))


@pytest.mark.parametrize("held", WAITS.values(), ids=WAITS)
async def test_a_parked_run_gives_its_place_to_another(server, held):
    """There is one; both are answered."""
    model = Held(*HELD)
    gate = model.hold(held)
    async with server(model, max_runs=1) as runs:
        first = begun(runs)
        await until(lambda: first.parked)
        assert (runs.admission.running, runs.admission.claimed < 1 << 20) == (0, True)
        assert result(await begun(runs).wait()).answer == "bravo"
        gate.set()
        assert result(await first.wait()).answer == "bravo"
        await until(lambda: runs.admission.claimed == 0)
        assert not first.parked


@pytest.mark.parametrize("held", WAITS.values(), ids=WAITS)
async def test_a_run_is_parked_early_if_another_waits_for_its_place(server, held):
    """Else it would wait for `park_seconds`."""
    model = Held(*HELD)
    gate = model.hold(held)
    async with server(model, max_runs=1, park_seconds=3600.0) as runs:
        first, second = begun(runs), begun(runs)
        async with asyncio.timeout(10):
            assert result(await second.wait()).answer == "bravo"
        gate.set()
        assert result(await first.wait()).answer == "bravo"


@pytest.mark.parametrize(("held", "asking"), [("Answer: bravo", {"verify": True}), ("What is it", {"route": "direct"})])
async def test_a_run_waits_parked_for_other_calls_too(server, held, asking):
    """For the check of its answer, and for the one call of a direct answer, which has no guest at all."""
    model = Held(*HELD)
    gate = model.hold(held)
    async with server(model) as runs:
        run = runs.start(Query("What is it?", runs.contexts.add_text("a text"), **asking))
        await until(lambda: run.parked)
        gate.set()
        assert result(await run.wait()).stopped == "answered"


async def test_who_comes_back_goes_before_who_has_not_begun(engine):
    """In a queue of their own."""
    doors = Admission(Limits(100, 1, 9, 1.0), Templates(), lambda: 0)
    first = doors.enter(60)
    second, third = doors.enter(60), doors.enter(60)
    doors.park(first, 5)
    assert (second.come.done(), third.come.done(), first.parked, doors.claimed) == (True, False, True, 65)
    doors.come_back(first)
    assert (first.come.done(), first.parked) == (False, True)
    doors.leave(second)
    assert (first.come.done(), first.parked, third.come.done(), doors.claimed) == (True, False, False, 60)
    doors.leave(first)
    doors.leave(third)
    assert (doors.claimed, doors.running, doors.waiting) == (0, 0, 0)


@pytest.mark.parametrize("state", ["parked", "coming back"])
async def test_a_parked_run_that_ends_takes_nothing_with_it(state):
    """Whoever else is there goes on."""
    doors = Admission(Limits(100, 1, 9, 1.0), Templates(), lambda: 0)
    first, second = doors.enter(60), doors.enter(60)
    doors.park(first, 5)
    if state == "coming back":
        doors.come_back(first)
    doors.leave(first)
    assert (doors.claimed, doors.running) == (60, 1)
    doors.leave(second)
    assert (doors.claimed, doors.running) == (0, 0)


async def test_what_parked_runs_hold_is_of_the_budget(engine):
    """So there are never more of them than there is memory for."""
    doors = Admission(Limits(100, 99, 0, 1.0), Templates(), lambda: 0)
    for _ in range(5):
        doors.park(doors.enter(60), 20) if doors.claimed < 60 else None
    assert (doors.running, doors.claimed) == (0, 60)
    last = doors.enter(60)
    assert last.come.done()  # alone
    assert doors.claimed == 120


@pytest.mark.parametrize("held", WAITS.values(), ids=WAITS)
async def test_a_parked_run_is_cancelled_as_any_other(server, held):
    """It ends at once, and its place is free."""
    model = Held(*HELD)
    model.hold(held)
    async with server(model) as runs:
        run = begun(runs)
        await until(lambda: run.parked)
        run.cancel()
        found = result(await run.wait())
        assert (found.stopped, found.error) == (
            "cancelled",
            "a request cancelled it, or its caller went away, or the server stopped",
        )
        await until(lambda: runs.admission.claimed == 0)


@pytest.mark.parametrize("held", WAITS.values(), ids=WAITS)
async def test_a_parked_run_ends_at_its_time(server, held):
    """max_seconds."""
    model = Held(*HELD)
    model.hold(held)
    async with server(model, max_seconds=0.3) as runs:
        run = begun(runs)
        await until(lambda: run.parked)
        assert result(await run.wait()).stopped == "max_seconds"


@pytest.mark.parametrize("held", WAITS.values(), ids=WAITS)
async def test_a_parked_run_outlives_its_server(server, held):
    """Stopped while it was parked, it goes on in the next one."""
    model = Held(*HELD)
    model.hold(held)
    async with server(model) as runs:
        run = runs.start(Query("What is it?", runs.contexts.add_text("a text")), detached=True)
        await until(lambda: run.parked)
    async with server(Held(*HELD)) as runs:
        await runs.go_on()
        [handle] = runs.underway._runs.values()
        found = await handle.wait()
    assert result(found).answer == "bravo"


async def test_a_reply_is_written_down_before_its_run_has_its_place_again(server):
    """It is paid: it must not be lost because there is no room."""
    model = Held(*HELD)
    gate = model.hold("What is it")
    async with server(model, max_runs=1) as runs:
        run = begun(runs)
        await until(lambda: run.parked)
        other = runs.admission.enter(1)  # has the place
        gate.set()
        await until(lambda: isinstance(run.events[-1], ev.ModelReplied))
        await run.settle()
        assert len(await runs.store.events(run.run_id, "")) == len(run.events)
        assert run.parked
        runs.admission.leave(other)
        assert result(await run.wait()).answer == "bravo"


async def test_a_model_that_is_quick_parks_nothing(server):
    """The usual case costs a timer."""
    async with server(Held(*HELD), park_seconds=5.0) as runs:
        runs.admission.park = None
        assert result(await begun(runs).wait()).answer == "bravo"
