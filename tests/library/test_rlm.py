"""The library: the same runs, from Python."""

import asyncio
import json
import threading
import time

import pytest

from orchestrator import RLM
from orchestrator.errors import ConfigError, InvalidRequest, UnknownModel
from orchestrator.journal.events import CellFinished, RunFinished, RunStarted
from orchestrator.journal.lines import from_lines
from orchestrator.library.own_model import Completion
from orchestrator.providers.messages import Message, Usage

CODE = "```python\n{}\n```"


class Model:
    """A root model with one reply for each turn; sub-calls are shouted."""

    name = "own"

    def __init__(self, *codes, delay=0.0):
        self.codes = codes
        self.delay = delay
        self.seen = []

    async def complete(self, messages, schema=None):
        self.seen.append(messages)
        await asyncio.sleep(self.delay)
        if messages[0].role != "system":
            return Completion(text=messages[0].content.upper(), usage=Usage(7, 3))
        return CODE.format(self.codes[sum(each.role == "assistant" for each in messages)])


@pytest.fixture(scope="module")
def rlm():
    """rlm.model.codes: what the model will write."""
    model = Model()
    with RLM(model=model, max_iterations=4, sandbox={"seconds": 5.0}) as rlm:
        rlm.model = model
        yield rlm


def test_a_question_is_answered(rlm):
    """By a model of the caller's own, with a sub-call; usage is counted or estimated."""
    rlm.model.codes = ("x = llm_query('loud')", "FINAL(x + context)")
    result = rlm.ask("What is it?", "the text")
    assert (result.success, result.answer, result.stopped, result.error) == (True, "LOUDthe text", "answered", None)
    assert (result.iterations, result.sub_calls) == (2, 1)
    assert result.usage.prompt_tokens > 7
    assert rlm.model.seen[-1][1] == Message("user", rlm.model.seen[0][1].content)
    assert [len(turn.actions) for turn in result.turns] == [1, 1]


def test_an_answer_can_be_a_value(rlm):
    """Of a JSON Schema."""
    rlm.model.codes = ("FINAL('four')", "FINAL([len(context)])")
    result = rlm.ask("How long?", "abc", answer_schema={"type": "array", "items": {"type": "integer"}})
    assert (result.answer, result.iterations, result.bypassed) == ([3], 2, False)


def test_a_direct_answer_is_one_call(rlm):
    """The same server answers both ways."""
    rlm.model.codes = ("1 + 1",)
    result = rlm.ask("How long?", "abc", route="direct")
    assert (result.answer, result.bypassed, result.replay()) == (CODE.format("1 + 1"), True, 0)


def test_a_limit_that_a_model_does_not_take_is_told(rlm):
    """It is passed only if a cell asks for one."""
    rlm.model.codes = ("FINAL(llm_query('x', max_tokens=5))", "FINAL(0)")
    [error] = [each.error for each in rlm.ask("q", "abc").events if isinstance(each, CellFinished) and each.error]
    assert (
        error.splitlines()[-1] == "LLMError: own: TypeError: Model.complete() got an unexpected keyword argument 'max_tokens'"
    )


def test_a_result_can_be_executed_again_and_kept(rlm, tmp_path):
    """Without the model; the journal is that of the command line."""
    rlm.model.codes = ("FINAL(len(context))",)
    result = rlm.ask("How long?", "abc")
    rlm.model.codes = ()
    assert result.replay() == 1
    result.save(tmp_path / "journal")
    assert from_lines((tmp_path / "journal").read_bytes().splitlines(keepends=True)) == list(result.events)
    assert "FINAL(len(context))" in result.script()


@pytest.mark.parametrize(
    ("context", "answer"),
    [
        ("a text", "str 6"),
        (["a", "bc"], "DocumentList 2"),
        ({"k": [1, None]}, "dict 1"),
        ([1, 2, 3], "list 3"),
    ],
)
def test_a_context_is_what_python_has(rlm, context, answer):
    """Texts, lists of them, JSON values."""
    rlm.model.codes = ("kind = type(context).__name__\nFINAL(f'{kind} {len(context)}')",)
    assert rlm.ask("What?", context).answer == answer


def test_a_path_is_a_file_or_a_folder(rlm, tmp_path):
    """A str never is."""
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("three")
    rlm.model.codes = ("FINAL(len(context))",)
    assert rlm.ask("How long?", tmp_path / "b.txt").answer == "5"
    assert rlm.ask("How many?", tmp_path).answer == "2"
    assert rlm.ask("How many?", [tmp_path / "a.txt", "a text", "more"]).answer == "3"
    assert rlm.ask("How many?", [tmp_path, "a text"]).answer == "3"
    assert rlm.ask("How long?", str(tmp_path)).answer == str(len(str(tmp_path)))


def test_what_was_left_out_of_a_folder_is_in_the_notes(rlm, tmp_path):
    """Of the result; a file that was named and is no text is an error that says what to do."""
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_bytes(b"Gr\xfc\xdfe aus K\xf6ln")
    rlm.model.codes = ("FINAL(len(context))",)
    result = rlm.ask("How many?", tmp_path)
    assert (result.answer, result.notes) == ("1", ("1 left out: b.txt (not valid UTF-8 at byte 2)",))
    assert rlm.stream("How many?", tmp_path).result().notes == result.notes
    assert rlm.ask("How long?", "a text").notes == ()
    with pytest.raises(InvalidRequest) as error:
        rlm.ask("How long?", tmp_path / "b.txt")
    assert str(error.value).startswith(f"{tmp_path}/b.txt: not valid UTF-8 at byte 2; it reads 'Grüße aus Köln' in cp1252, ")
    assert str(error.value).endswith(": decode it, and ask about its text")


def test_the_events_of_a_run_are_followed(rlm):
    """As they happen, then the result."""
    rlm.model.codes = ("print(1)", "FINAL(2)")
    stream = rlm.stream("What?", "text")
    events = list(stream)
    assert (type(events[0]), type(events[-1])) == (RunStarted, RunFinished)
    assert [event.output for event in events if isinstance(event, CellFinished)] == ["1\n", ""]
    assert stream.result().answer == "2"


async def test_it_works_where_a_loop_runs_already(rlm):
    """In a notebook: plain functions and their async twins, several at once."""
    rlm.model.codes = ("FINAL(context)",)
    assert rlm.ask("What?", "plain").answer == "plain"
    results = await asyncio.gather(*(rlm.ask_async("What?", str(number)) for number in range(1, 4)))
    assert [result.answer for result in results] == ["1", "2", "3"]
    assert [type(event) async for event in rlm.stream("What?", "x")][-1] is RunFinished


def test_limits_are_those_of_the_configuration(rlm):
    """max_iterations of all runs, or fewer of one."""
    rlm.model.codes = ("1",) * 9
    assert rlm.ask("What?", "x").iterations == 4
    result = rlm.ask("What?", "x", max_iterations=1)
    assert (result.success, result.stopped, result.iterations) == (False, "max_iterations", 1)


def test_a_model_that_fails_ends_the_run_with_its_error(rlm):
    """No exception of the caller's own model is lost, and none kills the loop."""
    rlm.model.codes = ()
    result = rlm.ask("What?", "x")
    assert (result.stopped, result.error) == ("provider_error", "own: IndexError: tuple index out of range")


async def test_a_run_ends_with_who_waits_for_it(rlm):
    """Cancelling the await cancels the run."""
    rlm.model.codes = ("while True: pass",)
    task = asyncio.create_task(rlm.ask_async("What?", "x"))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_stream_can_be_cancelled(rlm):
    """Its result says so."""
    rlm.model.codes = ("while True: pass",)
    stream = rlm.stream("What?", "x")
    threading.Timer(0.2, stream.cancel).start()
    began = time.monotonic()
    assert stream.result().stopped == "cancelled"
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "nope/x"}, "'nope/x' is no PROVIDER/MODEL, as ollama/qwen3:32b is; providers are "),
        ({"model": "deepseek/x"}, "RLM: providers[0].api_key_env: the environment variable DEEPSEEK_API_KEY is not set"),
        ({"model": Model(), "max_turns": 3}, "max_turns: there is no such limit; there are max_iterations, "),
        ({"model": Model(), "max_iterations": 0}, "RLM: Expected `int` >= 1 - at `$.max_iterations`"),
        ({"model": Model(), "sandbox": {"second": 1}}, "RLM: Object contains unknown field `second` - at `$.sandbox`"),
        ({"sub_model": Model()}, "sub_model: name a model, too"),
        ({"configuration": "nowhere.toml"}, "nowhere.toml: cannot be read: No such file or directory"),
    ],
)
def test_a_mistake_is_told_before_anything_is_built(arguments, message, monkeypatch):
    """In one line."""
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    with pytest.raises(ConfigError) as error:
        RLM(**arguments)
    assert str(error.value).startswith(message)


def test_what_cannot_be_asked_is_an_error(rlm, tmp_path):
    """Before the model is paid."""
    for context in ("", tmp_path / "nowhere", {"x": object()}):
        with pytest.raises(InvalidRequest):
            rlm.ask("What?", context)
    with pytest.raises(InvalidRequest):
        rlm.ask(" ", "x")


def test_two_models_have_two_roles():
    """The root's, and that of sub-calls."""
    root, sub = Model("FINAL(llm_query('a'))"), Model()
    with RLM(model=root, sub_model=sub) as rlm:
        assert rlm.run("What?", "x", max_iterations=2).answer == "A"
    assert (len(root.seen), len(sub.seen)) == (1, 1)


def test_the_package_offers_it_without_loading_it():
    """`import orchestrator` is cheap; an unknown name is an AttributeError."""
    import orchestrator  # noqa: PLC0415

    assert json.dumps(orchestrator.__all__) == '["RLM", "__version__"]'
    with pytest.raises(AttributeError):
        orchestrator.nope  # noqa: B018


def test_a_question_chooses_among_the_models(rlm):
    """By name; one that there is not is refused with those that there are."""
    rlm.model.codes = ("FINAL(1)",)
    assert set(rlm.ask("What?", "x", root_model="own", sub_model="own", cache=False).usage.models) == {"own"}
    with pytest.raises(UnknownModel) as error:
        rlm.ask("What?", "x", sub_model="gpt-9")
    assert str(error.value).startswith("sub_model: there is no 'gpt-9' for this role; these are configured: ")


def test_what_cannot_be_said_of_a_question_is_an_error(rlm):
    """A misspelt word is not ignored."""
    with pytest.raises(TypeError) as error:
        rlm.ask("What?", "x", cash=False)
    assert str(error.value) == "Unexpected keyword argument 'cash'"


def test_a_result_says_what_it_used(rlm):
    """And what that cost, if a price is known; here it is not."""
    rlm.model.codes = ("FINAL(llm_query('loud'))",)
    result = rlm.ask("What?", "x" * 10_000)
    assert (result.usage.cost, result.metrics.cost.total_usd, result.metrics.tokens.total) == (
        None,
        None,
        result.usage.total_tokens,
    )
    assert (result.baseline_tokens, result.token_savings_pct < 100) == (2502, True)
