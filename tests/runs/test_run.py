"""The root loop over a model faked at the wire and the real sandbox."""

import json
import re

import httpx
import pytest
from fakes import FakeModel, python

from orchestrator.dialogue import reports
from orchestrator.errors import SandboxError
from orchestrator.journal import events as ev
from orchestrator.journal.history import turns
from orchestrator.journal.results import result


def shown(model, turn):
    """What the root model saw before its reply `turn` (1-based): the last message."""
    return model.root_messages[turn - 1][-1]["content"]


async def test_the_root_model_sees_the_query_and_the_beginning_but_never_the_context(run_query):
    """Of a large one not a hundredth."""
    model = FakeModel([python("FINAL(len(context))")])
    await run_query(model, text="the beginning\n" * 43 + "SECRET" * 10_000)
    assert shown(model, 1).startswith(
        "Question: What is it?\n\n`context` is a str of 60,602 characters.\nThe first 587 characters of it:\n-----\nthe beginning\n"
    )
    assert "SECRET" not in str(model.root_messages)


async def test_an_answer_ends_the_run(run_query):
    """FINAL in the first cell: one turn, and the answer is its value."""
    journal = await run_query(FakeModel([python("FINAL(context.upper())")]))
    found = result(journal.events)
    assert (found.success, found.answer, found.stopped, found.iterations, found.error) == (
        True,
        "THE CONTEXT",
        "answered",
        1,
        None,
    )


async def test_variables_live_from_turn_to_turn(run_query):
    """What one turn assigns, the next one uses."""
    journal = await run_query(FakeModel([python("x = 20"), python("x += 22"), python("FINAL(x)")]))
    assert result(journal.events).answer == "42"


async def test_the_model_is_told_what_its_cell_printed(run_query):
    """Output, its length and what is left are in the next message."""
    model = FakeModel([python("print('hello')"), python("FINAL(1)")])
    await run_query(model)
    assert shown(model, 2) == "Block 1 printed 6 characters:\nhello\n\n(4 replies and 10 sub-calls left.)"


async def test_long_output_is_cut_in_the_middle(run_query):
    """The root sees head and tail, and how much is left out."""
    model = FakeModel([python("print('a' * 5000 + 'b' * 5000)"), python("FINAL(1)")])
    await run_query(model, output_limit=100)
    assert shown(model, 2) == (
        "Block 1 printed 10001 characters:\n"
        + "a" * 50
        + "\n[... 9901 characters left out; print less, or keep it in a variable ...]\n"
        + "b" * 49
        + "\n\n(4 replies and 10 sub-calls left.)"
    )


async def test_an_exception_is_told_with_the_cells_own_line(run_query):
    """The traceback shows the cell, the line and the code."""
    model = FakeModel([python("x = 1\ny = x / 0"), python("FINAL(x)")])
    journal = await run_query(model)
    assert shown(model, 2) == (
        "Block 1 printed nothing.\n"
        "Block 1 raised an exception (what it assigned before is kept):\n"
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 2, in <module>\n'
        "    y = x / 0\n"
        "        ~~^~~\n"
        "ZeroDivisionError: division by zero\n"
        "(4 replies and 10 sub-calls left.)"
    )
    assert result(journal.events).answer == "1"


async def test_a_cell_at_a_limit_is_rolled_back(run_query):
    """The model is told which limit, how far it was and what is left; the next cell finds the variables before it."""
    model = FakeModel([python("x = [1]"), python("x.append(2)\nwhile True: pass"), python("FINAL(x)")])
    journal = await run_query(model)
    assert re.sub(r"\d\.\d seconds", "N seconds", shown(model, 3)) == (
        "Block 2 was stopped. It used up its fuel of 3000000000 units: do less in one block. modules.regex, .csv, .json "
        "and .text pass over all of `context` many times faster than a loop. That was after N seconds of computing, in line 2: `while True: pass`. Nothing of the block was kept; all variables are what they were "
        "before it.\n(3 replies and 10 sub-calls left.)"
    )
    assert result(journal.events).answer == "[1]"


async def test_a_pattern_that_tries_everything_is_told_to_go_elsewhere(run_query):
    """Not to `re` again."""
    model = FakeModel([python("import re\nre.match('(a+)+b', 'a' * 40)"), python("FINAL(1)")])
    await run_query(model)
    assert (
        "It was within a regular expression: where a pattern can match the same text in many ways, as (a+)+ can, re tries them all. "
        "modules.regex takes most patterns in linear time, over all of `context`." in shown(model, 2)
    )


async def test_sub_calls_of_a_rolled_back_cell_are_not_paid_again(run_query):
    """The same prompts get the same answers, each once, whatever the order; another prompt is sent."""
    answers = iter(range(10))
    model = FakeModel(
        [
            python("llm_batch(['a', 'a', 'b'])\nwhile True: pass"),
            python("FINAL(llm_batch(['b', 'a', 'c', 'a', 'a']))"),
        ],
        sub=lambda prompt: f"{prompt}{next(answers)}",
    )
    journal = await run_query(model, max_sub_calls=5)
    assert "It had 3 sub-calls answered: the same prompts get the same answers again, free." in shown(model, 2)
    assert model.sub_prompts == ["a", "a", "b", "c", "a"]
    assert sorted(json.loads(result(journal.events).answer)) == ["a0", "a1", "a4", "b2", "c3"]
    assert result(journal.events).sub_calls == 5
    assert [event.subcall for event in journal.events if isinstance(event, ev.SubcallReused)] == [3, 1, 2]


async def test_an_error_stops_the_rest_of_a_reply(run_query):
    """The blocks after a failing one are not run, and the model is told so."""
    model = FakeModel([f"{python('1/0')}\n{python('FINAL(1)')}\n{python('FINAL(2)')}", python("FINAL(3)")])
    journal = await run_query(model)
    assert result(journal.events).answer == "3"
    assert shown(model, 2).endswith(
        "\n\nThe remaining 2 block(s) of your reply were not run.\n(4 replies and 10 sub-calls left.)"
    )


async def test_an_answer_stops_the_rest_of_a_reply(run_query):
    """A block after the answer is not run."""
    journal = await run_query(FakeModel([f"{python('FINAL(1)')}\n{python('FINAL(2)')}"]))
    assert result(journal.events).answer == "1"
    assert sum(isinstance(event, ev.CellStarted) for event in journal.events) == 1


async def test_a_reply_without_code_is_a_turn_and_is_told(run_query):
    """Prose does not end the run."""
    model = FakeModel(["I think it is 42.", python("FINAL(42)")])
    journal = await run_query(model)
    assert shown(model, 2) == (
        "Nothing in your reply was run: it has no block of code and no command. Reply with Python between a line ```python and "
        "a line ```; to answer, call FINAL(value) in it. (JSON commands are understood too.)\n(4 replies and 10 sub-calls left.)"
    )
    assert result(journal.events).iterations == 2


async def test_an_empty_reply_is_asked_again_and_then_a_turn(run_query):
    """Twice nothing is a turn with nothing to run, not the end."""
    model = FakeModel(["", "", python("FINAL(1)")])
    journal = await run_query(model)
    assert shown(model, 3) == (
        "Nothing in your reply was run: your reply was empty. Reply with Python between a line ```python and a line ```; "
        "to answer, call FINAL(value) in it. (JSON commands are understood too.)\n(4 replies and 10 sub-calls left.)"
    )
    assert (result(journal.events).iterations, result(journal.events).answer) == (2, "1")


async def test_thinking_is_kept_and_not_parsed(run_query):
    """Code inside <think> is never run; the event has the whole reply."""
    reply = f"<think>{python('FINAL(0)')}</think>{python('FINAL(1)')}"
    journal = await run_query(FakeModel([reply]))
    assert result(journal.events).answer == "1"
    assert turns(journal.events)[0].llm_response == reply


async def test_sub_calls_are_counted_with_their_tokens(run_query):
    """The result holds every sub-call, and the tokens of all calls."""
    model = FakeModel([python("FINAL(llm_batch(['a', 'b', 'c']))")])
    found = result((await run_query(model)).events)
    assert (found.answer, found.sub_calls) == ('["A", "B", "C"]', 3)
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (40, 20)


async def test_a_sub_call_that_fails_raises_in_the_cell(run_query):
    """A provider's refusal reaches the cell as LLMError, never as an answer."""
    model = FakeModel(
        [python("try:\n    llm_query('x')\nexcept LLMError as error:\n    FINAL(str(error))")],
        sub=lambda prompt: httpx.Response(422, text="no such thing"),
    )
    assert result((await run_query(model)).events).answer == "fake: HTTP 422: no such thing"


async def test_too_many_sub_calls_raise_before_anything_is_sent(run_query):
    """A batch above max_sub_calls sends nothing; the root gets one more turn, in which it may answer."""
    model = FakeModel([python("llm_batch(['a'] * 3)"), python("FINAL('no more')")])
    journal = await run_query(model, max_sub_calls=2)
    assert model.sub_prompts == []
    assert shown(model, 2) == (
        "Block 1 printed nothing.\n"
        "Block 1 raised an exception (what it assigned before is kept):\n"
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 1, in <module>\n'
        "    llm_batch(['a'] * 3)\n"
        "    ~~~~~~~~~^^^^^^^^^^^\n"
        "BudgetError: 3 sub-calls were asked for, 2 of 2 are left; nothing was sent. Put several items into one prompt: 2 or more "
        "each\n"
        "(4 replies and 2 sub-calls left.)"
    )
    assert result(journal.events).stopped == "answered"


async def test_a_batch_that_was_too_large_does_not_end_the_run(run_query):
    """The cell goes on with fewer, and a run that has spent exactly its sub-calls keeps its turns."""
    code = "try:\n    llm_batch(['a'] * 300)\nexcept BudgetError:\n    print(llm_batch(['a', 'b']))"
    model = FakeModel([python(code), python("x = 1"), python("FINAL(x)")])
    assert result((await run_query(model, max_sub_calls=2)).events).answer == "1"
    assert [shown(model, turn).splitlines()[-1] for turn in (2, 3)] == [
        "(4 replies and 0 sub-calls left.)",
        "(3 replies and 0 sub-calls left.)",
    ]


async def test_a_sub_call_with_none_left_announces_the_last_reply(run_query):
    """The root gets one more turn, in which it may answer."""
    model = FakeModel([python("llm_query('a')"), python("FINAL('no more')")])
    journal = await run_query(model, max_sub_calls=0)
    assert shown(model, 2).splitlines()[-3:] == [
        "BudgetError: the sub-calls of this run are used up; nothing was sent",
        "(4 replies and 0 sub-calls left.)",
        "The sub-calls are used up: this is your last reply. Answer with FINAL(value) from what you have.",
    ]
    assert result(journal.events).stopped == "answered"


async def test_a_reply_that_was_cut_is_told(run_query):
    """A block that is open at its end is not run; what is whole before it is."""
    cut = httpx.Response(
        200,
        json={"choices": [{"message": {"content": f"{python('x = 1')}\nand\n```python\nx = 2"}, "finish_reason": "length"}]},
    )
    model = FakeModel([cut, python("FINAL(x)")])
    assert result((await run_query(model)).events).answer == "1"
    assert shown(model, 2).splitlines()[:3] == ["Block 1 printed nothing.", "", reports.CUT_REPLY]


async def test_a_model_that_repeats_itself_is_told_once_then_the_run_ends(run_query):
    """With what it has: the best answer."""
    model = FakeModel([*[python("1 / 0")] * 4, "about 5"])
    found = result((await run_query(model, max_iterations=9)).events)
    assert (found.stopped, found.iterations, found.answer) == ("repeated_reply", 4, "about 5")
    assert found.error == "the model sent the same failing reply 4 times"
    assert [reports.repeated_message("python") in shown(model, turn) for turn in (2, 3, 4, 5)] == [False, False, True, False]


@pytest.mark.parametrize("last", ["FINAL_VAR(n)", python("FINAL(n)"), '```json\n{"op": "final_var", "name": "n"}\n```'])
async def test_the_last_best_answer_may_name_a_variable(run_query, last):
    """Its value is the answer, and not the text that names it."""
    model = FakeModel([python("n = 7"), last])
    assert result((await run_query(model, max_iterations=1)).events).answer == "7"


async def test_a_variable_named_after_a_block_is_the_answer(run_query):
    """FINAL_VAR on a line after it."""
    model = FakeModel([f"{python('n = 7')}\nFINAL_VAR(n)"])
    assert result((await run_query(model)).events).answer == "7"


async def test_an_answer_beside_a_block_is_not_taken_unseen(run_query):
    """The model is told so, after the output of the block."""
    model = FakeModel([f"{python('print(7)')}\nFINAL(8)", python("FINAL(7)")])
    assert result((await run_query(model)).events).answer == "7"
    assert reports.final_beside_blocks("python") in shown(model, 2)


async def test_max_sub_calls_ends_with_a_partial_answer(run_query):
    """When the one more turn brings no answer, what `answer` holds is the partial one."""
    model = FakeModel([python("answer['content'] = 'half'\nllm_query('a')"), python("1")])
    found = result((await run_query(model, max_sub_calls=0)).events)
    assert (found.success, found.stopped, found.answer) == (False, "max_sub_calls", "half")
    assert found.error == "max_sub_calls (0) was reached before an answer"


async def test_max_fuel_is_of_all_cells_and_ends_with_a_partial_answer(run_query):
    """The cell that uses up the rest is rolled back and told; then the model gives its best answer."""
    model = FakeModel([python("answer['content'] = 'half'\nsum(range(10**6))"), python("while True: pass")])
    journal = await run_query(model, max_fuel=1_000_000_000)
    found = result(journal.events)
    assert (found.stopped, found.answer, found.iterations) == ("max_fuel", "half", 2)
    assert found.error == "max_fuel (1000000000) was reached before an answer"
    first, second = (event for event in journal.events if isinstance(event, ev.CellFinished | ev.CellRolledBack))
    assert first.fuel + second.fuel == 1_000_000_000
    assert second.message.startswith(f"It used up its fuel of {second.fuel} units: ")


async def test_max_seconds_ends_a_run_that_waits_for_a_model(run_query):
    """With what `answer` holds; waiting counts here, unlike for a cell."""
    model = FakeModel([python("answer['content'] = 'half'"), python("FINAL(1)")], delay=0.4)
    found = result((await run_query(model, max_seconds=0.6)).events)
    assert (found.stopped, found.answer) == ("max_seconds", "half")
    assert found.error == "max_seconds (0.6) was reached before an answer"


async def test_max_seconds_ends_a_run_that_computes(run_query):
    """The cell is stopped at once."""
    found = result((await run_query(FakeModel([python("while True: pass")] * 5), max_seconds=0.1)).events)
    assert (found.stopped, found.answer) == ("max_seconds", None)


async def test_max_iterations_ends_with_the_draft(run_query):
    """No turn is left: `answer` is the partial answer, and no more calls are made."""
    model = FakeModel([python("answer['content'] = 'draft'"), python("1")])
    found = result((await run_query(model, max_iterations=2)).events)
    assert (found.success, found.stopped, found.answer, found.iterations) == (False, "max_iterations", "draft", 2)
    assert found.error == "max_iterations (2) was reached before an answer"


async def test_max_iterations_without_a_draft_asks_once_for_the_best_answer(run_query):
    """The best-answer call is no iteration, and its text is the partial answer."""
    model = FakeModel([python("1"), "Probably 42."])
    found = result((await run_query(model, max_iterations=1)).events)
    assert (found.success, found.stopped, found.answer, found.iterations) == (False, "max_iterations", "Probably 42.", 1)


async def test_a_provider_that_is_down_ends_the_run_clearly(run_query):
    """A refused root call is a run that stopped with provider_error."""
    found = result((await run_query(FakeModel([httpx.Response(422, text="who?")]))).events)
    assert (found.success, found.stopped, found.answer, found.error, found.iterations) == (
        False,
        "provider_error",
        None,
        "fake: HTTP 422: who?",
        0,
    )


async def test_a_run_that_loses_its_provider_keeps_its_draft(run_query):
    """What `answer` held is given when the provider fails later."""
    model = FakeModel([python("answer['content'] = 'so far'"), httpx.Response(400, text="bad")])
    found = result((await run_query(model)).events)
    assert (found.stopped, found.answer, found.error) == ("provider_error", "so far", "fake: HTTP 400: bad")


async def test_final_in_prose_is_an_answer_where_there_is_no_block(run_query):
    """The text FINAL(...) on a line of its own is the fallback."""
    found = result((await run_query(FakeModel(["Done.\nFINAL(42)"]))).events)
    assert (found.success, found.answer) == (True, "42")


async def test_a_failure_of_the_host_is_never_told_to_the_model(run_query):
    """An error of ours inside a host import ends the run as an internal error."""

    def broken(prompt):
        raise ZeroDivisionError

    model = FakeModel([python("llm_query('a')"), python("FINAL(1)")], sub=broken)
    with pytest.raises(SandboxError) as error:
        await run_query(model)
    assert str(error.value) == "a host import failed"
    assert len(model.root_messages) == 1


async def test_json_commands_are_run_over_the_cells_variables(run_query):
    """Commands and Python in turn, one memory."""
    model = FakeModel(
        [
            '{"op": "find", "text": "error", "store": "hits"}',
            python("count = len(hits.splitlines())"),
            '```json\n[{"op": "print", "value": "seen ${count}"}, {"op": "final", "answer": "${count} of $500"}]\n```',
        ]
    )
    journal = await run_query(model, text="an Error\nfine\nerror two\n", protocol="json")
    assert result(journal.events).answer == "2 of $500"
    assert shown(model, 2) == (
        "Block 1 printed 82 characters:\n"
        "2 lines hold 'error' (numbers from 0), stored in hits:\nL0: an Error\nL2: error two\n\n(4 replies and 10 sub-calls left.)"
    )
    assert model.root_messages[0][0]["content"].splitlines()[2].startswith("Reply with JSON commands: ")


async def test_only_the_json_protocol_constrains_decoding(run_query):
    """Replies of commands are held to their schema; Python and the one best answer in plain text are not."""
    commands = FakeModel(['{"op": "len"}', "my best answer"])
    await run_query(commands, protocol="json", max_iterations=1)
    code = FakeModel([python("FINAL(1)")])
    await run_query(code)
    assert [bool(each) for each in commands.root_formats + code.root_formats] == [True, False, False]


async def test_the_events_of_a_run_come_in_order(run_query):
    """Each effect stands after its cause."""
    journal = await run_query(FakeModel([python("FINAL(llm_query('a'))")]))
    assert [type(event).__name__ for event in journal.events] == [
        "RunStarted",
        "ModelCalled",
        "ModelReplied",
        "CellStarted",
        "SubcallStarted",
        "SubcallFinished",
        "HostCalled",
        "CellFinished",
        "Answer",
        "RunFinished",
    ]
