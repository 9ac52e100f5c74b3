"""`context` in a cell: exact, and loaded only when it is used."""

import uuid

import pytest
from notebooks import Notebook

from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore

EXACT = [
    "",
    "plain",
    "a\r\nb\rc\n",
    "nul \0 here",
    "😀 astral 🜁",
    "שלום, עולם",
    "e\u0301 combining",
    "\ufeffbom",
    "a\u2028b\u2029c\x85d\x0be",
    "{'not': \"code\"} \\n",
]


@pytest.mark.parametrize("text", EXACT)
async def test_a_text_arrives_as_it_was_sent(run_cells, text):
    """Every code point of a text is in `context`, which is a str."""
    outcome = await run_cells("[len(context), [ord(c) for c in context], type(context).__name__]", text=text)
    assert outcome.head == f"{[len(text), [ord(c) for c in text], 'str']}\n"


async def test_documents_arrive_as_they_were_sent(run_cells):
    """Every code point of every document is there, also of an empty one."""
    outcome = await run_cells("[[ord(c) for c in document] for document in context]", documents=EXACT)
    assert outcome.head == f"{[[ord(c) for c in document] for document in EXACT]}\n"


LIST_EXPRESSIONS = [
    "len(context)",
    "context[0], context[2], context[-1], context[-3]",
    "context[True]",
    "context[1:], context[::-1], context[:-1], context[5:]",
    "list(context), [document for document in context]",
    "'b' in context, 'ab' in context, 5 in context",
    "context.index('c'), context.count('b')",
    "list(reversed(context)), sorted(context, reverse=True)",
    "list(enumerate(context)), list(zip(context, context))",
    "'-'.join(context), max(context), bool(context)",
]


@pytest.mark.parametrize("documents", [["a", "b", "c"], ["", "é😀", "a\r\n"]])
@pytest.mark.parametrize("expression", LIST_EXPRESSIONS)
async def test_documents_answer_like_a_list(run_cells, documents, expression):
    """What one does with a list gives what a list of str gives, errors included."""
    outcome = await run_cells(expression, documents=documents)
    try:
        expected = (f"{eval(expression, {'context': documents})!r}\n", None)  # noqa: S307  (our own table)
    except ValueError as error:
        expected = ("", type(error).__name__)
    assert (outcome.head, outcome.error and outcome.error.splitlines()[-1].partition(":")[0]) == expected


async def test_no_documents_are_an_empty_list(run_cells):
    """A list of no documents has no length, no items and no truth."""
    assert (await run_cells("len(context), list(context), context[:], bool(context)", documents=[])).head == (
        "(0, [], [], False)\n"
    )


@pytest.mark.parametrize(
    ("index", "last_line"),
    [
        ("3", "IndexError: list index out of range"),
        ("-2", "IndexError: list index out of range"),
        ("'title'", "TypeError: list indices must be integers or slices, not str"),
        ("0.0", "TypeError: list indices must be integers or slices, not float"),
    ],
)
async def test_a_wrong_index_of_a_document_is_named(run_cells, index, last_line):
    """The message is that of a list."""
    assert (await run_cells(f"context[{index}]", documents=["a"])).error.splitlines()[-1] == last_line


STORE = ContextStore()


@pytest.fixture
def counting(engine):
    """counting(kind, parts): a notebook, and the list of its reads."""

    def new(kind, parts):
        reads = []

        class Counting(Context):
            def read_all(self, start, length):
                reads.append((start, length))
                return super().read_all(start, length)

        held = STORE.add_documents(parts) if kind == "documents" else STORE.add_text(parts[0])
        context = Counting(held.id, STORE._path(held.id))
        context.id = uuid.uuid4().hex  # no other test has its template
        return Notebook(engine, context, seed=1, clock_start_ns=0), reads

    return new


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("1 + 1", 0),
        ("import contextlib", 0),
        ("keyword_filter('a', 'a', context_chars=1)", 0),
        ("def f(): return context", 1),
        ("context", 1),
        ("f'{context}' + context", 1),
        ("FINAL_VAR('context')", 1),
    ],
)
async def test_a_text_is_loaded_by_the_first_cell_that_names_it(counting, code, reads):
    """A cell without the word `context` reads nothing, and one with it reads the text once."""
    notebook, seen = counting("text", ("some text",))
    await notebook.run_cell(1, code)
    assert len(seen) == reads


async def test_a_text_is_loaded_once(counting):
    """Later cells use what the first one loaded, also after it was deleted."""
    notebook, seen = counting("text", ("some text",))
    outcomes = [await notebook.run_cell(number, code) for number, code in enumerate(["context", "del context", "context"])]
    assert [outcome.head for outcome in outcomes] == ["'some text'\n", "", "'some text'\n"]
    assert len(seen) == 1


async def test_documents_are_a_list(run_cells):
    """What C code sees is what Python sees, and they can be changed."""
    code = (
        "import json\ncontext[0] = 'z'\ncontext.append('c')\n"
        "[isinstance(context, list), json.dumps(context), context + ['d'], sorted(context)]"
    )
    assert (await run_cells(code, documents=["a", "b"])).head == (
        """[True, '["z", "b", "c"]', ['z', 'b', 'c', 'd'], ['b', 'c', 'z']]\n"""
    )


async def test_documents_have_names(run_cells):
    """None for one without."""
    documents = [("report.txt", "a"), (None, "b"), ("é/😀\n.txt", "c")]
    assert (await run_cells("context.names, context", documents=documents)).head == (
        "(['report.txt', None, 'é/😀\\n.txt'], ['a', 'b', 'c'])\n"
    )


async def test_documents_without_names_have_none(run_cells):
    """So that names and documents can be gone through together."""
    assert (await run_cells("list(zip(context.names, context))", documents=["a", "b"])).head == "[(None, 'a'), (None, 'b')]\n"


async def test_documents_are_read_together(counting):
    """A million would cost a million calls."""
    notebook, seen = counting("documents", ("ab",) * 10_000)
    assert (await notebook.run_cell(1, "len(context), context[9999], set(context)")).head == "(10000, 'ab', {'ab'})\n"
    assert len(seen) == 2
