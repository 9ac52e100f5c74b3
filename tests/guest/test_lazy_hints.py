"""What a cell is told that takes a lazy context for a str or a list."""

import pytest

from orchestrator.config import SandboxSettings
from orchestrator.sandbox.engine import Engine


@pytest.fixture(scope="module")
def lazy_engine():
    engine = Engine(SandboxSettings(context_inline_limit=10, memory_bytes=64 << 20))
    yield engine
    engine.close()


TAKES_A_STR = (
    "\n(The context is too large for the memory: it and its lines and words are no str and no list, and cannot be changed. Code "
    "in C takes slices, context[a:b], or what a loop gives; list(...) is a copy, context.encode() the bytes, if they fit.)"
)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import json\njson.dumps(context)", "TypeError: Object of type LazyText is not JSON serializable" + TAKES_A_STR),
        ("context in 'abc'", "TypeError: 'in <string>' requires string as left operand, not LazyText" + TAKES_A_STR),
        ("llm_query(context)", "TypeError: a prompt must be a str, not LazyText" + TAKES_A_STR),
        ("', '.join([context])", "TypeError: sequence item 0: expected str instance, LazyText found" + TAKES_A_STR),
        ("context[len(context)]", "IndexError: string index out of range"),
        ("context[2.0]", "TypeError: string indices must be integers, not 'float'"),
        ("context[::0]", "ValueError: slice step cannot be zero"),
        ("context.find(5)", "TypeError: find() argument 1 must be str, not int"),
        ("bytes(context, 'utf8')", "TypeError: encoding without a string argument" + TAKES_A_STR),
        ("context.append('a')", "AttributeError: 'LazyText' object has no attribute 'append'" + TAKES_A_STR),
        ("context.split().sort()", "AttributeError: 'Parts' object has no attribute 'sort'" + TAKES_A_STR),
    ],
)
async def test_a_wrong_use_says_what_to_do(new_notebook, lazy_engine, code, error):
    """The end of the traceback; the cell goes on living."""
    outcome = await new_notebook(text="a context\nof lines", engine=lazy_engine).run_cell(1, code)
    assert outcome.error.endswith(error)


async def test_a_str_has_no_hint_about_lazy_contexts(failure):
    """The encoding is told of bytes() alone."""
    assert await failure("bytes(5, 'utf8')", text="short") == "TypeError: encoding without a string argument"
