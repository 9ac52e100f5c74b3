"""Runs wait for their turn, and nothing is lost of those that go on."""

import asyncio
import json
from types import SimpleNamespace

import httpx
import pytest
from fakes import FakeModel, python, streamed
from serving import serving

from orchestrator.errors import Busy
from orchestrator.runs import machine
from orchestrator.runs.admission import Admission, Limits
from orchestrator.sandbox.memory import memory
from orchestrator.server_settings import ServerSettings

MIB = 1 << 20


class Templates(SimpleNamespace):
    """Of `held_bytes`, all of which can be let go."""

    def shrink(self, to):
        self.held_bytes = min(self.held_bytes, to)


def admission(budget=100, most=10, most_waiting=9, held=0, others=0):
    return Admission(Limits(budget, most, most_waiting), Templates(held_bytes=held), lambda: others)


def begun(turns):
    """The numbers of those that have come."""
    return [number for number, turn in enumerate(turns) if turn.come.done()]


@pytest.mark.parametrize(
    ("doors", "claims", "let_in"),
    [
        (admission(), [50, 50, 1], [0, 1]),
        (admission(most=2), [1, 1, 1], [0, 1]),
        (admission(), [60, 60, 10], [0]),  # the third does not overtake the second
        (admission(), [1000, 1], [0]),  # alone, as it will never be smaller
        (admission(others=30), [40, 40], [0]),
        (admission(held=90), [40, 40], [0, 1]),  # what is loaded gives way
    ],
)
async def test_runs_go_on_as_far_as_there_is_room(doors, claims, let_in):
    """In their order, whatever the limit is."""
    turns = [doors.enter(each) for each in claims]
    assert begun(turns) == let_in
    for each in turns:
        doors.leave(each)
    assert (doors.claimed, doors.running, doors.waiting) == (0, 0, 0)


async def test_the_next_run_begins_when_one_ends():
    """One that is cancelled while it waits takes nobody's turn."""
    doors = admission()
    turns = [doors.enter(100) for _ in range(3)]
    turns[1].come.cancel()
    doors.leave(turns[0])
    doors.leave(turns[1])
    assert turns[2].come.result() is None
    assert (doors.claimed, doors.running, doors.waiting) == (100, 1, 0)


async def test_a_run_too_many_is_refused():
    """At once; those that are there go on."""
    doors = admission(most=1, most_waiting=1)
    turns = [doors.enter(1), doors.enter(1)]
    with pytest.raises(Busy) as error:
        doors.enter(1)
    assert str(error.value) == "1 runs go on and 1 wait (server.max_queued_runs): ask again later"
    assert begun(turns) == [0]


async def test_without_a_queue_there_is_room_for_those_that_fit():
    """max_queued_runs = 0."""
    doors = admission(most=1, most_waiting=0)
    doors.enter(1)
    with pytest.raises(Busy):
        doors.enter(1)


async def test_those_that_wait_for_models_are_asked_for_their_places():
    """One for each run that waits for its turn, the first of them first; where one keeps its place, the next."""
    doors, asked = admission(most=3), []
    turns = [doors.enter(1) for _ in range(3)]
    for number, turn in enumerate(turns):
        doors.may_leave(turn, lambda number=number: asked.append(number))
    assert asked == []
    waiting = doors.enter(1)
    assert asked == [0]
    doors.stays(turns[0])
    assert asked == [0, 1]
    doors.park(turns[1], 0)
    assert (waiting.come.done(), asked) == (True, [0, 1])
    for each in (*turns, waiting):
        doors.leave(each)
    assert (doors.claimed, doors.running) == (0, 0)


async def test_who_has_gone_on_is_not_asked_for_its_place():
    """Nor one that has ended."""
    doors, asked = admission(most=1), []
    turn = doors.enter(1)
    doors.may_leave(turn, lambda: asked.append(turn))
    doors.stays(turn)
    waiting = doors.enter(1)
    doors.leave(turn)
    doors.leave(waiting)
    assert asked == []


async def test_a_child_goes_on_beyond_the_limits_if_all_that_go_on_wait_with_their_guests():
    """One at a time, before whoever came earlier; what waits for its turn as a child refuses no run."""
    doors = admission(budget=100, most=1, most_waiting=2)
    parent, other = doors.enter(100), doors.enter(100)
    children = [doors.enter_child(100) for _ in range(3)]
    assert (begun([parent, other, *children]), doors.is_full) == ([0], False)
    doors.keeps(parent)
    assert begun([other, *children]) == [1]
    doors.keeps(children[0])
    assert begun([other, *children]) == [1, 2]
    doors.stays(children[0])
    doors.leave(children[1])
    assert begun([other, *children]) == [1, 2]
    for each in (children[0], children[2], parent, other):
        doors.leave(each)
    assert (doors.claimed, doors.running, doors.waiting) == (0, 0, 0)


def test_the_budget_is_that_of_the_control_group(tmp_path):
    """Of both versions, and of the groups around the own one; the machine's if they say nothing."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "memory.max").write_text("1000000\n")
    (tmp_path / "a" / "b" / "memory.max").write_text("max\n")
    (tmp_path / "memory" / "c").mkdir(parents=True)
    (tmp_path / "memory" / "c" / "memory.limit_in_bytes").write_text("500000\n")
    own = tmp_path / "own"
    found = []
    for text in ("0::/a/b\n", "4:cpu,memory:/c\n", "0::/\n", "0::/../..\n"):
        own.write_text(text)
        found.append(machine.memory_bytes(tmp_path, own))
    everything = machine.memory_bytes(tmp_path, tmp_path / "none")
    assert found == [1_000_000, 500_000, everything, everything]
    assert everything > 1 << 28


class Counting(httpx.AsyncBaseTransport):
    """Two turns of each run; `most`: guests' memories that were live at once when it was asked for the second."""

    def __init__(self, delay=0.0):
        self.most = 0
        self._delay = delay

    async def handle_async_request(self, request):
        turn = sum(each["role"] == "assistant" for each in json.loads(await request.aread() or "{}").get("messages", ()))
        await asyncio.sleep(self._delay)
        self.most = max(self.most, len(memory._live) if turn else 0)
        return streamed(python("FINAL(len(x))" if turn else "x = bytearray(30 << 20)"))


async def test_fifty_runs_over_a_small_budget_are_served_in_turn(engine):
    """All of them, and never more at once than fit: each may take twice 256 MiB, and 2 GiB are there."""
    before = len(memory._live)
    model = Counting()
    async with serving(engine, model, server=ServerSettings(budget_bytes=2048 * MIB), sandbox=engine.settings) as client:
        asked = (client.post("/query", json={"query": "q", "context": "c"}) for _ in range(50))
        answers = [(each.status_code, each.json()["answer"]) for each in await asyncio.gather(*asked)]
    assert answers == [(200, str(30 * MIB))] * 50
    assert model.most - before <= 4 + 4  # the guests that go on, and those that are being given back


async def test_runs_too_many_are_503_and_those_that_go_on_are_answered(engine):
    """With the header that says when to come again."""
    model = Counting(delay=0.2)
    server = ServerSettings(max_runs=1, max_queued_runs=1)
    async with serving(engine, model, server=server, sandbox=engine.settings) as client:
        asked = (client.post("/query", json={"query": "q", "context": "c"}) for _ in range(5))
        answers = await asyncio.gather(*asked)
        after = await client.get("/runs")
    assert sorted(each.status_code for each in answers) == [200, 200, 503, 503, 503]
    refused = next(each for each in answers if each.status_code == 503)
    assert (refused.headers["retry-after"], refused.headers["content-type"]) == ("5", "application/problem+json")
    assert refused.json() == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "1 runs go on and 1 wait (server.max_queued_runs): ask again later",
    }
    assert len(after.json()["runs"]) == 2


async def test_a_run_that_is_cancelled_while_it_waits_has_ended(engine):
    """Who follows it is told, and it takes no turn."""
    model = FakeModel([python("FINAL(1)")], delay=2)
    server = ServerSettings(max_runs=1)
    async with serving(engine, model, server=server, sandbox=engine.settings) as client:
        first = asyncio.create_task(client.post("/query", json={"query": "first", "context": "c"}))
        await asyncio.sleep(0.3)
        second = asyncio.create_task(client.post("/query", json={"query": "second", "context": "c"}))
        await asyncio.sleep(0.3)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        await asyncio.sleep(0.3)
        runs = (await client.get("/runs")).json()["runs"]
        assert {each["query"]: (each["stopped"], each["error"]) for each in runs} == {
            "first": ("running", None),
            "second": ("cancelled", "a request cancelled it, or its caller went away, or the server stopped"),
        }
        assert (await first).json()["answer"] == "1"
