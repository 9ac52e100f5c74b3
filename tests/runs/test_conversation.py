"""A conversation grows while it fits, and is compacted where that lasts."""

import msgspec
import pytest
from fakes import FakeModel, FakeProvider, live, python

from orchestrator.contexts.store import ContextStore
from orchestrator.dialogue.shortening import note, shortened
from orchestrator.journal import events as ev
from orchestrator.journal.journal import Journal
from orchestrator.journal.recording import Recording
from orchestrator.journal.results import result
from orchestrator.journal.rewriting import Rewriting
from orchestrator.providers.messages import Message
from orchestrator.runs.conversation import Conversation
from orchestrator.runs.execute import Tools, execute
from orchestrator.runs.recorded import RecordedThenLive
from orchestrator.runs.replay import replay

PRINTS = [python(f"x{n} = list(range({n}))\nprint('line of output {n}\\n' * 170)") for n in range(19)]
LIMITS = {"max_iterations": 20, "output_limit": 3000}


async def run(run_query, history_chars):
    """(the model, the journal) of 20 turns that print much."""
    model = FakeModel([*PRINTS, python("FINAL(len(x18))")])
    return model, await run_query(model, history_chars=history_chars, **LIMITS)


async def test_it_is_append_only_while_it_fits(run_query):
    """Each call begins with all of the one before: servers have that in their caches."""
    model, journal = await run(run_query, 100_000)
    assert all(
        later[: len(before)] == before for before, later in zip(model.root_messages, model.root_messages[1:], strict=False)
    )
    assert not [each for each in journal.events if isinstance(each, ev.HistoryCompacted)]


async def test_it_is_compacted_a_few_times_and_not_each_turn(run_query, engine):
    """Outputs are cut to their beginnings and ends, code stays, the variables are listed; a replay does it at the same places."""
    model, journal = await run(run_query, 20_000)
    compacted = [each.turn for each in journal.events if isinstance(each, ev.HistoryCompacted)]
    assert compacted == [7, 12, 16, 20]
    kept = [each for call in model.root_messages for each in call if each["role"] == "assistant"]
    assert {each["content"] for each in kept} == set(PRINTS)
    before, after = model.root_messages[5], model.root_messages[6]
    assert [each["content"] for each in after[3:-1:2]] == [shortened(each["content"]) for each in [*before, after[-1]][3:-1:2]]
    assert model.root_messages[6][-1]["content"].endswith(
        "(14 replies and 10 sub-calls left.)\n"
        "(Earlier outputs above are shortened; all variables are there. SHOW_VARS() was run to list them.)\n"
        "Block 7 printed 138 characters:\n"
        "{'answer': 'dict of 2', 'x0': 'list of 0', 'x1': 'list of 1', 'x2': 'list of 2', 'x3': 'list of 3', "
        "'x4': 'list of 4', 'x5': 'list of 5'}\n"
    )
    assert result(journal.events).answer == "18"
    assert await replay(journal.events, ContextStore().add_text("the context"), engine) == 24


def test_a_list_of_variables_goes_with_the_next_compaction():
    """What is left of a report is its own beginning and end, not the end of a list that is old by then."""
    talk = Conversation((Message("system", "rules"), Message("user", "question")), 1)
    report = "Block 1 printed:\n" + "a line\n" * 200 + "(18 replies left.)"
    for variables in ("{'x': 'int'}", "{'x': 'int', 'y': 'str'}"):
        talk.add("a reply", report)
        talk.compact(variables)
    assert talk.told == ["question", shortened(report), f"{report}\n{note(variables)}"]


async def test_what_was_sent_is_in_the_journal(run_query):
    """Behind a compaction all of it, else what is new."""
    model, journal = await run(run_query, 20_000)
    sent, texts = [], []
    for event in journal.events:
        if isinstance(event, ev.HistoryCompacted):
            sent = []
        elif isinstance(event, ev.ModelCalled):
            sent = [*sent, *event.texts]
            texts.append(sent)
    assert texts == [[each["content"] for each in call if each["role"] != "assistant"] for call in model.root_messages]


async def test_a_long_run_reads_less(run_query):
    """About half of it, over 20 turns that each print all that is shown."""
    long, short = [await run(run_query, limit) for limit in (10**6, 20_000)]
    read = [sum(len(each["content"]) for call in model.root_messages for each in call) for model, _ in (long, short)]
    assert read[1] < 0.55 * read[0]


@pytest.mark.parametrize("report", ["short", "x" * 640, "x\n" * 330])
def test_what_is_short_stays(report):
    """To compact it again and again would lose caches and save nothing."""
    talk = Conversation([Message("system", "s"), Message("user", "q")], 1000)
    for _ in range(10):
        talk.add("code", report)
    talk.compact("none")
    assert not talk.is_long


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
VERDICT = '{"why": "No.", "agrees": false}'
TALK = [*PRINTS[:12], python("FINAL('none')"), python("FINAL({'n': 1})"), python("FINAL({'n': 2})")]


class Talking(FakeProvider):
    """The next of TALK, by the replies that it is sent; sub-calls disagree."""

    def __init__(self):
        super().__init__("fake")
        self.calls = 0

    async def complete(self, messages, received, schema=None, max_tokens=None):
        self.calls += 1
        root = messages[0].role == "system"
        received.add(TALK[sum(each.role == "assistant" for each in messages)] if root else VERDICT)


def same(events):
    """What does not depend on clocks."""
    fixed = [msgspec.structs.replace(each, at=0.0) for each in events]
    fixed = [msgspec.structs.replace(each, guest_seconds=0.0) if hasattr(each, "guest_seconds") else each for each in fixed]
    return [
        msgspec.structs.replace(each, reply=msgspec.structs.replace(each.reply, seconds=0.0, waited=0.0))
        if getattr(each, "reply", None)
        else each
        for each in fixed
    ]


async def test_it_goes_on_from_behind_any_event(run_query, engine):
    """Compacted at the same places, the answer refused and verified as it was; nothing that was paid is asked again."""
    asking = {"answer_schema": SCHEMA, "verify": True}
    first = await run_query(FakeModel(TALK, sub=lambda prompt: VERDICT), history_chars=20_000, asking=asking, **LIMITS)
    whole = list(first.events)
    assert result(whole).answer == {"n": 2}
    kinds = [type(each).__name__ for each in whole]
    assert (kinds.count("HistoryCompacted"), kinds.count("AnswerRefused")) == (2, 2)
    for cut in range(1, len(whole)):
        model, recording = Talking(), Recording(whole[:cut])
        journal = Journal("again", events=whole[:cut])
        writer = Rewriting(recording, then=journal)
        writer.write(recording.started)
        source = RecordedThenLive(recording, live(model, journal))
        await execute(Tools(engine), recording.started, ContextStore().add_text("the context"), source, writer)
        come = [
            each for each in same(journal.events) if not isinstance(each, ev.ModelCalled | ev.ModelReplied | ev.SubcallFinished)
        ]
        was = [each for each in same(whole) if not isinstance(each, ev.ModelCalled | ev.ModelReplied | ev.SubcallFinished)]
        assert come == was, f"cut behind event {cut}"
        paid = sum(isinstance(each, ev.ModelReplied | ev.SubcallFinished) for each in whole[:cut])
        assert model.calls == len(TALK) + 1 - paid, f"cut behind event {cut}"
