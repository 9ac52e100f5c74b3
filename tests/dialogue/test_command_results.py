"""What a model writes as commands, and what it sees."""

import json

import msgspec
import pytest
from notebooks import as_sent

from orchestrator.config import SandboxSettings
from orchestrator.dialogue.command_text import parse_block
from orchestrator.dialogue.commands import Malformed
from orchestrator.errors import BudgetExceeded
from orchestrator.sandbox.messages import SubReply

TEXT = "Ada wrote a.b\nBob read\nada left\n"
DOCUMENTS = ["Ada\nBob\n", "Cy", "bob\r\nDee"]
BEFORE = """
n = 7
name = "a.b"
names = ["bob", "a.b"]
row = {"x": {"y.z": [5, 6]}, "two words": None}
"""


@pytest.fixture
def see(new_notebook):
    """await see(command, ..., text= | documents=, ask=): (what was printed, the error, the answer)."""

    async def run(*commands, before=BEFORE, room=10_000, **context):
        notebook = new_notebook(**({"text": TEXT} | context))
        await notebook.run_cell(1, before)
        outcome = await notebook.run_commands(2, as_sent(*commands), room=room)
        return outcome.head + outcome.tail, outcome.error, outcome.answer

    return run


def command(op, **fields):
    return {"op": op} | fields


FILLED = [
    (command("print", value="<${names.1} ${row.x.y.z.0} ${row.two words} ${names.-1}>"), "<a.b 5 null a.b>\n"),
    (command("print", value="$${n} and \\${n}"), "$7 and ${n}\n"),
    (command("print", value="${names}"), "[0] bob\n[1] a.b\n"),
    (command("print", var="names.0"), "bob\n"),
    (command("llm_query", prompt="of ${context}!"), "OF ADA WROTE A.B\nBOB READ\nADA LEFT\n!\n"),
    (command("find", text="wrote ${name}"), "1 lines hold 'wrote a.b' (numbers from 0):\nL0: Ada wrote a.b\n"),
    (command("find", text="${names}"), '2 lines hold \'["bob", "a.b"]\' (numbers from 0):\nL0: Ada wrote a.b\nL1: Bob read\n'),
    (command("regex", pattern="${name}$"), "1 lines match 'a\\\\.b$' (numbers from 0):\nL0: Ada wrote a.b\n"),
    (command("regex", pattern="^${names} "), "1 lines match '^(?:bob|a\\\\.b) ' (numbers from 0):\nL1: Bob read\n"),
    (command("split", delimiter="${name}"), "Split into 2 parts\n[0] Ada wrote \n[1] \nBob read\nada left\n\n"),
    (command("regex.count_many", patterns="${names}", ignore_case=True), "[0] 1\n[1] 1\n"),
    (command("regex.count_many", patterns=["${name}", "^${name}"]), "[0] 1\n[1] 0\n"),
    (command("regex.top", pattern="(${names})", k="${n}"), '{"distinct": 1, "total": 1, "top": [["a.b", 1]]}\n'),
    (command("regex", pattern="${name}(?=\n|$)"), "1 lines match 'a\\\\.b(?=\\n|$)' (numbers from 0):\nL0: Ada wrote a.b\n"),
    (command("csv.select", on="table", where=[["c", "in", "${names}"]]), '[0] {"c": "bob"}\n'),
    (command("slice", start=-1, on="names"), "[1] a.b\n"),
    (command("lines", end=1, on="${names}"), "[Items 0 to 1 of 2]\n[0] bob\n"),
    (command("len", on="row.x.y.z"), "2\n"),
]


@pytest.mark.parametrize(("written", "seen"), FILLED, ids=[json.dumps(each) for each, _ in FILLED])
async def test_a_name_is_filled_in_everywhere(see, written, seen):
    """By one rule."""
    assert await see(written, before=BEFORE + "table = 'c\\nbob\\nx\\n'") == (seen, None, None)


REFUSED = [
    (command("find", text="${nope}"), "command 1 (find): there is no variable 'nope'; there are: context, n, name, names, row"),
    (command("lines", on="names.2"), "command 1 (lines): names is a list of 2: it has no item '2', they are from 0"),
    (command("print", value="${row.q}"), "command 1 (print): row has no field 'q'; there are: x, two words"),
    (command("print", value="${n.0}"), "command 1 (print): n is no list or object (int): it has no part '0'"),
    (command("print", value="${name.0}"), "command 1 (print): name is no list or object (text): it has no part '0'"),
    (command("regex", pattern="${nothing}"), "command 1 (regex): nothing is an empty list: every line would match"),
    (command("find", text="${odd}"), "command 1 (find): odd is a list with an empty text: every line would match"),
    (command("set", name="a.b", value=1), "command 1 (set): 'a.b' is no name for a variable: it has a dot"),
    (command("map", prompt="Who?"), "command 1 (map): the prompt must have ${part} in it: where each document, item or group of lines is to stand"),
    (command("map", prompt="${part}", size=0), "command 1 (map): size must be at least 1"),
    (command("map", prompt="${part}", on="nothing"), "command 1 (map): there is nothing to map over: it is empty"),
    (command("map", prompt="${part.x}", on="names"), "command 1 (map): part is no list or object (text): it has no part 'x'"),
    (command("reduce", directive="Sum", chunk_size=5, overlap=5), "command 1 (reduce): chunk_size must be at least 1, and overlap from 0 to chunk_size - 1"),
    (command("regex.count", patern="a"), "command 1 (regex.count): got an unexpected keyword argument 'patern'. Did you mean 'pattern'?; its arguments are: pattern, ignore_case, multi_line. How many matches. Patterns of `re`, in linear time; no look-around, no backreferences."),
    (command("csv.aggregate", sum="a"), "command 1 (csv.aggregate): got an unexpected keyword argument 'sum'; its arguments are: by, values, where, order_by, descending, limit, together, delimiter, header, skip. A row for each group. values: {name: [measure, column]}: count, sum, min, max, mean, distinct, p50 to p99.9."),
    (command("json.aggregate", by="a"), 'command 1 (json.aggregate): by must be a list of columns, such as ["level"]; its arguments are: by, values, where, order_by, descending, limit, together. As modules.csv.aggregate, with such paths.'),
    (command("regex.grep", pattern="a"), 'command 1 (regex.grep): there is no function "grep"; there are: count, find, lines, top, extract, count_many'),
    (command("regex.count", pattern="(?=a)"), "command 1 (regex.count): '(?=a)' is not for a module: it looks around, (?=...) or (?<=...). With the command python and import re: sum(1 for match in re.finditer('(?=a)', context))"),
    (command("python", code="n += 1\n1 / 0"), 'Traceback (most recent call last):\n  File "<cell commands 2, command 1>", line 2, in <module>\n    1 / 0\n    ~~^~~\nZeroDivisionError: division by zero'),
]  # fmt: skip


@pytest.mark.parametrize(("written", "error"), REFUSED, ids=[json.dumps(each) for each, _ in REFUSED])
async def test_what_cannot_be_done_says_why(see, written, error):
    """In the words of the commands, with the names that there are."""
    empty = "\nnothing = []\nodd = ['']\n" if any(each in json.dumps(written) for each in ("nothing", "odd")) else ""
    assert await see(written, before=BEFORE + empty) == ("", error, None)


OF_DOCUMENTS = [
    (command("find", text="bob"), "2 lines hold 'bob' (numbers from 0):\ndocument 0, L1: Bob\ndocument 2, L0: bob\n"),
    (command("find", text="bob", invert=True), "3 lines do not hold 'bob' (numbers from 0):\ndocument 0, L0: Ada\ndocument 1, L0: Cy\ndocument 2, L1: Dee\n"),
    (command("regex", pattern="^.{3}$", invert=True), "1 lines do not match '^.{3}$' (numbers from 0):\ndocument 1, L0: Cy\n"),
    (command("find", text="bob", on="some"), "2 lines hold 'bob' (numbers from 0):\nitem 1, L1: bob\nitem 2, L0: Bob\n"),
    (command("find", text="bob", on="some", invert=True), "2 lines do not hold 'bob' (numbers from 0):\nitem 0, L0: x\nitem 1, L0: y\n"),
    (command("find", text="bob", on="context.2"), "1 lines hold 'bob' (numbers from 0):\nL0: bob\n"),
    (command("lines", start=1), "[Items 1 to 3 of 3]\n[1] Cy\n[2] bob\r\nDee\n"),
    (command("lines", on="context.2", start=-1), "[Lines 1 to 2 of 2]\nDee\n"),
    (command("slice", end=2), "[0] Ada\nBob\n\n[1] Cy\n"),
    (command("regex.count", pattern="b", on="context.0"), "1\n"),
    (command("map", prompt="<${part}>"), "[3 parts were asked about]\n[0] <ADA\nBOB\n>\n[1] <CY>\n[2] <BOB\r\nDEE>\n"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "seen"), OF_DOCUMENTS, ids=[json.dumps(each) for each, _ in OF_DOCUMENTS])
async def test_documents_have_numbers(see, written, seen):
    """In positions and names; a list of texts is like them."""
    some = "some = ['x', 'y\\nbob', 'Bob']"
    assert await see(written, before=some, text=None, documents=DOCUMENTS) == (seen, None, None)


async def test_documents_that_are_too_large_to_hold_have_numbers_too(new_notebook, new_engine):
    """Everything is the same."""
    engine = new_engine(SandboxSettings(memory_bytes=256 << 20, context_inline_limit=1))
    for written, seen in OF_DOCUMENTS:
        if written.get("on") != "some":
            outcome = await new_notebook(documents=DOCUMENTS, engine=engine).run_commands(1, as_sent(written))
            assert (outcome.head, outcome.error) == (seen, None)


async def test_what_is_too_large_to_fill_in_is_refused(new_notebook, new_engine):
    """The sizes are known before it is read; so is it of parts that are too many, or memory that is not there."""
    large = new_notebook(text="yyy\n" * 5_000_001, engine=new_engine(SandboxSettings(memory_bytes=256 << 20)))
    for written, error in [
        (command("llm_query", prompt="${context}"), "command 1 (llm_query): context has 20,000,004 characters, too many to fill in: take parts of it with slice, lines, find or map"),
        (command("map", prompt="${part}"), "command 1 (map): these are more than 10,000 parts: take a larger size, or search first and map over what is found"),
        (command("find", text="x", invert=True), "command 1 (find): the memory limit of the sandbox was reached: work on a part of the input"),
    ]:  # fmt: skip
        outcome = await large.run_commands(1, as_sent(written))
        assert (outcome.head, outcome.error) == ("", error)


async def test_a_map_asks_all_at_once(see):
    """One batch; of a text `size` lines together, of rows their fields."""
    batches = []

    async def ask(prompts):
        batches.append(prompts)
        return [SubReply(text="ok") for _ in prompts]

    await see(command("map", prompt="${n}: ${part}", size=2), ask=ask)
    await see(command("map", prompt="${part.a}", on="rows"), before="rows = [{'a': 1}, {'a': [2]}]", ask=ask)
    await see(command("map", prompt="${part}", on="rows", size=2), before="rows = [{'a': 1}, 2, 'x']", ask=ask)
    assert batches == [["7: Ada wrote a.b\nBob read", "7: ada left"], ["1", "[2]"], ['{"a": 1}\n2', "x"]]


async def test_what_failed_of_a_map_leaves_the_rest(see):
    """Null stands for it; as lines it is an empty one."""

    async def ask(prompts):
        return [SubReply(error="the model is busy") if "Bob" in prompt else SubReply(text=prompt) for prompt in prompts]

    asked = command("map", prompt="${part}", size=1, store="r")
    assert await see(asked, command("find", text="ada", on="r"), command("final", answer="${r}"), ask=ask) == (
        "command 1 (map):\n"
        "1 of 3 sub-calls failed ([1] the model is busy): null stands for their answers, and the same command again sends only "
        "those\n"
        "[3 parts were asked about]\n"
        "r: a list of 3 items\n[0] Ada wrote a.b\n[1] null\n[2] ada left\n"
        "command 2 (find):\n2 lines hold 'ada' (numbers from 0):\nL0: Ada wrote a.b\nL2: ada left\n",
        None,
        '["Ada wrote a.b", null, "ada left"]',
    )


async def test_a_map_of_which_all_failed_has_no_result(see):
    """The first error says why; nothing is stored."""

    async def ask(prompts):
        return [SubReply(error="the model is busy") for _ in prompts]

    assert await see(command("map", prompt="${part}"), ask=ask) == ("", "command 1 (map): the model is busy", None)


@pytest.mark.parametrize("op", ["map", "llm_query"])
async def test_a_budget_that_is_too_small_is_told_where(see, op):
    """Nothing was sent."""

    async def ask(prompts):
        raise BudgetExceeded("3 sub-calls were asked for, 1 of 9 are left")

    written = command(op, prompt="${part}", size=1) if op == "map" else command(op, prompt="x")
    assert await see(written, ask=ask) == ("", f"command 1 ({op}): 3 sub-calls were asked for, 1 of 9 are left", None)


@pytest.mark.parametrize("op", ["reduce", "llm_reduce"])
async def test_a_reduce_joins_what_the_chunks_say(see, op):
    """Groups that fit, at least two together, until one text is left; by the predecessor's name too."""
    batches = []

    async def ask(prompts):
        batches.append(len(prompts))
        return [SubReply(text=prompt.rpartition("\n\n")[2].strip()[:6]) for prompt in prompts]

    written = command(op, directive="Who? ${n}", chunk_size=14, overlap=0, store="r")
    text = "".join(f"line {number}.......\n" for number in range(5))
    assert await see(written, command("final", answer="${r}"), ask=ask, text=text) == (
        "command 1 (reduce):\n[5 chunks were asked about]\nr = line 4\n", None, "line 4",
    )  # fmt: skip
    assert batches == [5, 3, 2, 1]


async def test_a_reduce_goes_on_without_what_failed(see):
    """And says so."""

    async def ask(prompts):
        return [SubReply(error="busy") if "Bob" in prompt else SubReply(text="found") for prompt in prompts]

    seen = await see(command("reduce", directive="Who?", chunk_size=15, overlap=0), ask=ask)
    assert seen[0] == ("1 of 3 sub-calls failed ([1] busy): the result is without them\n[3 chunks were asked about]\nfound\n")


async def test_python_is_run_over_the_same_variables(see):
    """What it prints is shown, the context is there, an answer ends the commands."""
    code = "\ncontext[:3], n + 1"
    assert await see(command("python", code=code), command("set", name="m", value="${n}"), command("python", code="FINAL(m + 1)"), command("len")) == (
        "command 1 (python):\n('Ada', 8)\ncommand 3 (python):\n", None, "8",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "answer"),
    [(5, "5"), (1.5, "1.5"), (True, "true"), (None, "null"), (["${n}", "v${n}"], '[7, "v7"]'), ({"a": "${row.x}"}, '{"a": {"y.z": [5, 6]}}'), ("${names}", '["bob", "a.b"]')],
)  # fmt: skip
async def test_an_answer_is_any_value(see, value, answer):
    """So is what set assigns."""
    assert await see(command("final", answer=value)) == ("", None, answer)
    assert await see(command("set", name="v", value=value), command("final", answer="${v}")) == ("", None, answer)


async def test_what_is_stored_is_shown_in_short(see):
    """Its beginning; as a whole it stays in the variable."""
    text = "".join(f"line {number:03} of a text\n" for number in range(500))
    assert await see(
        command("slice", store="all"),
        command("split", delimiter="\n", store="parts"),
        command("find", text="line", store="hits"),
        command("len", store="size"),
        text=text,
    ) == (
        "command 1 (slice):\nall: 9500 characters, which begin:\n"
        + text[: 5 * 19]
        + "command 2 (split):\nSplit into 501 parts\nparts: a list of 501 items\n"
        + "".join(f"[{n}] line {n:03} of a text\n" for n in range(12))
        + "... and 489 more\n"
        "command 3 (find):\n500 lines hold 'line' (numbers from 0), stored in hits:\n"
        + "".join(f"L{n}: line {n:03} of a text\n" for n in range(5))
        + "... and 495 more\ncommand 4 (len):\nsize = 9500\n",
        None,
        None,
    )


async def test_a_list_that_fits_is_shown_whole(see):
    """However long one of its items is; what is empty is seen to be so."""
    items = [["a" * 3000, "b"], []]
    printed = [(await see(command("set", name="v", value=each), command("print", var="v"), room=4000))[0] for each in items]
    assert printed == [f"command 2 (print):\n[0] {'a' * 3000}\n[1] b\n", "command 2 (print):\n[]\n"]


async def test_what_a_command_does_not_show_the_next_ones_may(see):
    """A stored result takes little of the room."""
    long = "".join(f"line {number:05}\n" for number in range(800))
    printed, _, _ = await see(
        command("find", text="line", store="found"), command("print", var="found"), text=long, room=10_000
    )
    assert printed.endswith(long)


async def test_long_lines_that_are_stored_are_counted_once(see):
    """How many more there are than those that are shown."""
    text = "".join(f"{number} {'a' * 100}\n" for number in range(30))
    printed, _, _ = await see(command("find", text="a", store="found"), text=text)
    assert printed == (
        "30 lines hold 'a' (numbers from 0), stored in found:\n"
        + "".join(f"L{n}: {n} {'a' * 100}\n" for n in range(2))
        + "... and 28 more\n"
    )


@pytest.mark.parametrize("room", [500, 2_000, 9_000])
async def test_a_list_is_shown_as_far_as_the_root_sees_it(see, room):
    """Whole lines; how many more there are."""
    printed, _, _ = await see(
        command("find", text="line"), text="".join(f"line {number}\n" for number in range(10_000)), room=room
    )
    *_, last, more = printed.splitlines()
    number = int(last.rpartition(" ")[2])
    assert more == f"... and {9999 - number} more"
    assert max(500, room - 300) - 20 < len(printed) <= max(560, room)


def test_a_thought_is_passed_over():
    """As a command, as a field, alone in an object."""
    written = [{"op": "thought", "text": "hm"}, {"thought": "hm"}, {"thought": "hm", "op": "len"}]
    assert parse_block(json.dumps(written)) == parse_block('{"op": "len"}')


@pytest.mark.parametrize(
    "written",
    [
        {"op": "regex.top", "pattern": "a", "k": 3, "on": "x"},
        {"op": "modules.regex.top", "pattern": "a", "args": {"k": 3}, "on": "x"},
        {"op": "wasm", "module": "regex", "function": "top", "args": {"pattern": "a", "k": 3}, "on": "x"},
    ],
)
def test_a_function_is_called_in_several_forms(written):
    """One is taught."""
    [parsed] = parse_block(json.dumps(written))
    assert msgspec.to_builtins(parsed) == {
        "op": "wasm", "module": "regex", "function": "top", "args": {"pattern": "a", "k": 3}, "on": "x", "store": None,
    }  # fmt: skip


def test_a_function_with_a_wrong_field_is_told_the_form():
    """The whole message."""
    assert parse_block('{"op": "regex.top", "on": 3}') == (
        Malformed(
            message="Expected `str | null`, got `int` - at `$.on`; the form is "
            '{"op": "module.function", its arguments..., "on"?: text, "store"?: text}'
        ),
    )


def test_half_a_pair_of_surrogates_becomes_its_escape():
    """It could not be sent to the guest."""
    [parsed] = parse_block('{"op": "final", "answer": {"\\ud83d": ["\\ude00 \\ud83d\\ude00"]}}')
    assert msgspec.json.decode(msgspec.json.encode(parsed))["answer"] == {"\\ud83d": ["\\ude00 😀"]}


def test_values_that_are_nested_too_deeply_are_no_command():
    """A hundred levels are enough."""
    [parsed] = parse_block('{"op": "final", "answer": ' + "[" * 200 + "]" * 200 + "}")
    assert parsed.message.startswith('not valid JSON (it is nested too deeply): {"op": "final", "answer": [[[')
