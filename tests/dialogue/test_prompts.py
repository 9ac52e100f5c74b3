"""What a model is told is what is there."""

import json
import re

import msgspec
import pytest
from notebooks import as_sent

from orchestrator.budget import RunLimits
from orchestrator.config import CellLimits
from orchestrator.contexts.store import ContextStore
from orchestrator.dialogue import prompts
from orchestrator.dialogue.commands import KNOWN, TAUGHT
from orchestrator.sandbox.guest import describe
from orchestrator.sandbox.messages import SubReply


def limits(max_iterations, max_sub_calls):
    return RunLimits(max_iterations=max_iterations, max_sub_calls=max_sub_calls, max_seconds=60.0, max_fuel=10**12)


def terms(protocol="python", **changed):
    fields = {"limits": limits(20, 500), "cell_limits": CellLimits(), "output_limit": 10_000, "sub_prompt_chars": 120_000}
    return prompts.Terms(protocol=protocol, **fields | changed)


def text(content="Some words.\n" * 1000):
    return ContextStore().add_text(content)


CSV = "city,price\n" + "Oslo,1\n" * 1000
JSON_LINES = '{"city": "Oslo"}\n' * 1000


async def test_the_prompt_lists_what_the_guest_has_and_no_more(engine, run_cells):
    """Every function is named, and what is named can be called in a cell."""
    functions = await describe(engine)
    told = prompts.system(msgspec.structs.replace(terms(), deeper=True), functions, text())
    names = [each.name for each in functions]
    for name in names:
        assert re.search(rf"\b{re.escape(name.rpartition('.')[2])}\b", told)
    listed = re.findall(r"(?:^- |^  - |\), |; )([\w.]+)\(", told[told.index("There are also") :], re.MULTILINE)
    assert {"chunk_text", "map_reduce", "modules.regex.top"} <= set(listed) <= set(names)
    outcome = await run_cells(f"[callable(eval(name)) for name in {names}]")
    assert outcome.head == f"{[True] * len(names)}\n"


@pytest.mark.parametrize(
    ("protocol", "name"), [("python", "rlm_query("), ("json", '"children": true'), ("json", '"llm_delegate"')]
)
async def test_child_runs_are_told_of_if_there_can_be_any(engine, protocol, name):
    """In the words of each language."""
    functions, told = await describe(engine), []
    for deeper in (False, True):
        told.append(prompts.system(msgspec.structs.replace(terms(protocol), deeper=deeper), functions, text()))
    assert [name in each for each in told] == [False, True]


async def test_the_prompt_for_a_plain_text_is_short(engine):
    """Under 4,600 characters in both languages, whatever is known of the models."""
    functions = await describe(engine)
    assert max(len(prompts.system(terms(each), functions, text())) for each in ("python", "json")) < 4600


@pytest.mark.parametrize(
    ("content", "told"),
    [(CSV, ["csv"]), (JSON_LINES, ["json"]), ("words\n" * 1000, []), ("He came, he saw, he left.\n" * 9, [])],
)
async def test_a_format_is_explained_if_the_input_looks_like_it(engine, content, told):
    """Of the others the functions are named."""
    shown = prompts.system(terms(), await describe(engine), text(content))
    assert [module for module in ("csv", "json") if f"modules.{module}.aggregate(" in shown] == told
    assert ("modules.csv: describe, select, aggregate\n" in shown) == ("csv" not in told)


async def test_the_example_of_the_prompt_runs(engine, run_cells):
    """Over an input of its kind, with sub-models that do as they are told."""
    shown = prompts.system(terms(), await describe(engine), text())
    code = shown[shown.index("```python\n") + 10 :].partition("\n```")[0]

    async def label(asked):
        found = [re.findall(r"^(\d+): (.*)$", prompt, re.MULTILINE) for prompt in asked]
        return [SubReply(text="\n".join(f"{n}: {'person' if 'who' in q else 'thing'}" for n, q in each)) for each in found]

    lines = [f"Q: {'who' if n % 5 == 0 else 'what'} is {n % 90}?" for n in range(200)] + ["A: me"]
    outcome = await run_cells(code, text="\n".join(lines), ask=label)
    assert (outcome.head, outcome.error) == ("40 of 201\n", None)


async def test_the_numbers_of_the_prompt_are_those_of_the_settings(engine):
    """Other limits, another prompt."""
    cell_limits = CellLimits(seconds=7.5, memory_bytes=64 << 20)
    other = terms(limits=limits(3, 4), cell_limits=cell_limits, output_limit=500, sub_prompt_chars=9000)
    told = prompts.system(other, await describe(engine), text())
    assert told[told.index("Limits:") :] == (
        "Limits: 3 replies, 4 sub-calls in all (a prompt: about 9,000 characters at most); of each block's output you see 500 "
        "characters; a block may compute for about 7.5 seconds (waiting for sub-models is free) and use 64 MiB of memory. "
        "A block that is stopped at a limit leaves all variables as they were before it."
    )


def test_the_seconds_of_the_prompt_are_those_that_bind():
    """By default fuel ends a block first."""
    assert "a block may compute for about 10 seconds" in prompts.system(terms(), (), text())


def test_the_json_prompt_lists_the_commands_that_are_needed():
    """Each with its form, from the commands' own shapes; the others are understood too."""
    told = prompts.system(msgspec.structs.replace(terms("json"), deeper=True), (), text())
    listed = re.findall(r'^- \{"op": "(\w+)"', told, re.MULTILINE)
    assert listed == [each.__struct_config__.tag for each in TAUGHT]
    others = {"wasm_wat", "index_terms", "get", "wasm", "csv", "json", "text", "final_var"}
    assert {each.__struct_config__.tag for each in KNOWN} - set(listed) == others
    assert (
        '- {"op": "slice", "start"?: number, "end"?: number}*: '
        "Characters of a text, items of a list; negative numbers count from the end."
    ) in told.splitlines()
    assert as_sent({"op": "get", "name": "x"})


async def test_every_function_that_the_json_prompt_lists_is_a_command(engine):
    """By its name there: an argument that none has is told by the guest."""
    told = prompts.system(terms("json"), await describe(engine), text())
    listed = re.findall(r"^  - (\w+\.\w+)\(", told, re.MULTILINE)
    assert {"regex.top", "text.words"} <= set(listed)
    assert all(as_sent({"op": each}) for each in listed)


EXAMPLES = re.findall(r"^\[.*?\}\]$", prompts.JSON_EXAMPLES, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("example", "content", "answer", "shown"),
    [
        (0, "failed login from 1.2.3.4 at 5\n" * 2 + "failed login from 9.9.9.9 at 7\n", None, "L0: failed login from 1.2.3.4 at 5\nL1: failed login from 1.2.3.4 at 5\n"),
        (1, "\n".join(f"Q: {'who' if n % 4 == 0 else 'what'} is {n}?" for n in range(80)) + "\nA: me", "20", "command 3 (regex.count):\nn = 20\n"),
    ],
)  # fmt: skip
async def test_the_examples_of_the_json_prompt_run(new_notebook, engine, example, content, answer, shown):
    """Over inputs of their kinds, with sub-models that do as they are told."""
    assert len(EXAMPLES) == 2
    assert prompts.JSON_EXAMPLES in prompts.system(terms("json"), await describe(engine), text())

    async def copy(asked):
        return [SubReply(text="\n".join(re.findall(r"^Q: who.*$", prompt, re.MULTILINE))) for prompt in asked]

    commands = as_sent(*json.loads(EXAMPLES[example]))
    outcome = await new_notebook(text=content, ask=copy).run_commands(1, commands)
    assert (outcome.error, outcome.answer, outcome.head.endswith(shown)) == (None, answer, True)


def test_the_question_shows_the_beginning_of_a_text():
    """Its kind, its size, whole lines."""
    assert prompts.question(terms(), "Why?", text("a line of words\n" * 100)) == (
        "Question: Why?\n\n`context` is a str of 1,600 characters.\nThe first 591 characters of it:\n-----\n"
        + "\n".join(["a line of words"] * 37)
        + "\n-----"
    )


def test_the_question_shows_all_of_a_short_text():
    """And says so."""
    assert prompts.question(terms(), "Why?", text("Short.")) == (
        "Question: Why?\n\n`context` is a str of 6 characters.\nThis is all of it:\n-----\nShort.\n-----"
    )


def test_the_question_shows_the_first_documents_by_name():
    """How many, their names and lengths, the beginning of the first."""
    context = ContextStore().add_documents([('a "b".txt', "one"), *[("n.txt", "x" * 900)] * 6])
    assert prompts.question(terms(), "Why?", context) == (
        "Question: Why?\n\n`context` is a list of 7 documents (str), 5,403 characters in all; `context.names` has their "
        "names.\n"
        '[0] "a \\"b\\".txt", 3 characters\n'
        + "".join(f'[{n}] "n.txt", 900 characters\n' for n in range(1, 5))
        + "This is all of the first:\n-----\none\n-----"
    )


@pytest.mark.parametrize(
    ("documents", "shown"),
    [
        ([(None, "one"), (None, "two\nlines")], "These are all of them:\n-----\n[0] one\n[1] two\nlines\n-----"),
        ([("a.txt", "one"), ("b.txt", "")], 'These are all of them:\n-----\n[0] "a.txt": one\n[1] "b.txt": \n-----'),
        (
            [(None, "x" * 180)] * 9,
            "These are the first 3:\n-----\n" + "".join(f"[{n}] {'x' * 180}\n" for n in range(3)) + "-----",
        ),
        ([(None, "x")] * 900, "These are the first 20:\n-----\n" + "".join(f"[{n}] x\n" for n in range(20)) + "-----"),
    ],
)
def test_the_question_shows_short_documents_whole(documents, shown):
    """As many as fit; their lengths are seen."""
    asked = prompts.question(terms(), "Why?", ContextStore().add_documents(documents))
    assert asked.partition("characters in all")[2].partition(".\n" if documents[0][0] is None else "names.\n")[2] == shown


@pytest.mark.parametrize(("value", "kind"), [({"a": 1}, "a dict"), ([1], "a list"), (7, "a scalar")])
def test_the_question_says_what_a_value_is(value, kind):
    """JSON, as it is written."""
    context = ContextStore().add_json("json", value)
    assert prompts.question(terms(), "Why?", context).splitlines()[2].startswith(f"`context` is a parsed JSON value, {kind}, ")


def test_the_question_says_that_a_context_is_larger_than_the_memory():
    """It cannot be printed or joined as a whole."""
    small = terms(cell_limits=CellLimits(context_inline_limit=100))
    assert prompts.question(small, "Why?", text("x" * 101)).splitlines()[-1] == (
        "It is larger than the memory: it answers as a str or a list does (loops, slices, methods, re); print, join and json.dumps "
        "slices of it."
    )
