"""What a model is told is what is there."""

import re

from orchestrator.budget import Budget, RunLimits
from orchestrator.config import CellLimits
from orchestrator.dialogue import prompts
from orchestrator.dialogue.commands import KNOWN
from orchestrator.sandbox.guest import describe


def limits(max_iterations, max_sub_calls):
    return RunLimits(max_iterations=max_iterations, max_sub_calls=max_sub_calls, max_seconds=60.0, max_fuel=10**12)


TERMS = prompts.Terms(limits=limits(20, 50), cell_limits=CellLimits(), output_limit=10_000)


async def test_the_prompt_lists_what_the_guest_has_and_no_more(engine, run_cells):
    """Every name in the prompt can be called in a cell, with the signature that is printed there."""
    functions = await describe(engine)
    text = prompts.system("python", functions, TERMS)
    names = [each.name for each in functions]
    listed = [line.removeprefix("- ").partition("(")[0] for line in text.splitlines() if line.startswith("- ")]
    assert listed == names
    outcome = await run_cells(f"import inspect\n[callable(eval(name)) for name in {names}]")
    assert outcome.head == f"{[True] * len(names)}\n"


async def test_the_json_prompt_lists_the_functions_of_the_modules(engine):
    """With their arguments, which the commands take."""
    text = prompts.system("json", await describe(engine), TERMS)
    assert "\n- regex.top(pattern, group=1, k=10, ignore_case=False, multi_line=False, text=None): The most frequent" in text
    assert len(re.findall(r"^- (regex|csv|json|text)\.\w+\(", text, re.MULTILINE)) == 18


async def test_the_numbers_of_the_prompt_are_those_of_the_settings(engine):
    """Other limits, another prompt."""
    cell_limits = CellLimits(seconds=7.5, memory_bytes=64 << 20)
    terms = prompts.Terms(limits=limits(3, 4), cell_limits=cell_limits, output_limit=500, sub_prompt_chars=9000)
    text = prompts.system("python", await describe(engine), terms)
    assert text[text.index("Limits:") :] == (
        "Limits: 3 replies, 4 sub-calls in all (a prompt: about 9000 characters at most); of each block's output you see 500 "
        "characters; a block may compute for about 7.5 seconds (waiting for sub-models is free) and use 64 MiB of memory. A block that is stopped at a limit leaves "
        "all variables as they were before it."
    )


def test_the_seconds_of_the_prompt_are_those_that_bind():
    """By default fuel ends a block first."""
    assert "a block may compute for about 10 seconds" in prompts.system("python", (), TERMS)


def test_the_json_prompt_lists_every_command():
    """Each with its form, from the commands' own shapes."""
    text = prompts.system("json", (), TERMS)
    listed = re.findall(r'^- \{"op": "(\w+)"', text, re.MULTILINE)
    assert listed == [each.__struct_config__.tag for each in KNOWN]
    assert (
        '- {"op": "slice", "start"?: number, "end"?: number, "on"?: text, "store"?: text}: '
        "Code points [start, end); negative ones count from the end."
    ) in text.splitlines()


def test_a_question_over_documents_says_how_many():
    """Number and size, no content."""
    assert prompts.question("Why?", "documents", 7, 2) == (
        "Question: Why?\n\n`context` is a list of 2 documents (str), 7 characters in all. Begin by looking at it."
    )


def test_a_question_over_a_value_says_what_it_is():
    """JSON and chats."""
    assert prompts.question("Why?", "json", 9, 1) == (
        "Question: Why?\n\n`context` is a parsed JSON value, 9 characters as JSON. Begin by looking at it."
    )
    assert prompts.question("Why?", "messages", 9, 1) == (
        'Question: Why?\n\n`context` is a chat: a list of {"role", "content"}, 9 characters as JSON. Begin by looking at it.'
    )


def test_output_within_the_limit_is_whole():
    """head and tail of an output that was not cut are the output."""
    assert prompts.shorten("abc", "def", 6, 100) == "abcdef"


def test_the_last_reply_is_announced():
    """The model is told to answer while it still can."""
    budget = Budget(limits(2, 5))
    budget.take_turn()
    assert prompts.status(budget) == (
        "(1 replies and 5 sub-calls left.)\nThis is your last reply: answer with FINAL(value) from what you have."
    )
