"""`context` in a cell: exact, and loaded only when it is used."""

import asyncio

import pytest

from orchestrator.config import SandboxSettings
from orchestrator.contexts import Context
from orchestrator.sandbox.host_imports import HostImports
from orchestrator.sandbox.interpreter import Interpreter

EXACT = [
    "",
    "plain",
    "a\r\nb\rc\n",
    "nul \0 here",
    "😀 astral 🜁",
    "שלום, עולם",
    "e\u0301 combining",
    "\ufeffbom",
    "a\u2028b\u2029",
]


@pytest.mark.parametrize("text", EXACT)
async def test_a_text_arrives_as_it_was_sent(run_cells, text):
    """Every code point, no more and no less."""
    outcome = await run_cells("[len(context), [ord(c) for c in context], type(context).__name__]", text=text)
    assert outcome.head == f"{[len(text), [ord(c) for c in text], 'str']}\n"


async def test_documents_arrive_as_they_were_sent(run_cells):
    """A list of str, also an empty one."""
    outcome = await run_cells(
        "[len(context), list(context) == ALL, context[-1], context[1:3]]".replace("ALL", repr(EXACT)), documents=EXACT
    )
    assert outcome.head == f"{[len(EXACT), True, EXACT[-1], EXACT[1:3]]}\n"
    assert (await run_cells("list(context)", documents=[])).head == "[]\n"


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("'b' in context", "True\n"),
        ("context.index('c')", "2\n"),
        ("[d.upper() for d in context]", "['A', 'B', 'C']\n"),
        ("context", "<context: 3 documents, 3 code points>\n"),
        ("sorted(context, reverse=True)", "['c', 'b', 'a']\n"),
    ],
)
async def test_documents_are_a_list(run_cells, code, output):
    """What one does with lists."""
    assert (await run_cells(code, documents=["a", "b", "c"])).head == output


async def test_a_document_that_is_not_there_is_an_index_error(run_cells):
    """As with any list."""
    assert (await run_cells("context[3]", documents=["a"])).error.splitlines()[-1] == "IndexError: list index out of range"


class Counting(Context, frozen=True, weakref=True, eq=False):
    """A context that says which documents were read."""

    reads: list = []

    def read(self, document, start, length):
        self.reads.append(document)
        return super().read(document, start, length)


@pytest.fixture
def counting(engine):
    """counting(kind, parts): an interpreter, and the list of documents that it reads."""

    def new(kind, parts):
        context = Counting("id", kind, parts)
        imports = HostImports(context, None, asyncio.get_running_loop(), seed=1, clock_start_ns=0)
        return Interpreter(engine, imports, context, seed=1), context.reads

    return new


async def test_a_text_is_loaded_by_the_first_cell_that_names_it(counting):
    """And only once."""
    interpreter, reads = counting("text", ("some text",))
    seen = []
    for number, code in enumerate(["1 + 1", "def f(): return context", "f()", "len(context)"], 1):
        await interpreter.run_cell(number, code)
        seen.append(len(reads))
    assert seen == [0, 1, 1, 1]


async def test_documents_are_read_one_by_one(counting):
    """What is not asked for is not read; what was read is kept."""
    interpreter, reads = counting("documents", ("a", "b", "c"))
    await interpreter.run_cell(1, "len(context), context[1], context[1], context[-1]")
    assert reads == [1, 2]


@pytest.fixture
def lazy_engine(new_engine):
    return new_engine(SandboxSettings(context_inline_limit=1))


TEXT = "abc\r\nabé abab\n\n😀 end"


@pytest.mark.parametrize(
    "expression",
    [
        "len(context)",
        "context[3:8], context[-5:], context[:], context[::2], context[::-1], context[5:2]",
        "context[0], context[-1]",
        "context.find('ab'), context.find('ab', 1), context.find('ab', 6, 8), context.find('zz'), context.find('')",
        "context.count('ab'), context.count('aba'), context.count('zz'), context.count('')",
        "'é' in context, 'zz' in context",
    ],
)
async def test_a_lazy_text_answers_like_a_str(new_interpreter, lazy_engine, expression):
    """Above context_inline_limit."""
    outcome = await new_interpreter(text=TEXT, engine=lazy_engine).run_cell(1, expression)
    assert outcome.head == f"{eval(expression, {'context': TEXT})}\n"  # noqa: S307  (our own table)


async def test_a_lazy_text_gives_lines(new_interpreter, lazy_engine):
    """Without their ends; a last empty one does not count."""
    outcome = await new_interpreter(text=TEXT + "\n", engine=lazy_engine).run_cell(1, "list(context.lines()), list(context)[0]")
    assert outcome.head == "(['abc', 'abé abab', '', '😀 end'], 'abc')\n"


async def test_a_lazy_text_works_across_its_pieces(new_interpreter, lazy_engine):
    """A match that spans two reads is found, and counted once."""
    piece = 8 << 20
    text = "x" * (piece - 2) + "needle" + "x" * piece + "needle"
    outcome = await new_interpreter(text=text, engine=lazy_engine).run_cell(
        1, "context.find('needle'), context.count('needle'), context.count('xx')"
    )
    assert outcome.head == f"{(text.find('needle'), 2, text.count('xx'))}\n"
