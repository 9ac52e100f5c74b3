"""The JSON commands: shapes on the host, execution in the guest."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from msgspec import UNSET
from notebooks import as_sent

from orchestrator.config import SandboxSettings
from orchestrator.dialogue.command_text import REPLACED, parse_block
from orchestrator.dialogue.commands import KNOWN, Malformed, need_context

EXAMPLES = Path(__file__).parents[2] / "guest_sdk" / "examples"
TEXT = "alpha Beta\r\nbeta one\n\nGAMMA é😀\nlast line\n"


@pytest.fixture
def run_commands(new_notebook):
    """await run_commands(command, ..., text=...): the outcome."""

    async def run(*commands, before="", **context):
        notebook = new_notebook(**({"text": TEXT} | context))
        if before:
            await notebook.run_cell(1, before)
        return await notebook.run_commands(2, as_sent(*commands))

    return run


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ({"op": "slice", "start": 0, "end": 5}, "alpha\n"),
        ({"op": "slice", "start": -5}, "line\n\n"),
        ({"op": "slice", "start": 30, "end": 29}, "\n"),
        ({"op": "lines", "start": 1, "end": 2}, "[Lines 1 to 2 of 5]\nbeta one\n"),
        ({"op": "lines", "start": -1}, "[Lines 4 to 5 of 5]\nlast line\n"),
        ({"op": "lines", "start": 9}, "[Lines 5 to 5 of 5]\n\n"),
        ({"op": "find", "text": "BETA"}, "2 lines hold 'BETA' (numbers from 0):\nL0: alpha Beta\nL1: beta one\n"),
        ({"op": "find", "text": "é"}, "1 lines hold 'é' (numbers from 0):\nL3: GAMMA é😀\n"),
        ({"op": "find", "text": "one beta"}, "1 lines hold all of one, beta (numbers from 0):\nL1: beta one\n"),
        ({"op": "find", "text": "zz"}, "0 lines hold 'zz'\n"),
        ({"op": "regex", "pattern": "^[ab]"}, "2 lines match '^[ab]' (numbers from 0):\nL0: alpha Beta\nL1: beta one\n"),
        (
            {"op": "regex", "pattern": r"(\w)a\b(?! o)"},
            "2 lines match '(\\\\w)a\\\\b(?! o)' (numbers from 0):\nL0: alpha Beta\nL3: GAMMA é😀\n",
        ),
        (
            {"op": "wasm", "module": "regex", "function": "lines", "args": {"pattern": "a", "limit": 2}},
            '[first 2 of 3]\n[0] {"line": 1, "text": "alpha Beta"}\n[1] {"line": 2, "text": "beta one"}\n',
        ),
        (
            {"op": "wasm", "module": "regex", "function": "extract", "args": {"pattern": "a", "limit": 1, "ignore_case": True}},
            '[first 1 of 7]\n[0] ["a"]\n',
        ),
        ({"op": "count", "what": "lines"}, "5\n"),
        ({"op": "count", "what": "chars"}, f"{len(TEXT)}\n"),
        ({"op": "count", "what": "words"}, "8\n"),
        ({"op": "len"}, f"{len(TEXT)}\n"),
        (
            {"op": "split", "delimiter": "\n"},
            "Split into 6 parts\n[0] alpha Beta\r\n[1] beta one\n[2] \n[3] GAMMA é😀\n[4] last line\n[5] \n",
        ),
        ({"op": "index_terms", "pattern": "(?i)beta"}, "[0 terms that occur at least 2 times]\n\n"),
        ({"op": "index_terms", "pattern": "all_caps", "min_count": 1}, "[1 terms that occur at least 1 times]\nGAMMA (1)\n"),
        (
            {"op": "index_terms", "pattern": "^[a-z]+", "min_count": 1, "include_lines": True},
            "[3 terms that occur at least 1 times]\nalpha (1): L0\nbeta (1): L1\nlast (1): L4\n",
        ),
        ({"op": "print", "value": "costs $500 and ${n}"}, "costs $500 and 7\n"),
        ({"op": "print", "var": "$n"}, "7\n"),
        ({"op": "get", "name": "n"}, "7\n"),
        ({"op": "llm_query", "prompt": "say ${n}"}, "SAY 7\n"),
    ],
)
async def test_a_command_prints_its_result(run_commands, command, output):
    """Positions are code points, lines are counted from 0, a last empty line does not count."""
    outcome = await run_commands(command, before="n = 7")
    assert (outcome.head, outcome.error) == (output, None)


@pytest.mark.parametrize(
    ("command", "text", "report"),
    [
        ({"op": "csv", "function": "select", "args": {"limit": 100}}, "a,b\n" + "1,2\n" * 6667, "[first 100 of 6,667]"),
        (
            {"op": "csv", "function": "select", "args": {"limit": 1, "where": [["a", ">", 1]], "header": True}},
            "a,b\n1,2\n2,2\n3,2\n",
            "[first 1 of 2]",
        ),
        ({"op": "csv", "function": "aggregate", "args": {"by": ["a"], "limit": 1}}, "a,b\n1,2\n2,2\n", "[first 1 of 2]"),
        (
            {"op": "json", "function": "select", "args": {"limit": 1, "columns": ["a[*]"]}},
            '{"a":[1,2]}\n{"a":[3]}\n',
            "[first 1 of 3]",
        ),
        ({"op": "json", "function": "select", "args": {"limit": 2}}, '{"a":1}\n{"a":3}\n', "[first 2 of 2]"),
    ],
)
async def test_a_limit_is_reported_with_all_that_there_are(run_commands, command, text, report):
    """In the first line."""
    outcome = await run_commands(command, text=text)
    assert (outcome.head.splitlines()[0], outcome.error) == (report, None)


def _always_sent(command):
    return {each.name: each.default is not UNSET for each in msgspec.structs.fields(command)}


METHODS = """
import inspect, json
from rlm_guest.commands import Commands
print(json.dumps({
    op: [[each.name, each.default is each.empty] for each in inspect.signature(getattr(Commands, "_" + op)).parameters.values()]
    for op in OPS
}))
"""


async def test_the_guest_takes_the_fields_of_each_command(run_cells):
    """All of them; those that are always sent without a default of its own: that is the host's."""
    commands = {command.__struct_config__.tag: command for command in (*KNOWN, Malformed)}
    methods = json.loads((await run_cells(METHODS.replace("OPS", repr(list(commands))))).head)
    fields = {op: dict.fromkeys(("self",), True) | _always_sent(command) for op, command in commands.items()}
    assert {op: dict(methods[op]) for op in methods} == fields


@pytest.mark.parametrize(
    ("commands", "error"),
    [
        ([{"op": "get", "name": "nope"}], "command 1 (get): there is no variable 'nope'; there are: context"),
        (
            [{"op": "len"}, {"op": "find", "text": "x", "on": "nope"}],
            "command 2 (find): there is no variable 'nope'; there are: context",
        ),
        ([{"op": "print", "value": "${nope}"}], "command 1 (print): there is no variable 'nope'; there are: context"),
        ([{"op": "final_var", "name": "nope"}], "command 1 (final_var): there is no variable 'nope'; there are: context"),
        ([{"op": "regex", "pattern": "("}], 'command 1 (regex): regex.lines: "(", character 1: unclosed group'),
        ([{"op": "index_terms", "pattern": "("}], 'command 1 (index_terms): text.terms: "(", character 1: unclosed group'),
        ([{"op": "split", "delimiter": ""}], "command 1 (split): the delimiter is empty"),
    ],
)
async def test_a_command_that_fails_says_which_and_why(run_commands, commands, error):
    """The whole message."""
    assert (await run_commands(*commands)).error == error


async def test_store_keeps_the_whole_result(run_commands):
    """Previews are for the model; `on` works on what was stored, `last` on the last result."""
    outcome = await run_commands(
        {"op": "regex", "pattern": "line", "store": "hits"},
        {"op": "print", "var": "hits"},
        {"op": "count", "what": "matches"},
        {"op": "len", "on": "$hits", "store": "size"},
        {"op": "final", "answer": "${hits} has ${size}"},
        text="\n".join(f"line {number}" for number in range(20)),
    )
    assert outcome.answer == "\n".join(f"line {number}" for number in range(20)) + " has 149"


@pytest.mark.parametrize(
    ("context", "places"),
    [
        ({"text": "Ada\nb\nAda\nAda\r\n"}, "L0; L2; L3"),
        ({"text": None, "documents": ["Ada\nb", "Ada", "Ada"]}, "document 0, L0; document 1, L0; document 2, L0"),
        ({"before": "names = ['Ada', 'b\\nAda', 'Ada']", "on": "names"}, "item 0, L0; item 1, L1; item 2, L0"),
    ],
)
async def test_the_lines_of_a_term_say_in_which_text(run_commands, context, places):
    """Of documents and lists they are counted in each."""
    given = {"on": "context"} | context
    outcome = await run_commands({"op": "index_terms", "include_lines": True, "on": given.pop("on")}, **given)
    assert outcome.head == f"[1 terms that occur at least 2 times]\nAda (3): {places}\n"


async def test_terms_are_counted_in_more_documents_than_a_module_takes_as_text(new_engine, new_notebook):
    """The host has them; 20,000,000 characters is what a cell can hand over."""
    document = ("Ada met Bob" + " 0123456789" * 1000 + ".\n") * 1000
    notebook = new_notebook(documents=[document] * 2, engine=new_engine(SandboxSettings()))
    outcome = await notebook.run_commands(1, as_sent({"op": "index_terms"}))
    assert (outcome.head, outcome.error) == ("[2 terms that occur at least 2 times]\nAda (2000)\nBob (2000)\n", None)


async def test_a_long_result_is_previewed(run_commands):
    """As much as the root will see, and how many more."""
    outcome = await run_commands({"op": "slice"}, text="x" * 12_000)
    assert outcome.head + outcome.tail == "x" * 9700 + "\n[... 2300 more characters]\n"


async def test_an_answer_ends_the_commands(run_commands):
    """What follows is not run."""
    outcome = await run_commands({"op": "final", "answer": "yes"}, {"op": "get", "name": "nope"})
    assert (outcome.answer, outcome.error) == ("yes", None)


async def test_commands_and_cells_share_variables(run_commands):
    """Also in the other direction."""
    outcome = await run_commands({"op": "final_var", "name": "table"}, before="table = {'a': [1]}")
    assert outcome.answer == '{"a": [1]}'


async def test_a_command_that_stores_over_the_context_is_heard(new_notebook):
    """Those behind it see what it stored; the next list has the context again."""
    notebook = new_notebook(text="the context")
    shown = {"op": "print", "value": "${context}!"}
    first = await notebook.run_commands(1, as_sent({"op": "slice", "end": 3, "store": "context"}, shown))
    second = await notebook.run_commands(2, as_sent(shown))
    assert (first.head.splitlines()[-1], second.head) == ("the!", "the context!\n")


async def test_commands_work_on_documents(run_commands):
    """Over all of them; a line's place says in which."""
    outcome = await run_commands({"op": "find", "text": "b"}, {"op": "len"}, text=None, documents=["a\nb", "B"])
    assert outcome.head == (
        "command 1 (find):\n2 lines hold 'b' (numbers from 0):\ndocument 0, L1: b\ndocument 1, L0: B\ncommand 2 (len):\n2\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"op": "grep"}', 'there is no command "grep"; there are: slice, lines, find, regex, count, split, len, set, print, llm_query, llm_delegate, map, reduce, python, final, and functions of modules, as regex.top'),
        ('{"op": "slice", "from": 1}', 'Object contains unknown field `from`; the form is {"op": "slice", "start"?: number, "end"?: number, "on"?: text, "store"?: text}'),
        ('{"op": "final"}', 'Object missing required field `answer`; the form is {"op": "final", "answer": any value}'),
        ('{"op": "malformed", "message": "x"}', 'there is no command "malformed"; there are: slice, lines, find, regex, count, split, len, set, print, llm_query, llm_delegate, map, reduce, python, final, and functions of modules, as regex.top'),
        ('{"op": 5}', 'a command is an object with "op"; there are: slice, lines, find, regex, count, split, len, set, print, llm_query, llm_delegate, map, reduce, python, final, and functions of modules, as regex.top'),
        ('{"op": ', 'not valid JSON (Expecting value: it ends): {"op": '),
        ('{"op": "find", "text": "a}', 'not valid JSON (Unterminated string starting at: \'"a}\'): {"op": "find", "text": "a}'),
        ("[" * 100_000, "not valid JSON (it is nested too deeply): " + "[" * 200),
    ],
)  # fmt: skip
def test_what_is_no_command_is_told_with_the_right_form(text, message):
    """The whole message, in its place."""
    assert parse_block(text) == (Malformed(message=message),)


def test_a_block_of_broken_lines_is_read_only_so_far():
    """And says so."""
    commands = parse_block("{\n" * 30)
    assert len(commands) == 21
    assert commands[-1] == Malformed(message="the rest was not read: 20 lines before it are not JSON")


async def test_a_malformed_command_does_not_drop_its_neighbours(new_notebook):
    """It is told where it stands."""
    checked = parse_block('[{"op": "len"}, {"op": "nope"}, {"op": "final", "answer": "x"}]')
    outcome = await new_notebook(text="abc").run_commands(1, msgspec.json.encode(checked).decode())
    assert outcome.head == (
        'command 1 (len):\n3\ncommand 2:\nError: there is no command "nope"; there are: slice, lines, find, regex, count, split, '
        "len, set, print, llm_query, llm_delegate, map, reduce, python, final, and functions of modules, as regex.top\n"
    )
    assert outcome.answer == "x"


LINE_ENDS = (EXAMPLES / "line_ends.wat").read_text()


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ({"op": "wasm", "module": "regex", "function": "count", "args": {"pattern": "a"}}, "5\n"),
        ({"op": "wasm", "module": "regex", "function": "top", "args": {"pattern": "(?i)beta"}}, '{"distinct": 2, "total": 2, "top": [["Beta", 1], ["beta", 1]]}\n'),
        ({"op": "wasm", "module": "regex", "function": "count", "args": {"pattern": "x"}, "on": "table"}, "1\n"),
        ({"op": "csv", "function": "select", "on": "table"}, '[0] {"x": 1, "y": "b"}\n'),
        ({"op": "json", "function": "get", "args": {"path": "a[1]"}, "on": "value"}, "3\n"),
        ({"op": "text", "function": "words", "args": {"k": 1}}, '[0] ["beta", 2]\n'),
        ({"op": "wasm_wat", "wat": LINE_ENDS}, "5\n"),
        ({"op": "wasm_wat", "wat": LINE_ENDS, "on": "table"}, "2\n"),
        ({"op": "wasm_wat", "wat": LINE_ENDS.replace('(export "run")', '(export "count")'), "function": "count"}, "5\n"),
    ],
)  # fmt: skip
async def test_a_module_is_called_by_a_command(run_commands, command, output):
    """Over the context, or a variable as text; the result is shown as JSON."""
    outcome = await run_commands(command, before="table = 'x,y\\n1,b\\n'; value = {'a': [2, 3]}")
    assert (outcome.head, outcome.error) == (output, None)


@pytest.mark.parametrize(
    ("commands", "reads"),
    [
        ([{"op": "csv", "function": "describe"}, {"op": "final", "answer": "x"}], False),
        ([{"op": "regex", "pattern": "x"}, {"op": "wasm_wat", "wat": LINE_ENDS}], False),
        ([{"op": "lines", "on": "hits"}], False),
        ([{"op": "csv", "function": "describe"}, {"op": "len"}], True),
    ],
)
def test_the_context_is_loaded_for_commands_that_read_it(commands, reads):
    """Modules have it from the host."""
    assert need_context(parse_block(json.dumps(commands))) is reads


async def test_a_context_that_no_command_read_is_there_for_the_next(new_notebook):
    """It is loaded when it is wanted."""
    notebook = new_notebook(text="a b")
    first = await notebook.run_commands(1, as_sent({"op": "text", "function": "describe"}), names_context=False)
    assert first.loaded is False
    wanted = as_sent({"op": "len"}, {"op": "print", "value": "${context}!"})
    outcome = await notebook.run_commands(2, wanted, names_context=False)
    assert (outcome.head, outcome.error) == ("command 1 (len):\n3\ncommand 2 (print):\na b!\n", None)


async def test_what_a_module_answers_is_stored_as_a_value(run_commands, new_notebook):
    """Not as its text."""
    notebook = new_notebook(text="a b a")
    await notebook.run_commands(1, as_sent({"op": "text", "function": "words", "args": {"k": 5}, "store": "words"}))
    assert (await notebook.run_cell(2, "words[0][1] + 1")).head == "3\n"


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ({"op": "wasm", "module": "nope", "function": "f"}, "command 1 (nope.f): there is no module 'nope'; there are: regex, csv, json, text"),
        ({"op": "csv", "function": "nope"}, 'command 1 (csv): csv.nope: there is no function "nope"; there are: describe, select, aggregate'),
        ({"op": "wasm", "module": "regex", "function": "count"}, "command 1 (regex.count): missing 1 required positional argument: 'pattern'; its arguments are: pattern, ignore_case, multi_line. How many matches. Patterns of `re`, in linear time; no look-around, no backreferences."),
        ({"op": "wasm", "module": "regex", "function": "count", "args": {"pattern": "a", "x": 1}}, "command 1 (regex.count): got an unexpected keyword argument 'x'; its arguments are: pattern, ignore_case, multi_line. How many matches. Patterns of `re`, in linear time; no look-around, no backreferences."),
        ({"op": "wasm_wat", "wat": "(module"}, "command 1 (wasm_wat): wasm_wat.run: it cannot be compiled: expected `)`\n     --> <anon>:1:8\n      |\n    1 | (module\n      |        ^"),
        ({"op": "wasm_wat", "wat": "(module)"}, "command 1 (wasm_wat): wasm_wat.run: it does not export its memory as memory"),
    ],
)  # fmt: skip
async def test_a_module_command_that_fails_says_why(run_commands, command, error):
    """The whole message."""
    assert (await run_commands(command)).error == error


@pytest.mark.parametrize("op", sorted(REPLACED))
def test_an_operation_that_compiles_elsewhere_is_answered_with_what_does_the_same(op):
    """It names a cell or a call that works."""
    [answer] = parse_block(json.dumps({"op": op, "intent": "count the users"}))
    assert answer == Malformed(message=f'"{op}" is not needed here, nothing is compiled: {REPLACED[op]}')
    assert "modules." in REPLACED[op] or "```python" in REPLACED[op]


async def test_what_the_answers_show_works(run_cells, run_commands):
    """Each example in them, over a log."""
    text = "user=ann x\nuser=bob y\nuser=ann z\n"
    code = re.search(r"```python\n(.*?)```", REPLACED["rust_wasm"], re.DOTALL)[1]
    assert (await run_cells(code, text=text)).head == "Counter({'user=ann': 2, 'user=bob': 1})\n"
    call = re.search(r"(modules\.regex\.top\(.*?, k=10\))", REPLACED["rust_wasm_mapreduce"])[1]
    top = "{'distinct': 2, 'total': 3, 'top': [['ann', 2], ['bob', 1]]}\n"
    assert (await run_cells(call, text=text)).head == top
    command = re.search(r'(\{"op": "regex.top".*?\})', REPLACED["rust_wasm_mapreduce"])[1]
    assert parse_block(command)[0].args["pattern"] == "user=(\\w+)"
