"""A cell: what it may do, and what comes back. In the real sandbox."""

import pytest

from orchestrator.errors import BudgetExceeded
from orchestrator.sandbox.host_imports import SubReply


async def error_of(run_cells, *cells, **context):
    return (await run_cells(*cells, **context)).error


async def test_variables_functions_and_imports_persist(run_cells):
    """Like a notebook."""
    outcome = await run_cells(
        "import math\nx = 2",
        "def area(r): return math.pi * r ** x\nclass A:\n    size = 5",
        "print(round(area(A.size), 2))",
    )
    assert outcome.head == "78.54\n"


async def test_an_exception_keeps_what_was_assigned(run_cells):
    """Up to the line that raised."""
    assert (await run_cells("a = 1\nb = a / 0\nc = 3", "a, 'b' in globals()")).head == "(1, False)\n"


async def test_the_last_expression_is_shown(run_cells):
    """Its repr, unless it is None."""
    assert (await run_cells("1\n'two'")).head == "'two'\n"
    assert (await run_cells("None")).head == ""


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


async def test_a_traceback_hides_the_lines_of_the_runner(run_cells):
    """What the model did not write is not shown."""
    assert await error_of(run_cells, "import json\njson.loads('{')") == (
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 2, in <module>\n'
        "    json.loads('{')\n"
        "    ~~~~~~~~~~^^^^^\n"
        "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    )


async def test_a_syntax_error_shows_its_place(run_cells):
    """Line and column in the cell."""
    assert await error_of(run_cells, "x = 1\ny = = 2") == (
        '  File "<cell 1>", line 2\n    y = = 2\n        ^\nSyntaxError: invalid syntax'
    )


async def test_smart_quotes_are_named(run_cells):
    """The model can act on the message."""
    assert (await error_of(run_cells, "print(“hi”)")).splitlines()[-1] == "SyntaxError: invalid character '“' (U+201C)"


async def test_a_chained_exception_is_shown_with_its_cause(run_cells):
    """raise ... from ..."""
    assert await error_of(run_cells, "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('bad') from e") == (
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 2, in <module>\n'
        "    1 / 0\n"
        "    ~~^~~\n"
        "ZeroDivisionError: division by zero\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 4, in <module>\n'
        "    raise ValueError('bad') from e\n"
        "ValueError: bad"
    )


@pytest.mark.parametrize(
    ("code", "last_line"),
    [
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "E: <exception str() failed>"),
        (
            "import numpy",
            "(Only Python's standard library is here, without threads, asyncio and sockets; llm_batch runs prompts in parallel.)",
        ),
        ("llm_query(5)", "TypeError: a prompt must be a str, not int"),
    ],
)
async def test_other_exceptions(run_cells, code, last_line):
    """The last line of the error."""
    assert (await error_of(run_cells, code)).splitlines()[-1] == last_line


async def test_a_gigantic_message_is_cut(run_cells):
    """Beginning and end stay."""
    error = await error_of(run_cells, "raise ValueError('x' * 10**6)")
    assert len(error) < 8_100
    assert error.splitlines()[-2] == "[992120 code points left out]"


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("FINAL('text')", "text"),
        ("FINAL(1)\nFINAL(2)", "2"),
        ("FINAL({'a': [1, 'é']})", '{"a": [1, "é"]}'),
        ("FINAL({1, })", "{1}"),
        ("FINAL(float('nan'))", "nan"),
        ("FINAL(None)", "null"),
        ("x = [1]\nFINAL_VAR('x')", "[1]"),
        ("x = 'word'\nFINAL_VAR(x)", "word"),
        ("FINAL_VAR('two words')", "two words"),
        ("FINAL(1)\n1 / 0", "1"),
        ("Final = 'bound'", "bound"),
        ("answer['content'] = 'built'\nanswer['ready'] = True", "built"),
        ("answer = {'content': 5, 'ready': True}", "5"),
        ("answer['ready'] = 'yes'", None),
        ("x = 1", None),
        ("FINAL_VAR('unknown')", None),
        ("FINAL('\\ud800')", "\\ud800"),
    ],
)
async def test_ways_to_answer(run_cells, code, answer):
    """The answer that stands after the cell."""
    assert (await run_cells(code)).answer == answer


async def test_an_unknown_variable_cannot_be_the_answer(run_cells):
    """The message says what to do."""
    assert (await error_of(run_cells, "FINAL_VAR('unknown')")).splitlines()[-1] == (
        "NameError: FINAL_VAR: there is no variable 'unknown'; SHOW_VARS() lists them, FINAL(text) answers with a text"
    )


async def test_a_draft_is_reported(run_cells):
    """What answer["content"] holds before it is ready."""
    outcome = await run_cells("answer['content'] = 'half'")
    assert (outcome.answer, outcome.draft) == (None, "half")


async def test_show_vars_lists_what_the_cells_made(run_cells):
    """Names, types and sizes; not what is provided."""
    assert (await run_cells("x = [1, 2]\nf = 5\ndel answer", "SHOW_VARS()")).head == (
        "{'x': 'list of 2', 'f': 'int', 'answer': 'dict of 2'}\n"
    )


async def test_deleted_names_and_replaced_builtins_are_back(run_cells):
    """A cell cannot break the next one by accident."""
    cell = "import builtins\ndel llm_query, chunk_text\nbuiltins.len = None\nbuiltins.print = None\ndel builtins.sorted"
    assert (await run_cells(cell, "print(len(sorted('ba')), llm_query('x'), len(chunk_text('a')))")).head == "2 X 1\n"


async def test_a_sub_call_that_fails_raises_llm_error(run_cells):
    """The message is the provider's."""

    async def failing(prompts):
        return [SubReply(error="m: HTTP 500: no") for _ in prompts]

    assert (await error_of(run_cells, "llm_query('x')", ask=failing)).splitlines()[-1] == "LLMError: m: HTTP 500: no"


async def test_a_batch_keeps_the_answers_that_came(run_cells):
    """.results has None where one failed."""

    async def odd(prompts):
        return [SubReply(text=p) if index % 2 else SubReply(error="no") for index, p in enumerate(prompts)]

    outcome = await run_cells(
        "try:\n    llm_batch(['a', 'b', 'c'])\nexcept LLMError as error:\n    print(error, error.results)", ask=odd
    )
    assert outcome.head == (
        "2 of 3 sub-calls failed ([0] no; [2] no); the answers of the others are in this exception's .results "
        "[None, 'b', None]\n"
    )


async def test_an_exhausted_budget_raises_budget_error(run_cells):
    """The whole last line."""

    async def refused(prompts):
        raise BudgetExceeded("sub-calls", 1, len(prompts), 2)

    assert (await error_of(run_cells, "llm_batch(['a', 'b'])", ask=refused)).splitlines()[-1] == (
        "BudgetError: sub-calls: 1 of 2 are used, 2 more were asked for; nothing was sent"
    )


async def test_two_guests_with_the_same_seed_are_the_same(run_cells):
    """Time, randomness, uuids, hashes, ids and set order."""
    code = (
        "import time, random, uuid, datetime, secrets\n"
        "[time.time(), time.monotonic(), str(datetime.datetime.now()), random.random(), str(uuid.uuid4()), "
        "secrets.token_hex(4), hash('x'), id(object()), {'b', 'a', 'c'}]"
    )
    first, second = await run_cells(code), await run_cells(code)
    assert first.error is None
    assert first == type(first)(
        **{name: getattr(second, name) for name in second.__struct_fields__} | {"seconds": first.seconds}
    )


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("map_reduce(['a', 'b'], lambda item: llm_query(item) + '!', list)", "['A!', 'B!']\n"),
        ("map_reduce([1, 2, 3], lambda n: n * n, sum)", "14\n"),
        ("map_reduce(['a'], lambda i: llm_query(llm_query(i) + 'b'), list, parallel=False)", "['AB']\n"),
        ("map_reduce(['a', 'b'], lambda i: llm_query(i) + llm_query(i * 2), ''.join)", "'AAABBB'\n"),
        ("map_reduce([], llm_query, list)", "[]\n"),
        ("def f(i):\n    try:\n        return llm_query(i)\n    except Exception:\n        return 'lost'\nmap_reduce(['a'], f, list)", "['A']\n"),
        ("map_reduce(['a', 'b'], lambda i: map_reduce([i, i + i], llm_query, ''.join), list)", "['AAA', 'BBB']\n"),
    ],
)  # fmt: skip
async def test_map_reduce(run_cells, code, output):
    """The result, in parallel or not."""
    outcome = await run_cells(code)
    assert (outcome.head, outcome.error) == (output, None)


async def test_map_reduce_sends_all_items_together(run_cells):
    """Two rounds for items that ask twice."""
    rounds = []

    async def ask(prompts):
        rounds.append(list(prompts))
        return [SubReply(text=prompt.upper()) for prompt in prompts]

    await run_cells("map_reduce('abc', lambda i: llm_query(llm_query(i) + 'x'), list)", ask=ask)
    assert rounds == [["a", "b", "c"], ["Ax", "Bx", "Cx"]]


async def test_the_helpers_have_the_names_and_parameters_that_were_promised(run_cells):
    """As in the framework that their users come from."""
    promised = {
        "chunk_text": ["text", "chunk_size", "overlap", "preserve_paragraphs"],
        "chunk_by_tokens": ["text", "max_tokens", "overlap_tokens"],
        "smart_truncate": ["text", "max_length", "suffix"],
        "regex_search": ["pattern", "text", "max_matches", "return_positions"],
        "find_sections": ["text", "section_pattern", "include_content"],
        "keyword_filter": ["text", "keywords", "context_chars"],
        "aggregate_results": ["results", "method", "separator", "filter_empty"],
        "count_frequencies": ["items", "top_n"],
        "merge_dicts": ["dicts", "strategy"],
        "recursive_split": ["text", "condition", "split_fn", "max_depth"],
        "map_reduce": ["items", "map_fn", "reduce_fn", "parallel"],
    }
    outcome = await run_cells(
        f"import inspect\n{{name: list(inspect.signature(globals()[name]).parameters) for name in {list(promised)}}}"
    )
    assert outcome.head == f"{promised}\n"
