"""`context` in a cell: exact, and loaded only when it is used."""

import importlib
import sys
import types
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notebooks import Notebook

from orchestrator.config import SandboxSettings
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.sandbox.engine import Engine

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


async def test_documents_are_shown_by_their_size(run_cells):
    """The repr of many documents is short."""
    assert (await run_cells("context", documents=["a", "bc"])).head == "<context: 2 documents, 3 code points>\n"


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
    """counting(kind, parts): a notebook, and the list of documents that it reads."""

    def new(kind, parts):
        reads = []

        class Counting(Context):
            def read(self, document, start, length):
                reads.append(document)
                return super().read(document, start, length)

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


async def test_documents_are_read_one_by_one(counting):
    """A document that is not asked for is not read, and one that was read is kept."""
    notebook, seen = counting("documents", ("a", "b", "c"))
    await notebook.run_cell(1, "len(context), context[1], context[1], context[-1]")
    assert seen == [1, 2]


@pytest.fixture(scope="module")
def lazy_engine():
    """Every text is too large to be held whole."""
    engine = Engine(SandboxSettings(context_inline_limit=10, output_chars=10_000))
    yield engine
    engine.close()


TEXT = "abc\r\nabé abab\n\n😀 end"


@pytest.mark.parametrize(
    "expression",
    [
        "len(context)",
        "context[3:8], context[-5:], context[:], context[5:2], context[100:], context[:-100]",
        "context[::2], context[::-1], context[10:2:-3], context[2:10:-1], context[-1::-4], context[:3:-1]",
        "context[0], context[-1], context[5], context[True]",
        "context.find('ab'), context.find('ab', 1), context.find('ab', 6, 8), context.find('zz'), context.find('')",
        "context.find('ab', -8), context.find('ab', None, -8), context.find('', 20), context.find('', 21)",
        "context.count('ab'), context.count('aba'), context.count('zz'), context.count(''), context.count('b', 3, -4)",
        "'é' in context, 'zz' in context, '' in context",
        "chunk_text(context, 10, 2)",
    ],
)
async def test_a_lazy_text_answers_like_a_str(new_notebook, lazy_engine, expression):
    """Above context_inline_limit `context` gives what a str would."""
    notebook = new_notebook(text=TEXT, engine=lazy_engine)
    outcome = await notebook.run_cell(1, expression)
    whole = await notebook.run_cell(2, expression.replace("context", f"({TEXT!r})"))
    assert (outcome.head, outcome.error) == (whole.head, None)


@pytest.mark.parametrize(
    ("expression", "output"),
    [
        ("list(context.lines())", "['abc', 'abé abab', '', '😀 end']\n"),
        ("[line for line in context]", "['abc', 'abé abab', '', '😀 end']\n"),
        (
            "context",
            "<context: 20 code points, too large to hold whole; use slices, find, count, in, lines()>\n",
        ),
    ],
)
async def test_a_lazy_text_has_lines(new_notebook, lazy_engine, expression, output):
    """Iteration gives lines without their ends, and the repr says what there is."""
    assert (await new_notebook(text=TEXT, engine=lazy_engine).run_cell(1, expression)).head == output


@pytest.mark.parametrize(
    ("expression", "last_line"),
    [
        ("context[20]", "IndexError: string index out of range"),
        ("context[-21]", "IndexError: string index out of range"),
        ("context[2.0]", "TypeError: 'float' object cannot be interpreted as an integer"),
        ("context['a']", "TypeError: 'str' object cannot be interpreted as an integer"),
        ("context[::0]", "ValueError: slice step cannot be zero"),
        ("context.split()", "AttributeError: 'LazyText' object has no attribute 'split'"),
    ],
)
async def test_a_wrong_use_of_a_lazy_text_is_an_exception(new_notebook, lazy_engine, expression, last_line):
    """The cell goes on living: nothing of the wrong type reaches the host."""
    outcome = await new_notebook(text=TEXT, engine=lazy_engine).run_cell(1, expression)
    assert outcome.error.splitlines()[-1] == last_line


async def test_a_lazy_text_works_across_its_pieces(new_notebook, lazy_engine):
    """A match that spans two reads is found, and counted once."""
    piece = 8 << 20
    text = "x" * (piece - 2) + "needle" + "x" * piece + "needle"
    outcome = await new_notebook(text=text, engine=lazy_engine).run_cell(
        1, "context.find('needle'), context.count('needle'), context.count('xx')"
    )
    assert outcome.head == f"{(text.find('needle'), 2, text.count('xx'))}\n"


@pytest.fixture(scope="module")
def guest_context():
    """rlm_guest.context outside the guest, where the modules of the component do not exist."""
    names = ["wit_world", "componentize_py_types", "rlm_guest.host", "rlm_guest.context"]
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setitem(sys.modules, name, types.ModuleType(name))
        sys.modules["componentize_py_types"].Err = type("Err", (Exception,), {})
        del sys.modules["rlm_guest.host"], sys.modules["rlm_guest.context"]
        yield importlib.import_module("rlm_guest.context")


@pytest.fixture
def lazy(guest_context, monkeypatch):
    """lazy(text): a LazyText over it that reads three code points at a time; lazy.reads has each (start, length)."""

    def new(text):
        new.reads = []

        def read(document, start, length):
            new.reads.append((start, length))
            return text[start : start + length]

        monkeypatch.setattr(guest_context, "host", types.SimpleNamespace(read=read))
        return guest_context.LazyText(len(text))

    monkeypatch.setattr(guest_context, "PIECE", 3)
    return new


SMALL = st.text(alphabet="ab\r\n😀", max_size=20)
NEEDLES = st.text(alphabet="ab\n", max_size=5)
BOUNDS = st.one_of(st.none(), st.integers(-25, 25))


@pytest.fixture
def check(lazy):
    """check(expression, *strategies): of a LazyText and of its str it is the same, for all drawn arguments."""

    def run(expression, *strategies):
        @given(SMALL, st.tuples(*strategies))
        def same(text, arguments):
            assert expression(lazy(text), *arguments) == expression(text, *arguments)

        same()

    return run


def test_any_slice_is_that_of_a_str(check):
    """Start, stop and step may be anything that a str takes."""
    steps = st.one_of(st.none(), st.integers(-4, -1), st.integers(1, 4))
    check(lambda text, start, stop, step: text[start:stop:step], BOUNDS, BOUNDS, steps)


def test_any_find_is_that_of_a_str(check):
    """Needles that span pieces, empty ones and bounds beyond the text included."""
    check(lambda text, needle, start, stop: text.find(needle, start, stop), NEEDLES, BOUNDS, BOUNDS)


def test_any_count_is_that_of_a_str(check):
    """Needles that overlap themselves or span pieces, empty ones and bounds included."""
    check(lambda text, needle, start, stop: text.count(needle, start, stop), NEEDLES, BOUNDS, BOUNDS)


def test_any_containment_is_that_of_a_str(check):
    """`in` finds needles of any length."""
    check(lambda text, needle: needle in text, NEEDLES)


def test_any_lines_are_those_of_the_text(check):
    """\\n and \\r\\n end a line, a lone \\r does not, and a last empty line does not count."""

    def lines(text):
        if not isinstance(text, str):
            return list(text.lines())
        pieces = text.split("\n")
        return [piece.removesuffix("\r") for piece in pieces[:-1]] + [piece for piece in pieces[-1:] if piece]

    check(lines)


def test_a_slice_reads_its_own_range(lazy):
    """A slice with a step reads no more of a huge text than from its first to its last position."""
    assert lazy("abcdefghij")[7:3:-2] == "hf"
    assert lazy.reads == [(4, 3), (7, 1)]


def test_find_reads_up_to_its_end(lazy):
    """What is behind `end` is not read."""
    assert lazy("abcdefghij").find("x", 2, 5) == -1
    assert lazy.reads == [(2, 3)]


def test_documents_are_kept_up_to_a_limit(guest_context, monkeypatch):
    """Documents read longest ago are let go first, and a document above the limit is read all the same."""
    reads, parts = [], ["aa", "bb", "cc", "dddddddd"]
    host = types.SimpleNamespace(read=lambda document, start, length: reads.append(document) or parts[document])
    monkeypatch.setattr(guest_context, "host", host)
    monkeypatch.setattr(guest_context.Documents, "KEPT", 4)
    documents = guest_context.Documents([2, 2, 2, 8])
    assert [documents[index] for index in (0, 1, 1, 2, 1, 0, 3, 3)] == [
        "aa", "bb", "bb", "cc", "bb", "aa", "dddddddd", "dddddddd",
    ]  # fmt: skip
    assert reads == [0, 1, 2, 0, 3]
