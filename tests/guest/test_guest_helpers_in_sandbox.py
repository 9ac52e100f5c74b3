"""The helpers as a cell has them, in the real sandbox; what they do is in test_helpers.py."""

import pytest

from orchestrator.errors import BudgetExceeded

# Names, parameters and defaults of the framework that their users come from, and what of sub-calls we add (schema, model);
# `...` is a default of our own.
# One differs on purpose: regex_search found 10 at most, and who counted what it gave was wrong without knowing.
PROMISED = {
    "chunk_text": {"text": None, "chunk_size": ..., "overlap": ..., "preserve_paragraphs": False},
    "chunk_by_tokens": {"text": None, "max_tokens": ..., "overlap_tokens": 100},
    "smart_truncate": {"text": None, "max_length": ..., "suffix": ...},
    "regex_search": {"pattern": None, "text": None, "max_matches": ..., "return_positions": ...},
    "find_sections": {"text": None, "section_pattern": ..., "include_content": ...},
    "keyword_filter": {"text": None, "keywords": None, "context_chars": ...},
    "aggregate_results": {"results": None, "method": "join", "separator": ..., "filter_empty": ...},
    "count_frequencies": {"items": None, "top_n": ...},
    "merge_dicts": {"dicts": None, "merge_strategy": "sum"},
    "verify_answer": {"answer": None, "prompt": None, "model": None},
    "consensus_check": {"question": None, "num_attempts": ..., "schema": None, "model": None},
    "recursive_split": {"text": None, "condition": None, "split_fn": None, "max_depth": ...},
    "map_reduce": {"items": None, "map_fn": None, "reduce_fn": None, "parallel": False, "schema": None, "model": None},
}
SIGNATURES = """
import inspect
def promised(name, parameters):
    found = inspect.signature(globals()[name]).parameters
    given = {each: None if value.default is value.empty else value.default for each, value in found.items()}
    return {each: ... if parameters.get(each) is ... else default for each, default in given.items()}
"""


async def test_the_helpers_have_the_names_parameters_and_defaults_that_were_promised(run_cells):
    """All of them, and no parameter more."""
    compared = "{name: promised(name, each) for name, each in PROMISED.items()} == PROMISED"
    outcome = await run_cells(f"{SIGNATURES}PROMISED = {PROMISED}\n{compared}".replace("Ellipsis", "..."))
    assert (outcome.error, outcome.head) == (None, "True\n")


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("chunk_text('abcdef', 4, 2)", "['abcd', 'cdef']\n"),
        ("chunk_text(context, chunk_size=3, overlap=0)", "['so ', 'it ', 'is']\n"),
        ("chunk_by_tokens('abcde', 1, 0)", "['abcd', 'e']\n"),
        ("chunk_by_tokens('abc', 10**12, 0)", "['abc']\n"),
        ("smart_truncate('One two three four', 12)", "'One two...'\n"),
        ("regex_search('[a-z]+', '1 ab 2 c', return_positions=True)[1]", "{'match': 'c', 'start': 7, 'end': 8}\n"),
        ("find_sections('# A\\nx')", "[{'title': '# A', 'start': 0, 'end': 5, 'content': 'x'}]\n"),
        ("keyword_filter('a KEY b', 'key', 1)", "[' KEY ']\n"),
        ("aggregate_results(['a', '', 'b'])", "'a\\nb'\n"),
        ("count_frequencies('aab', top_n=1)", "{'a': 2}\n"),
        ("merge_dicts([{'a': 1}, {'a': 2}], merge_strategy='list')", "{'a': [1, 2]}\n"),
        ("parse_json('Sure: [1, 2,]')", "[1, 2]\n"),
        (
            "verify_answer('5', 'Yes or no?')",
            "(True, 'YES OR NO?\\n\\nTHIS ANSWER WAS GIVEN:\\n5\\n\\nIS IT RIGHT AND COMPLETE? REPLY YES OR NO, AND WHY IN ONE SENTENCE.')\n",
        ),
        ("consensus_check('why?', num_attempts=2)", "('WHY?', 1.0)\n"),
        ("recursive_split('a b', lambda piece: False, str.split)", "['a', 'b']\n"),
    ],
)
async def test_each_helper_works_in_a_cell(run_cells, code, output):
    """A helper called from a cell does what it does outside."""
    outcome = await run_cells(code, text="so it is")
    assert (outcome.head, outcome.error) == (output, None)


async def test_a_bad_argument_is_an_error_of_the_cell(run_cells):
    """The traceback shows the cell's line, not the helper's, and the whole message."""
    assert (await run_cells("chunk_text('text', 0)")).error == (
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 1, in <module>\n'
        "    chunk_text('text', 0)\n"
        "    ~~~~~~~~~~^^^^^^^^^^^\n"
        "ValueError: chunk_text: chunk_size must be at least 1 and overlap from 0 to chunk_size - 1"
    )


async def test_five_megabytes_are_chunked_by_tokens(run_cells):
    """A large text does not use up a cell's limits."""
    code = "chunks = chunk_by_tokens('word ' * 1_000_000, 1000, 0)\nlen(chunks), ''.join(chunks) == 'word ' * 1_000_000"
    assert (await run_cells(code)).head == "(1250, True)\n"


SWALLOWS = "def f(i):\n    try:\n        return llm_query(i)\n    except{}:\n        return 'lost'\n"


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("map_reduce([], llm_query, list, PARALLEL)", "[]\n"),
        ("map_reduce([1, 2, 3], lambda n: n * n, sum, PARALLEL)", "14\n"),
        ("map_reduce((c for c in 'ab'), llm_query, list, PARALLEL)", "['A', 'B']\n"),
        ("map_reduce(['a', 'b'], lambda i: llm_query(i) + '!', list, PARALLEL)", "['A!', 'B!']\n"),
        ("map_reduce(['a'], lambda i: llm_query(llm_query(i) + 'b'), list, PARALLEL)", "['AB']\n"),
        ("map_reduce(['a', 'b'], lambda i: llm_query(i) + llm_query(i * 2), ''.join, PARALLEL)", "'AAABBB'\n"),
        ("map_reduce(['a', 'b'], lambda i: llm_batch([i, 'c']), list, PARALLEL)", "[['A', 'C'], ['B', 'C']]\n"),
        ("map_reduce(['a', 'b'], llm_query, lambda all: llm_query('+'.join(all).lower()), PARALLEL)", "'A+B'\n"),
        ("map_reduce(['a', 'b'], lambda i: map_reduce([i, i + i], llm_query, ''.join), list, PARALLEL)", "['AAA', 'BBB']\n"),
        (SWALLOWS.format(" Exception") + "map_reduce(['a', 'bad'], f, list, PARALLEL)", "['A', 'lost']\n"),
        (SWALLOWS.format(" LLMError") + "map_reduce(['a', 'bad'], f, list, PARALLEL)", "['A', 'lost']\n"),
        (SWALLOWS.format("") + "map_reduce(['a', 'bad'], f, list, PARALLEL)", "['A', 'lost']\n"),
        (
            "def f(i):\n    try:\n        return llm_query(i)\n    finally:\n        done.append(i)\n"
            "done = []\nmap_reduce(['a'], f, list, PARALLEL), done[-1]",
            "(['A'], 'a')\n",
        ),
        (
            "def f(i):\n    if i not in cache:\n        cache[i] = llm_query(i)\n    return llm_query('of ' + cache[i])\n"
            "cache = {}\nmap_reduce(['a', 'a'], f, list, PARALLEL)",
            "['OF A', 'OF A']\n",
        ),
    ],
)
async def test_map_reduce_in_parallel_gives_what_a_loop_gives(run_cells, asked, code, output, parallel):
    """The result is the same with parallel=True and parallel=False, whatever map_fn catches."""
    outcome = await run_cells(code.replace("PARALLEL", f"parallel={parallel}"), ask=asked)
    assert (outcome.head, outcome.error) == (output, None)


@pytest.mark.parametrize(
    ("code", "batches"),
    [
        ("map_reduce('abc', lambda i: llm_query(llm_query(i) + 'x'), list, True)", [["a", "b", "c"], ["Ax", "Bx", "Cx"]]),
        ("map_reduce('ab', llm_query, list, parallel=False)", [["a"], ["b"]]),
        ("map_reduce('ab', lambda i: llm_batch([i, i + i]), list, True)", [["a", "aa", "b", "bb"]]),
        ("map_reduce('ab', lambda i: map_reduce([i, i + i], llm_query, list, True), list, True)", [["a", "aa", "b", "bb"]]),
        (
            "map_reduce('ab', lambda i: llm_query('+'.join(llm_batch([i, i]))), list, True)",
            [["a", "a", "b", "b"], ["A+A", "B+B"]],
        ),
        ("map_reduce(['x', ''], lambda i: i and llm_query(i), list, True)", [["x"]]),
    ],
)
async def test_map_reduce_sends_what_all_items_ask_together(run_cells, asked, code, batches):
    """In parallel there is one batch for each further sub-call of an item, and no prompt is sent twice."""
    await run_cells(code, ask=asked)
    assert asked.batches == batches


async def test_a_map_fn_that_counts_its_calls_ends(run_cells, asked):
    """A map_fn that asks something else when it runs again has its last run sent prompt by prompt."""
    code = "n = 0\ndef f(i):\n    global n\n    n += 1\n    return llm_query(f'{n} {i}')\nmap_reduce('ab', f, list, True)"
    assert (await run_cells(code, ask=asked)).head == "['3 A', '4 B']\n"
    assert asked.batches == [["1 a", "2 b"], ["3 a"], ["4 b"]]


@pytest.mark.parametrize("parallel", [True, False])
async def test_an_exception_in_map_fn_is_the_cells(run_cells, parallel):
    """The traceback shows the line of map_fn, and llm_query works again in the next cell."""
    cell = f"def f(i):\n    return 1 / 0\nmap_reduce([1], f, sum, {parallel})"
    arguments = f"[1], f, sum, {parallel}"
    assert (await run_cells(cell)).error == (
        "Traceback (most recent call last):\n"
        '  File "<cell 1>", line 3, in <module>\n'
        f"    map_reduce({arguments})\n"
        f"    ~~~~~~~~~~^{'^' * len(arguments)}^\n"
        '  File "<cell 1>", line 2, in f\n'
        "    return 1 / 0\n"
        "           ~~^~~\n"
        "ZeroDivisionError: division by zero"
    )
    assert (await run_cells(cell, "llm_query('x')")).head == "'X'\n"


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize(
    ("items", "last_line"),
    [("['a', 'bad']", "LLMError: m: no"), ("[1]", "TypeError: a prompt must be a str, not int")],
)
async def test_a_sub_call_that_fails_ends_map_reduce(run_cells, asked, items, last_line, parallel):
    """What llm_query raises and map_fn does not catch is the cell's error."""
    outcome = await run_cells(f"map_reduce({items}, llm_query, list, {parallel})", ask=asked)
    assert outcome.error.splitlines()[-1] == last_line


async def test_an_exhausted_budget_ends_map_reduce(run_cells):
    """In parallel the budget is asked for all items at once, and nothing is sent when it is too small."""

    async def refused(prompts):
        raise BudgetExceeded(f"too many: {len(prompts)}")

    assert (await run_cells("map_reduce('abc', llm_query, list, True)", ask=refused)).error.splitlines()[-1] == (
        "BudgetError: too many: 3"
    )
