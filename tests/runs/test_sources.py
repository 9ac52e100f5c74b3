"""What is recorded is never asked again; what is not, is asked: journals cut behind every event, and gone on with."""

import re

import msgspec
import pytest
from fakes import FakeProvider, live, python

from orchestrator.contexts.store import ContextStore
from orchestrator.errors import JournalError, ProviderError
from orchestrator.journal import events as ev
from orchestrator.journal.journal import Journal
from orchestrator.journal.recording import Recording
from orchestrator.journal.rewriting import Rewriting
from orchestrator.providers.messages import Usage
from orchestrator.runs.execute import Tools, execute
from orchestrator.runs.recorded import RecordedThenLive
from orchestrator.runs.replay import replay

REPLIES = [
    python("import random, time\nx = llm_query('a')\nprint(x, random.random(), time.time(), modules.text.describe()['words'])"),
    python("x = 'lost'\nprint(llm_batch(['paid', 'paid too']))\nimport os\nos._exit(1)"),
    '[{"op": "regex", "pattern": "the", "store": "hits"}, {"op": "llm_query", "prompt": "about ${hits}", "store": "y"}]',
    "no block at all",
    python(
        "z = llm_batch(['paid', 'b', 'c'])\ntry:\n    llm_query('fails')\nexcept LLMError as error:\n    print(error)\n"
        "try:\n    llm_batch(['d'] * 9)\nexcept BudgetError as error:\n    print(error)\n1 / 0"
    ),
    python("FINAL([x, y, z, random.random(), llm_query('typed', system='s', schema=int)])"),
]

SPENT = re.compile(r"after \d+\.\d seconds")  # what a model is told of a cell that was stopped


def reply(messages):
    """What each prompt gets is a function of it alone, so whoever asks again gets the same."""
    if messages[0].content == "s":
        return '{"value": 7}' if len(messages) > 2 else "seven"
    if messages[0].role == "system":
        return REPLIES[sum(message.role == "assistant" for message in messages)]
    prompt = messages[0].content
    return ProviderError("no such luck") if prompt == "fails" else prompt.upper()


class Counting(FakeProvider):
    """Keeps what it was asked."""

    def __init__(self):
        super().__init__("fake")
        self.asked = []

    async def complete(self, messages, received, schema=None, max_tokens=None):
        if len(messages) == 4 and messages[0].content == "s":
            pass  # asked again: the same sub-call
        elif messages[0].role == "user" or messages[0].content == "s":
            self.asked.append(messages[-1].content)
        else:
            self.asked.append(len(messages))
        found = reply(messages)
        if isinstance(found, Exception):
            raise found
        received.add(found)
        received.usage = Usage(3, 1)


def context():
    return ContextStore().add_text("the context, and the other words")


async def gone_on(engine, recorded):
    """(the events, what the model was asked) of a run that goes on from a journal."""
    model = Counting()
    recording = Recording(recorded)
    journal = Journal("again")
    journal.events = list(recorded)
    writer = Rewriting(recording, then=journal)
    writer.write(recording.started)
    source = RecordedThenLive(recording, live(model, journal))
    await execute(Tools(engine), recording.started, context(), source, writer)
    return journal.events, model.asked


async def undisturbed(engine):
    """The same from the first event alone."""
    over = context()
    started = ev.RunStarted(
        format=ev.FORMAT,
        run_id="0123456789abcdef",
        query="What is it?",
        context_id=over.id,
        context_kind="text",
        context_length=over.length,
        context_count=1,
        protocol="python",
        output_limit=1000,
        limits=ev.RecordedRunLimits(max_iterations=8, max_sub_calls=9, max_seconds=600.0, max_fuel=10**12),
        cell_limits=ev.RecordedCellLimits(
            **{name: getattr(engine.settings, name) for name in ev.RecordedCellLimits.__struct_fields__}
        ),
        seed=7,
        clock_start_ns=10**18,
        component_sha256=engine.sha256,
    )
    return await gone_on(engine, [started])


def said(events):
    """What does not depend on clocks, nor on the order of sub-calls that go on beside each other."""
    fixed = [msgspec.structs.replace(each, at=0.0) for each in events]
    fixed = [msgspec.structs.replace(each, guest_seconds=0.0) if hasattr(each, "guest_seconds") else each for each in fixed]
    fixed = [
        msgspec.structs.replace(each, reply=msgspec.structs.replace(each.reply, seconds=0.0, waited=0.0))
        if getattr(each, "reply", None)
        else each
        for each in fixed
    ]
    fixed = [msgspec.structs.replace(each, message="") if isinstance(each, ev.CellRolledBack) else each for each in fixed]
    fixed = [
        msgspec.structs.replace(each, texts=tuple(SPENT.sub("after some seconds", text) for text in each.texts))
        if isinstance(each, ev.ModelCalled)
        else each
        for each in fixed
    ]
    own_order = [each for each in fixed if not type(each).__name__.startswith("Subcall")]
    return own_order, sorted(repr(each) for each in fixed if type(each).__name__.startswith("Subcall"))


async def test_a_run_goes_on_from_behind_any_event(engine):
    """It comes to the same; no recorded reply is asked for again, every other one once; the whole replays as identical."""
    whole, asked_in_all = await undisturbed(engine)
    assert whole[-1].stopped == "answered"
    assert {type(each).__name__ for each in whole} >= {"CellRolledBack", "Unparsed", "SubcallReused", "HostCalled"}
    for cut in range(1, len(whole)):
        recorded = whole[:cut]
        events, asked = await gone_on(engine, recorded)
        replied = [each for each in recorded if isinstance(each, ev.ModelReplied | ev.SubcallFinished)]
        assert events[:cut] == recorded
        assert said(events) == said(whole), f"cut behind event {cut}"
        assert len(asked) == len(asked_in_all) - len(replied), f"cut behind event {cut}"
        assert await replay(events, context(), engine) == 5


async def test_a_sub_call_that_was_under_way_is_asked_again(engine):
    """One of a batch had its answer when the journal ended: the other two are asked, and not begun twice."""
    whole, _ = await undisturbed(engine)
    finished = next(
        n for n, each in enumerate(whole) if isinstance(each, ev.SubcallFinished) and each.reply and each.reply.text == "B"
    )
    events, asked = await gone_on(engine, whole[: finished + 1])
    assert "b" not in asked
    assert "c" in asked
    started = [each.subcall for each in events if isinstance(each, ev.SubcallStarted)]
    assert sorted(started) == sorted(set(started))


async def test_a_run_that_comes_to_something_else_does_not_go_on(engine):
    """The output of a cell in the journal was forged: the difference is named, and nothing more is asked."""
    whole, _ = await undisturbed(engine)
    end = next(n for n, each in enumerate(whole) if isinstance(each, ev.CellFinished))
    forged = [*whole[:end], msgspec.structs.replace(whole[end], output="forged")]
    with pytest.raises(JournalError) as error:
        await gone_on(engine, forged)
    assert str(error.value).startswith("cell 1 (turn 1): output: now 'A 0.")


async def test_another_prompt_under_a_recorded_number_is_a_difference(engine):
    """The cell in which the journal ends is executed anew, with the replies that it has."""
    whole, _ = await undisturbed(engine)
    first = next(n for n, each in enumerate(whole) if isinstance(each, ev.SubcallStarted))
    forged = [*whole[:first], msgspec.structs.replace(whole[first], prompt="another")]
    with pytest.raises(JournalError) as error:
        await gone_on(engine, forged)
    assert str(error.value) == "cell 1 (turn 1): prompt: now 'a', in the journal 'another'"


async def test_a_failed_model_call_stays_failed(engine):
    """The run ended with it; replayed, it ends with it again."""
    whole, _ = await undisturbed(engine)
    first = next(n for n, each in enumerate(whole) if isinstance(each, ev.ModelReplied))
    error = "fake: HTTP 401"
    failed = [
        *whole[:first],
        ev.ModelFailed(turn=1, error=error),
        ev.RunFinished(stopped="provider_error", error=error),
    ]
    assert await replay(failed, context(), engine) == 0


@pytest.mark.parametrize("stopped", ["cancelled", "max_seconds", "internal_error"])
async def test_a_run_that_was_ended_from_outside_replays_up_to_there(engine, stopped):
    """Wherever it was: in a model call, in a cell, in a sub-call."""
    whole, _ = await undisturbed(engine)
    for cut in range(2, len(whole) - 2):
        if isinstance(whole[cut - 1], ev.CellStarted | ev.ModelCalled | ev.SubcallStarted | ev.HostCalled):
            ended = [*whole[:cut], ev.RunFinished(stopped=stopped, error="it ended")]
            assert await replay(ended, context(), engine) < 5


async def test_what_breaks_a_run_that_goes_on_is_told_as_it_is(engine, monkeypatch):
    """Not as the difference that comes of it: the journal does not end with an internal error."""
    whole, _ = await undisturbed(engine)
    end = next(n for n, each in enumerate(whole) if isinstance(each, ev.CellFinished))

    def broken(*_):
        raise OSError("no memory")

    monkeypatch.setattr("orchestrator.sandbox.guest.Guest._run", broken)
    with pytest.raises(OSError, match="no memory"):
        await gone_on(engine, whole[:end])
