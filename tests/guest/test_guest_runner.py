"""A cell: what it may do, and what comes back. In the real sandbox."""

import pytest

from orchestrator.errors import BudgetExceeded
from orchestrator.sandbox.messages import SubReply


async def error_of(run_cells, *cells, **context):
    return (await run_cells(*cells, **context)).error


@pytest.mark.parametrize(
    ("cells", "output"),
    [
        (["x = 2", "x + 1"], "3\n"),
        (["import math", "math.floor(2.5)"], "2\n"),
        (["def double(n): return n * factor", "factor = 2", "double(4)"], "8\n"),
        (["class A:\n    size = 5\na = A()", "a.size, isinstance(a, A), A.__module__"], "(5, True, '__main__')\n"),
        (["def count():\n    global n\n    n += 1\nn = 0", "count()\ncount()", "n"], "2\n"),
        (["from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int", "P(1)"], "P(x=1)\n"),
    ],
)
async def test_what_a_cell_defines_persists(run_cells, cells, output):
    """Variables, imports, functions and classes are there in later cells."""
    outcome = await run_cells(*cells)
    assert (outcome.head, outcome.error) == (output, None)


@pytest.mark.parametrize(
    ("cells", "output"),
    [
        (["math.floor(2.5), re.findall('a', 'ab'), json.loads('1')"], "(2, ['a'], 1)\n"),
        (["Counter('aa'), defaultdict(int)['x'], [*itertools.chain('a')]"], "(Counter({'a': 2}), 0, ['a'])\n"),
        (["re = 5", "re"], "5\n"),
        (["'re' in SHOW_VARS()"], "False\n"),
    ],
)
async def test_what_is_often_used_needs_no_import(run_cells, cells, output):
    """Models forget that a block of theirs did not import it."""
    outcome = await run_cells(*cells)
    assert (outcome.head, outcome.error) == (output, None)


async def test_an_exception_keeps_what_was_assigned(run_cells):
    """What ran before the line that raised stays."""
    assert (await run_cells("a = 1\nb = a / 0\nc = 3", "a, 'b' in globals()")).head == "(1, False)\n"


async def test_an_exception_keeps_what_was_printed(run_cells):
    """Output and error of one cell are both reported."""
    outcome = await run_cells("print('before')\nraise ValueError('after')")
    assert (outcome.head, outcome.error.splitlines()[-1]) == ("before\n", "ValueError: after")


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("1\n'two'", "'two'\n"),
        ("None", ""),
        ("x = 1", ""),
        ("x = 1; x", "1\n"),
        ("print('a')", "a\n"),
        ("if True:\n    5", ""),
        ("", ""),
        ("# a comment", ""),
        ("[n for n in range(3)]", "[0, 1, 2]\n"),
        ("(y := 5)", "5\n"),
        ("'\\ud800'", "'\\ud800'\n"),
        ("print('\\ud800')", "\\ud800\n"),
    ],
)
async def test_the_last_expression_is_shown(run_cells, code, output):
    """The repr of a last expression is printed, unless it is None."""
    outcome = await run_cells(code)
    assert (outcome.head, outcome.error) == (output, None)


async def test_a_traceback_shows_the_lines_of_earlier_cells(run_cells):
    """A function from cell 1 that fails in cell 2 is shown with its own line."""
    assert await error_of(run_cells, "def half(x):\n    return x / 0", "y = 1\nhalf(y)") == (
        "Traceback (most recent call last):\n"
        '  File "<cell 2>", line 2, in <module>\n'
        "    half(y)\n"
        "    ~~~~^^^\n"
        '  File "<cell 1>", line 2, in half\n'
        "    return x / 0\n"
        "           ~~^~~\n"
        "ZeroDivisionError: division by zero"
    )


@pytest.mark.parametrize("before", ["x = 'a\u2028b\x0c\x85'\n", "x = 1\r\n", "x = 1\r", "\n"])
async def test_a_traceback_counts_lines_as_python_does(run_cells, before):
    """Only \\n, \\r\\n and \\r end a line of a cell, so that the line shown is the line that failed."""
    assert await error_of(run_cells, f"{before}1 / 0") == (
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 2, in <module>\n'
        "    1 / 0\n"
        "    ~~^~~\n"
        "ZeroDivisionError: division by zero"
    )


async def test_a_traceback_hides_the_lines_of_the_library(run_cells):
    """What the model did not write is not shown."""
    assert await error_of(run_cells, "import json\njson.loads('{')") == (
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 2, in <module>\n'
        "    json.loads('{')\n"
        "    ~~~~~~~~~~^^^^^\n"
        "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"
        "(The text begins '{'. In a model's reply parse_json(text) finds the JSON, whatever is around it, and takes commas too many.)"
    )


CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\n\nDuring handling of the above exception, another exception occurred:\n\n"
DIVISION = (
    "Traceback (most recent call last):\n"
    '  File "<cell 1>", line 2, in <module>\n'
    "    1 / 0\n"
    "    ~~^~~\n"
    "ZeroDivisionError: division by zero"
)
BAD = (
    "Traceback (most recent call last):\n"
    '  File "<cell 1>", line 4, in <module>\n'
    "    raise ValueError('bad'){}\n"
    "ValueError: bad"
)


@pytest.mark.parametrize(
    ("suffix", "error"),
    [
        (" from e", DIVISION + CAUSE + BAD.format(" from e")),
        ("", DIVISION + CONTEXT + BAD.format("")),
        (" from None", BAD.format(" from None")),
    ],
)
async def test_a_chained_exception_is_shown_as_python_does(run_cells, suffix, error):
    """The cause or the context of an exception comes before it."""
    code = f"try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('bad'){suffix}"
    assert await error_of(run_cells, code) == error


async def test_a_long_chain_hides_the_lines_of_the_library(run_cells):
    """Also the cause of a cause is shown with the cell's own lines alone."""
    code = (
        "import json\n"
        "def load():\n"
        "    json.loads('{')\n"
        "def retry():\n"
        "    try:\n"
        "        load()\n"
        "    except ValueError as e:\n"
        "        raise KeyError('k') from e\n"
        "try:\n"
        "    retry()\n"
        "except KeyError as e:\n"
        "    raise RuntimeError('r') from e"
    )
    assert await error_of(run_cells, code) == (
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 6, in retry\n'
        "    load()\n"
        "    ~~~~^^\n"
        '  File "<cell 1>", line 3, in load\n'
        "    json.loads('{')\n"
        "    ~~~~~~~~~~^^^^^\n"
        "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
        f"{CAUSE}"
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 10, in <module>\n'
        "    retry()\n"
        "    ~~~~~^^\n"
        '  File "<cell 1>", line 8, in retry\n'
        "    raise KeyError('k') from e\n"
        "KeyError: 'k'"
        f"{CAUSE}"
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 12, in <module>\n'
        "    raise RuntimeError('r') from e\n"
        "RuntimeError: r"
    )


def raised(code, last_line, marks=""):
    return f'Traceback (most recent call last):\n  File "<cell 1>", line 1, in <module>\n    {code}\n{marks}{last_line}'


NO_EXIT = "\n(A cell cannot end the run this way: call FINAL(value) to answer.)"
NO_NUMPY = (
    "\n(numpy is not available here, and nothing can be installed: statistics, math and array count, and "
    "modules.text.numbers over the whole input.)"
)
NO_BZ2 = "\n(bz2 is not available here: its C part is not built in; gzip, zlib and zipfile are.)"
NO_FILES = "\n(There are no files in a cell: the input is `context`; io.StringIO and io.BytesIO take the place of a file.)"
NO_MEMORY = "\n(The memory limit of the sandbox was reached: work on slices, delete what is no longer needed.)"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("x = 1\ny = = 2", '  File "<cell 1>", line 2\n    y = = 2\n        ^\nSyntaxError: invalid syntax'),
        (
            "def f():\nreturn 1",
            '  File "<cell 1>", line 2\n    return 1\n    ^^^^^^\n'
            "IndentationError: expected an indented block after function definition on line 1",
        ),
        (
            "print(“hi”)",
            "  File \"<cell 1>\", line 1\n    print(“hi”)\n          ^\nSyntaxError: invalid character '“' (U+201C)",
        ),
        ("a\0b", "SyntaxError: source code string cannot contain null bytes"),
        ("raise KeyboardInterrupt", raised("raise KeyboardInterrupt", "KeyboardInterrupt")),
        ("raise SystemExit(3)", raised("raise SystemExit(3)", "SystemExit: 3") + NO_EXIT),
        ("exit()", raised("exit()", "SystemExit: None", "    ~~~~^^\n") + NO_EXIT),
        ("import numpy", raised("import numpy", "ModuleNotFoundError: No module named 'numpy'") + NO_NUMPY),
        ("import bz2", raised("import bz2", "ModuleNotFoundError: No module named 'bz2'") + NO_BZ2),
        ("import json.nothing", raised("import json.nothing", "ModuleNotFoundError: No module named 'json.nothing'")),
        (
            "x = 'a' * (1 << 30)",
            raised("x = 'a' * (1 << 30)", "MemoryError", "        ~~~~^~~~~~~~~~~\n") + NO_MEMORY,
        ),
        (
            "open('x')",
            raised("open('x')", "FileNotFoundError: [Errno 44] No such file or directory: 'x'", "    ~~~~^^^^^\n") + NO_FILES,
        ),
        (
            "input('?')",
            raised(
                "input('?')",
                "RuntimeError: there is no keyboard input in a cell: work with `context`, ask a model with llm_query(prompt)",
                "    ~~~~~^^^^^\n",
            ),
        ),
        ("llm_query(5)", raised("llm_query(5)", "TypeError: a prompt must be a str, not int", "    ~~~~~~~~~^^^\n")),
    ],
)
async def test_an_error_is_the_whole_traceback(run_cells, code, error):
    """What a cell raises comes back as Python shows it, with a hint where the sandbox is the reason."""
    assert await error_of(run_cells, code) == error


async def test_an_exception_that_cannot_be_shown_is_named(run_cells):
    """A __str__ that raises does not hide where the exception came from."""
    code = "class E(Exception):\n    def __str__(self): raise ValueError\nraise E"
    assert await error_of(run_cells, code) == (
        'Traceback (most recent call last):\n  File "<cell 1>", line 3, in <module>\n    raise E\nE: <exception str() failed>'
    )


async def test_an_endless_recursion_is_an_error(run_cells):
    """The lines that repeat are counted, not shown."""
    assert (await error_of(run_cells, "def f(): return f()\nf()")).splitlines()[-2:] == [
        "  [Previous line repeated 992 more times]",
        "RecursionError: maximum recursion depth exceeded",
    ]


async def test_a_huge_message_is_cut_in_the_middle(run_cells):
    """Of a traceback of more than 8000 code points the first and the last 4000 stay."""
    error = await error_of(run_cells, "raise ValueError('x' * 10**6)")
    whole = raised("raise ValueError('x' * 10**6)", "ValueError: " + "x" * 10**6)
    assert error == f"{whole[:4000]}\n[{len(whole) - 8000} code points left out]\n{whole[-4000:]}"


@pytest.mark.parametrize(
    ("cells", "answer"),
    [
        (["FINAL('text')"], "text"),
        (["FINAL('')"], ""),
        (["FINAL(1)\nFINAL(2)"], "2"),
        (["FINAL(1)", "FINAL(2)"], "2"),
        (["FINAL(1)", "x = 2"], None),  # there is another cell only if that answer was not taken
        (["FINAL({'a': [1, 'é']})"], '{"a": [1, "é"]}'),
        (["FINAL((1, 2.5, True))"], "[1, 2.5, true]"),
        (["FINAL({1, })"], "{1}"),
        (["FINAL({(1, 2): 3})"], "{(1, 2): 3}"),
        (["FINAL(float('nan'))"], "nan"),
        (["FINAL(None)"], "null"),
        (["FINAL('\\ud800')"], "\\ud800"),
        (["FINAL(1)\n1 / 0"], "1"),
        (["x = [1]\nFINAL_VAR('x')"], "[1]"),
        (["x = 'word'\nFINAL_VAR(x)"], "word"),
        (["x = 'y'\ny = 'z'\nFINAL_VAR(x)"], "z"),
        (["FINAL_VAR('two words')"], "two words"),
        (["FINAL_VAR([1])"], "[1]"),
        (["FINAL_VAR('unknown')"], None),
        (["Final = 'bound'"], "bound"),
        (["Final = {'a': 1}"], '{"a": 1}'),
        (["Final = 'bound'\n1 / 0"], "bound"),
        (["Final = 1\nFinal = 2"], "2"),
        (["Final = 1\ndel Final"], None),
        (["answer['content'] = 'built'\nanswer['ready'] = True"], "built"),
        (["answer['content'] = 'built'", "answer['ready'] = True"], "built"),
        (["answer = {'content': 5, 'ready': True}"], "5"),
        (["answer['ready'] = True"], ""),
        (["answer['content'] = 'built'"], None),
        (["answer['ready'] = 'yes'"], None),
        (["answer = 'text'"], None),
        (["x = 1"], None),
    ],
)
async def test_ways_to_answer(run_cells, cells, answer):
    """FINAL, FINAL_VAR, `Final` or a ready `answer` gives the answer: a str as it is, else JSON, else the repr."""
    assert (await run_cells(*cells)).answer == answer


async def test_a_cell_runs_on_after_final(run_cells):
    """FINAL records the answer, and the lines behind it run."""
    outcome = await run_cells("FINAL(1)\nprint('more')")
    assert (outcome.answer, outcome.head, outcome.error) == ("1", "more\n", None)


async def test_an_unknown_variable_cannot_be_the_answer(run_cells):
    """FINAL_VAR with a name that there is not says what to do."""
    assert await error_of(run_cells, "FINAL_VAR('unknown')") == raised(
        "FINAL_VAR('unknown')",
        "NameError: FINAL_VAR: there is no variable 'unknown'; SHOW_VARS() lists them, FINAL(text) answers with a text",
        "    ~~~~~~~~~^^^^^^^^^^^\n",
    )


async def test_an_answer_that_cannot_be_shown_is_an_error(run_cells):
    """A `Final` whose repr raises is the cell's error, and there is no answer."""
    outcome = await run_cells("class A:\n    def __repr__(self): raise ValueError('no')\nFinal = A()")
    assert (outcome.answer, outcome.error) == (
        None,
        'Traceback (most recent call last):\n  File "<cell 1>", line 2, in __repr__\n'
        "    def __repr__(self): raise ValueError('no')\n                        ^^^^^^^^^^^^^^^^^^^^^^\nValueError: no",
    )


@pytest.mark.parametrize(
    ("code", "draft"),
    [
        ("answer['content'] = 'half'", "half"),
        ("answer['content'] = ['half']", '["half"]'),
        ("answer = {}", None),
        ("answer = 'text'", None),
        ("del answer", None),
        ("x = 1", None),
    ],
)
async def test_a_draft_is_what_answer_holds_meanwhile(run_cells, code, draft):
    """answer["content"] is reported before it is ready, and is no answer."""
    outcome = await run_cells(code)
    assert (outcome.answer, outcome.draft) == (None, draft)


async def test_a_draft_that_cannot_be_shown_fails_no_cell(run_cells):
    """Nor those after it: it is none."""
    deep = "for _ in range(10**6):\n    answer['content'] = [answer['content']]"
    outcome = await run_cells(deep, "print('fine')")
    assert (outcome.head, outcome.error, outcome.draft) == ("fine\n", None, None)


async def test_show_vars_lists_what_the_cells_made(run_cells):
    """SHOW_VARS gives names, types and sizes of what is not provided and does not begin with an underscore."""
    assert (await run_cells("x = [1, 2]\nf = 5\n_y = 1\nchunk_text\ncontext", "llm_query = 'mine'\nSHOW_VARS()")).head == (
        "{'llm_query': 'str of 4', 'answer': 'dict of 2', 'x': 'list of 2', 'f': 'int'}\n"
    )


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("llm_query_batched(['a', 'b'])", "['A', 'B']\n"),
        ("query_llm('a')", "'A'\n"),
        ("llm_query('Count.', 'a b')", "'COUNT.\\n\\nA B'\n"),
        ("input_data[:3], input_data is context", "('The', True)\n"),
        ("input_data = 'mine'\ncontext, input_data", "('The Context', 'mine')\n"),
        ("SHOW_VARS()", "{'answer': 'dict of 2'}\n"),
    ],
)
async def test_names_of_other_systems_are_understood(run_cells, code, output):
    """And are no variables of the cells' own."""
    outcome = await run_cells(code, text="The Context")
    assert (outcome.head, outcome.error) == (output, None)


@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("ask_llm('a')", "NameError: name 'ask_llm' is not defined\n(llm_query(prompt) asks a sub-model, llm_batch(prompts) many at once.)"),
        ("modules.regex.find('b', text='b')[0].line", "AttributeError: 'dict' object has no attribute 'line'\n(It is a dict: its fields are read as ['line'].)"),
        ("modules.regex.find('b', text='b')[0].lines", "AttributeError: 'dict' object has no attribute 'lines'"),
        ("llm_batch('abc')", "TypeError: llm_batch: prompts must be a list, not str"),
        ("llm_query('a', ['b'])", "TypeError: llm_query: text must be a str, not list"),
        ("import subprocess\nsubprocess.run('ls')", "(That is not available here: a cell has no processes, files or network; work with Python alone.)"),
    ],
)  # fmt: skip
async def test_names_that_are_not_there_lead_to_those_that_are(run_cells, code, last):
    """One line."""
    assert (await error_of(run_cells, code)).endswith(last)


@pytest.mark.parametrize(
    ("cell", "following", "output"),
    [
        ("del llm_query", "llm_query('x')", "'X'\n"),
        ("del FINAL, SHOW_VARS, chunk_text", "chunk_text('a')", "['a']\n"),
        ("llm_query = 'mine'", "llm_query('x')", "'X'\n"),
        ("def llm_query(prompt): return 'mine'", "llm_query('x')", "'X'\n"),
        (
            "FINAL = FINAL_VAR = SHOW_VARS = llm_batch = None",
            "FINAL(1), FINAL_VAR(1), llm_batch(['x'])",
            "(None, None, ['X'])\n",
        ),
        ("modules = {'a': 1}\ndef chunk_text(): return 'mine'", "modules, chunk_text()", "({'a': 1}, 'mine')\n"),
        ("context = context.lower()", "context", "'The Context'\n"),
        ("context = ['mine']\nkept = context", "kept, context", "(['mine'], 'The Context')\n"),
        ("del context", "context", "'The Context'\n"),
        ("def load():\n    global context\n    context = 'mine'", "load()\ncontext", "'mine'\n"),
        ("del modules, chunk_text", "chunk_text('a'), type(modules).__name__", "(['a'], 'Modules')\n"),
        ("answer = 'mine'", "answer", "'mine'\n"),
        ("del answer", "answer", "{'content': '', 'ready': False}\n"),
        ("print = len = None\ndel print, len", "len('ab')", "2\n"),
        ("import builtins\nbuiltins.len = None", "len('ab')", "2\n"),
        ("import builtins\nbuiltins.print = None", "print('x')", "x\n"),
        ("import builtins\nbuiltins.open = None", "callable(open)", "True\n"),
        ("import builtins\ndel builtins.sorted", "sorted('ba')", "['a', 'b']\n"),
        ("import builtins\nbuiltins.isinstance = builtins.str = None\n1 / 0", "str(1)", "'1'\n"),
        ("globals().clear()", "llm_query('x')", "'X'\n"),
    ],
)
async def test_what_was_provided_is_back(run_cells, cell, following, output):
    """What a cell deletes is there in the next one; what the run stands on and the builtins also if it is overwritten."""
    outcome = await run_cells(cell, following, text="The Context")
    assert (outcome.head, outcome.error) == (output, None)


@pytest.mark.parametrize(
    ("cells", "output"),
    [
        (["import sys\nsys.stdout.write('a')\nsys.stderr.write('b')\nsys.__stdout__.write('c')\nNone"], "abc"),
        (["import sys, io\nsys.stdout = io.StringIO()\nprint('lost')", "print('seen')"], "seen\n"),
        (["import sys, io\nold = sys.stdout\nsys.stdout = io.StringIO()", "sys.stdout = old\nprint('seen')"], "seen\n"),
        (["import sys\nsys.stdout = None", "print('seen')"], "seen\n"),
        (["import sys\nsys.stdout.close()\nprint('seen', flush=True)"], "seen\n"),
        (["import sys\nsys.stdout.write = None", "print('seen')"], "seen\n"),
        (["import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as f:\n    print('a')\nf.getvalue()"], "'a\\n'\n"),
        (["import logging\nlogging.basicConfig()", "logging.warning('late')"], "WARNING:root:late\n"),
        (["import warnings\nwarnings.warn('careful')"], "<cell 1>:2: UserWarning: careful\n  warnings.warn('careful')\n"),
        (["import time\nbefore = time.time()\ntime.sleep(1000)\ntime.time() - before < 1"], "True\n"),
    ],
)  # fmt: skip
async def test_habits_of_output_and_time_work(run_cells, cells, output):
    """sys.stdout may be swapped, closed or kept, warnings and logging are output, and sleeping takes no time."""
    outcome = await run_cells(*cells)
    assert (outcome.head, outcome.error) == (output, None)


CLOCKS = (
    "import time, random, uuid, datetime, secrets\n"
    "[time.time(), time.monotonic(), str(datetime.datetime.now()), random.random(), str(uuid.uuid4()), "
    "secrets.token_hex(4), hash('x'), id(object()), {'b', 'a', 'c'}]"
)


async def test_two_guests_with_the_same_seed_are_the_same(run_cells):
    """Time, randomness, uuids, hashes, addresses and the order of sets depend on the seed alone."""
    first, second = await run_cells(CLOCKS), await run_cells(CLOCKS)
    assert (first.head, first.error, first.fuel) == (second.head, None, second.fuel)


async def test_the_clock_goes_on_with_the_work_done(run_cells):
    """Ten units of fuel are a nanosecond, in the cells before too."""
    first, second = (
        "import time\nstart = time.perf_counter_ns()",
        "for _ in range(100_000): pass\ntime.perf_counter_ns() - start",
    )
    cells = [first, second]
    outcome = await run_cells(*cells)
    assert outcome.fuel // 20 < int(outcome.head) < outcome.fuel // 10 + 10**6


async def test_each_reading_of_the_clock_is_later(run_cells):
    """None repeats."""
    code = "import time\nread = [time.time_ns() for _ in range(1000)]\nmin(b - a for a, b in zip(read, read[1:])) > 0"
    assert (await run_cells(code)).head == "True\n"


async def test_the_guard_of_a_loop_fires(run_cells):
    """A cell that stops itself after a tenth of a second does."""
    code = "import time\nend = time.monotonic() + 0.1\nn = 0\nwhile time.monotonic() < end: n += 1\nn > 100"
    outcome = await run_cells(code)
    assert (outcome.head, outcome.error, outcome.fuel // 10**8) == ("True\n", None, 10)


async def test_a_sub_call_that_fails_raises_llm_error(run_cells):
    """The message of LLMError is the provider's."""

    async def failing(prompts):
        return [SubReply(error="m: HTTP 500: no") for _ in prompts]

    assert await error_of(run_cells, "llm_query('x')", ask=failing) == raised(
        "llm_query('x')", "LLMError: m: HTTP 500: no", "    ~~~~~~~~~^^^^^\n"
    )


PAID = (
    "The others are paid: ask the same prompts again, and only those that failed are sent. This exception's .results has their "
    "answers too"
)


@pytest.mark.parametrize(
    ("prompts", "output"),
    [
        (
            ["bad", "b", "bad"],
            f"2 of 3 sub-calls failed ([0] no; [2] no). {PAID} [None, 'b', None]\n",
        ),
        (["bad"], "no [None]\n"),
        (
            ["bad"] * 7,
            f"7 of 7 sub-calls failed ([0] no; [1] no; [2] no; [3] no; [4] no). {PAID} {[None] * 7}\n",
        ),
        (["a", "b"], "['a', 'b']\n"),
        ([], "[]\n"),
    ],
)
async def test_a_batch_keeps_the_answers_that_came(run_cells, prompts, output):
    """LLMError names the first five failures, and its .results has None where a sub-call failed."""

    async def odd(prompts):
        return [SubReply(error="no") if prompt == "bad" else SubReply(text=prompt) for prompt in prompts]

    code = f"try:\n    print(llm_batch({prompts}))\nexcept LLMError as error:\n    print(error, error.results)"
    assert (await run_cells(code, ask=odd)).head == output


async def test_failures_of_a_batch_can_be_taken_as_they_come(run_cells):
    """An LLMError stands in the place of each answer that did not come."""

    async def odd(prompts):
        return [SubReply(error="no") if prompt == "bad" else SubReply(text=prompt) for prompt in prompts]

    outcome = await run_cells("llm_batch(['a', 'bad'], on_error='return')", ask=odd)
    assert (outcome.head, outcome.error) == ("['a', LLMError('no')]\n", None)


async def test_a_wrong_on_error_names_those_that_exist(run_cells):
    """Before anything is sent."""
    outcome = await run_cells("llm_batch(['a'], on_error='ignore')")
    assert outcome.error.splitlines()[-1] == 'ValueError: llm_batch: on_error is "raise" or "return", not \'ignore\''


@pytest.mark.parametrize("caught", ["BudgetError", "RuntimeError"])
async def test_an_exhausted_budget_raises_budget_error(run_cells, caught):
    """BudgetError says what the run says, and is a RuntimeError."""

    async def refused(prompts):
        raise BudgetExceeded(f"too many: {len(prompts)}")

    code = f"try:\n    llm_batch(['a', 'b'])\nexcept {caught} as error:\n    print(type(error).__name__, error)"
    assert (await run_cells(code, ask=refused)).head == ("BudgetError too many: 2\n")


async def test_a_prompt_arrives_as_it_was_written(run_cells):
    """Every code point of a prompt reaches the model; a lone surrogate does so as its escape."""
    seen = []

    async def ask(prompts):
        seen.extend(prompts)
        return [SubReply(text="") for _ in prompts]

    await run_cells("llm_batch(['a\\r\\n\\0😀\\u2028', '\\ud800'])", ask=ask)
    assert seen == ["a\r\n\0😀\u2028", "\\ud800"]
