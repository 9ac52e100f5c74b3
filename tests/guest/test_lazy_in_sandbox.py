"""A context above context_inline_limit, in the real sandbox; every method is in test_lazy_text.py and its neighbours."""

import json
import uuid

import pytest
from notebooks import Notebook, as_sent

from orchestrator.config import SandboxSettings
from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.sandbox.engine import Engine


@pytest.fixture(scope="module")
def lazy_engine():
    """Every text is too large to be held whole, in the memory that a guest needs at least."""
    engine = Engine(SandboxSettings(context_inline_limit=10, memory_bytes=64 << 20, output_chars=10_000))
    yield engine
    engine.close()


TEXT = "abc\r\nbabé abab\n\n😀 e\u0301nd\0, Ada 12\x85z"
# In the guest every text is cut into small pieces, and a long one is what has more than eight characters.
SMALL = "from rlm_guest.lazy import sizes\nsizes.PIECE, sizes.AHEAD, sizes.STR, sizes.NEAR = 3, 2, 8, 5\n"

EXPRESSIONS = [
    "len(context), bool(context), hash(context) == hash(whole), context == whole, whole == context, context < whole + 'a'",
    "context[3:8], context[-5:], context[5:2], context[::2], context[::-3], context[0], context[-1], context[True]",
    "context.find('ab'), context.rfind('ab'), context.index('é'), context.count('ab'), 'zz' in context, 'nd' in context",
    "context.startswith('abc'), context.endswith(('y', 'z')), context.isascii(), context.isprintable(), context.upper()",
    "list(context), ''.join(reversed(context)), sorted(set(context)), max(context)",
    "list(context.split()), list(context.split('\\n')), context.split(None, 2), context.rsplit('\\n', 1)",
    "list(context.splitlines()), list(context.splitlines(True)), context.partition('\\n'), context.strip('a').lower()",
    "context.replace('a', 'b'), context + '!', '!' + context, f'{context}', '%s' % context, context.encode()",
    "re.search('b(.)b', context).span(1), [m.group() for m in re.finditer(r'\\w+', context)], re.findall('(?i)AB', context)",
    "re.compile(r'\\d+').search(context).group(), list(re.split(r'\\s+', context)), re.sub('a', '-', context)",
    "re.match('abc', context).end(), re.fullmatch('(?s).*', context) is not None, re.search(r'(?m)^\\S+\\s*$', context)[0]",
    "list(chunk_text(context, 10, 2)), list(chunk_by_tokens(context, 1, 0)), smart_truncate(context, 12), smart_truncate(context)",
    "regex_search('a.', context, return_positions=True), keyword_filter(context, ['ADA'], 2)",
    "list(find_sections(context, 'b.*')), find_sections(context, '[a-z]+', include_content=False)",
    "recursive_split(context, lambda text: len(text) < 9, lambda text: [text[:9], text[9:]])",
    "modules.regex.count('a'), modules.text.describe(text=context)['lines'], modules.regex.count('a', text=context[:9])",
    "count_frequencies(context, 2), aggregate_results([context])",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
async def test_a_lazy_text_answers_like_a_str(new_notebook, lazy_engine, expression):
    """What an expression gives for the one, it gives for the other; what is lazy in it is written out."""
    cell = (
        f"import re\nwhole = ''.join(context.pieces())\n{SMALL}"
        "def plain(value):\n"
        "    from rlm_guest.answers import AsList, LazyText\n"
        "    if isinstance(value, LazyText): return str(value)\n"
        "    if isinstance(value, (list, AsList)): return [plain(each) for each in value]\n"
        "    return tuple(map(plain, value)) if isinstance(value, tuple) else value\n"
        f"lazy = plain(({expression},))\nkept, context = context, whole\nwith_str = plain(({expression},))\ncontext = kept\n"
        "lazy == with_str, lazy, with_str"
    )
    outcome = await new_notebook(text=TEXT, engine=lazy_engine).run_cell(1, cell)
    assert (outcome.error, outcome.head[:5]) == (None, "(True"), outcome.head


@pytest.mark.parametrize(
    "expression",
    [
        "len(context), context[1], context[-1], [each for each in context], list(reversed(context)), context[1:], context[::-1]",
        "'b' in context, context.index('b'), context.count('b'), context == whole, sorted(context), '-'.join(context)",
        "context + ['x'], list(enumerate(context)), list(zip(context, context)), [len(each) for each in context]",
        "list(chunk_text(context, 3, 1)), list(chunk_by_tokens(context, 1, 0)), smart_truncate(context, 9)",
        "regex_search('.b', context), keyword_filter(context, 'B', 1), list(find_sections(context, 'b'))",
        "regex_search('b', context, return_positions=True), recursive_split(context, lambda text: True, None)",
        "modules.regex.count('b'), modules.text.words(3)",
    ],
)
async def test_lazy_documents_answer_like_a_list(new_notebook, lazy_engine, expression):
    """Helpers look at each by itself, and say which one something is in."""
    cell = (
        f"whole = list(context)\nlazy = ({expression},)\ncontext, kept = whole, context\nwith_list = ({expression},)\n"
        "context = kept\nlazy == with_list, lazy, with_list"
    )
    outcome = await new_notebook(documents=["ab\r\nb", "", "b", "é😀 b b"], engine=lazy_engine).run_cell(1, cell)
    assert (outcome.error, outcome.head[:5]) == (None, "(True"), outcome.head


async def test_lazy_documents_have_names(new_notebook, lazy_engine):
    """As those that are a list."""
    notebook = new_notebook(documents=[("a.txt", "long enough"), (None, "b")], engine=lazy_engine)
    assert (
        await notebook.run_cell(1, "list(context.names), type(context).__name__")
    ).head == "(['a.txt', None], 'Documents')\n"


@pytest.mark.parametrize("lazy", [True, False])
async def test_chunks_of_documents_are_texts(new_notebook, lazy_engine, engine, lazy):
    """Of each document, in order; none spans two."""
    notebook = new_notebook(documents=["abcdefghijkl", "mn"], engine=lazy_engine if lazy else engine)
    outcome = await notebook.run_cell(1, "list(chunk_text(context, 5, 0)), list(chunk_by_tokens(context, 2, 0))")
    assert outcome.head == "(['abcde', 'fghij', 'kl', 'mn'], ['abcdefgh', 'ijkl', 'mn'])\n"


async def test_documents_that_a_cell_changed_are_not_taken_for_what_was_sent(new_notebook):
    """Commands work on what the cells see; a module says that it cannot."""
    notebook = new_notebook(documents=["one", "two"])
    changed = await notebook.run_cell(1, "context.append('three')\nmodules.regex.count('t', text=context)")
    found = await notebook.run_commands(2, as_sent({"op": "find", "text": "T"}, {"op": "lines"}))
    as_it_was = await notebook.run_cell(3, "_ = context.pop()\nmodules.regex.count('t', text=context)")
    assert changed.error.splitlines()[-1] == (
        "ValueError: context was changed by a cell: without text= the module works on it as it was sent"
    )
    assert found.head == (
        "command 1 (find):\n2 lines hold 'T' (numbers from 0):\ndocument 1, L0: two\ndocument 2, L0: three\n"
        "command 2 (lines):\n[Items 0 to 3 of 3]\n[0] one\n[1] two\n[2] three\n"
    )
    assert as_it_was.head == "1\n"


async def test_commands_see_a_json_context_as_the_cells_do(engine):
    """Also what they changed in it."""
    contexts = ContextStore()
    notebook = Notebook(engine, contexts.add_json("json", {"name": "Ada"}))
    await notebook.run_cell(1, "context['name'] = 'Bob'")
    assert (await notebook.run_commands(2, as_sent({"op": "regex", "pattern": "ada|bob"}))).head == (
        '1 lines match \'ada|bob\' (numbers from 0):\nL0: {"name": "Bob"}\n'
    )


COMMANDS = [
    {"op": "slice", "start": 2, "end": 12},
    {"op": "slice", "start": -4},
    {"op": "lines", "start": 0, "end": 2},
    {"op": "lines", "start": -1},
    {"op": "lines", "start": 9},
    {"op": "find", "text": "AB"},
    {"op": "find", "text": "abab babé"},
    {"op": "find", "text": "nowhere"},
    {"op": "regex", "pattern": "^b"},
    {"op": "count", "what": "lines"},
    {"op": "count", "what": "words"},
    {"op": "count", "what": "chars"},
    {"op": "len"},
    {"op": "split", "delimiter": "\n"},
    {"op": "index_terms", "pattern": "b.", "min_count": 1, "include_lines": True},
    {"op": "get", "name": "context"},
    {"op": "print", "value": "<${context}>"},
    {"op": "wasm", "module": "regex", "function": "count", "args": {"pattern": "b"}},
]


@pytest.mark.parametrize("command", COMMANDS, ids=json.dumps)
async def test_a_command_prints_the_same_over_a_lazy_text(new_notebook, engine, lazy_engine, command):
    """CRLF stays CRLF; lines have the same numbers."""
    lazy = await new_notebook(text=TEXT, engine=lazy_engine).run_commands(1, as_sent(command))
    held = await new_notebook(text=TEXT).run_commands(1, as_sent(command))
    assert (lazy.head, lazy.error) == (held.head, None)


@pytest.mark.parametrize("command", COMMANDS, ids=json.dumps)
async def test_a_command_prints_the_same_over_lazy_documents(new_notebook, engine, lazy_engine, command):
    """Joined by line ends."""
    documents = ["abc\r\n", "babé abab", "", "😀"]
    lazy = await new_notebook(documents=documents, engine=lazy_engine).run_commands(1, as_sent(command))
    held = await new_notebook(documents=documents).run_commands(1, as_sent(command))
    assert (lazy.head, lazy.error) == (held.head, None)


async def test_a_lazy_result_is_worked_on_like_the_context(new_notebook, lazy_engine):
    """A part of the context goes to modules as that part; what is printed of it is its beginning."""
    commands = [
        {"op": "slice", "start": 10, "store": "rest"},
        {"op": "find", "text": "needle", "on": "rest"},
        {"op": "count", "what": "lines", "on": "rest"},
        {"op": "split", "delimiter": "needle", "on": "rest", "store": "parts"},
        {"op": "len", "on": "parts"},
    ]
    text = "x" * 40 + "\nneedle\n" + "yyy\n" * 5_000_000
    notebook = new_notebook(text=text, engine=lazy_engine)
    outcome = await notebook.run_commands(1, as_sent(*commands))
    assert outcome.error is None
    assert outcome.head.splitlines()[7:17] == [
        "command 2 (find):", "1 lines hold 'needle' (numbers from 0):", "L1: needle", "command 3 (count):", "5000002",
        "command 4 (split):", "Split into 2 parts", "parts: a list of 2 items", f"[0] {'x' * 30}", "",
    ]  # fmt: skip
    assert outcome.head.endswith("yyy [... 19999801 more characters]\ncommand 5 (len):\n2\n")
    assert next(json.loads(bytes(call.result)) for call in notebook.calls if call.name == "module") == [
        {"line": 2, "text": "needle"}
    ]


async def test_commands_work_on_a_variable_of_any_size(new_notebook, new_engine):
    """A module is given as many whole lines at once as it takes; the numbers go on."""
    notebook = new_notebook(text="", engine=new_engine(SandboxSettings()))
    await notebook.run_cell(1, "large = ('a line of text\\n' * 999 + 'Needle in it\\n') * 2000")
    outcome = await notebook.run_commands(
        2,
        as_sent({"op": "find", "text": "it needle", "on": "large", "store": "x"}, {"op": "count", "what": "lines", "on": "x"}),
    )
    assert outcome.head.splitlines()[:4] == [
        "command 1 (find):",
        "2000 lines hold all of it, needle (numbers from 0), stored in x:",
        "L999: Needle in it",
        "L1999: Needle in it",
    ]
    assert outcome.head.splitlines()[-1] == "2000"


LINE = "2024-05-01 12:00:00 INFO user=bjørn did something ordinary here\r\n"
LINES = 40_000_000  # in all 2,600,000,000 characters: more than len() can say in the guest


class Repeated(Context):
    """A line over and over, and another behind it: made when it is read."""

    _BYTES = LINE.encode()
    _MANY = _BYTES * 10_000
    _END = b"the needle"
    kind, count = "text", 1

    def __init__(self):
        self.id = uuid.uuid4().hex

    @property
    def length(self):
        return LINES * len(LINE) + len(self._END)

    @property
    def guest_bytes(self):
        return self.length

    @property
    def byte_length(self):
        return LINES * len(self._BYTES) + len(self._END)

    def byte_of(self, position):
        lines, within = divmod(position, len(LINE))
        return lines * len(self._BYTES) + len(LINE[:within].encode())

    def read_all(self, start, length):
        stop = min(start + length, self.length)
        first, last = start // len(LINE), -(-stop // len(LINE))
        text = LINE * (min(last, LINES) - first) + (self._END.decode() if last > LINES else "")
        return text[start - first * len(LINE) : stop - first * len(LINE)]

    def read_bytes(self, start, length):
        whole = LINES * len(self._BYTES)
        if start >= whole:
            return self._END[start - whole :][:length]
        return self._MANY[start % len(self._BYTES) :][: min(length, whole - start)]

    def read_into(self, room, start):
        found = self.read_bytes(start, len(room))
        room[: len(found)] = found
        return len(found)


@pytest.fixture
async def large(lazy_engine):
    """A run over a text of 2.6 GB, in 64 MiB."""
    return Notebook(lazy_engine, Repeated())


@pytest.mark.parametrize(
    ("expression", "output"),
    [
        ("len(context), bool(context), context.length", f"({LINES * len(LINE) + 10}, True, {LINES * len(LINE) + 10})\n"),
        ("context[-10:], context[2_000_000_000:2_000_000_020], context[2_499_999_999]", None),
        ("'the needle' in context, 'no needle' in context", "(True, False)\n"),
        ("context.find('needle'), context.rfind('needle'), context.endswith('needle')", None),
        ("context.count('user=bjørn')", f"{LINES}\n"),
        ("re.search('needle$', context).span() if re.search(r'(?m)needle$', context) else None", None),
        ("[m.start() for m in re.finditer(r'the \\w+', context)]", None),
        ("context.strip()[-6:]", "'needle'\n"),
        ("next(iter(context)), next(iter(context.lines())), context.splitlines()[1][:4], context.split(None, 1)[0]", None),
        ("sum(1 for line in context[:20_000_000].splitlines() if 'INFO' in line)", None),
        ("type(context[:2_000_000_000]).__name__, len(context[:2_000_000_000])", "('LazyText', 2000000000)\n"),
    ],
)
async def test_gigabytes_are_answered_about_in_64_mib(large, expression, output):
    """Without holding them; what modules can say of them takes seconds."""
    outcome = await large.run_cell(1, f"import re\n{expression}")
    length, end = len(LINE), LINES * len(LINE)
    expected = {
        "context[-10:]": ("the needle", (LINE * 2)[2_000_000_000 % length :][:20], LINE[2_499_999_999 % length]),
        "context.find(": (end + 4, end + 4, True),
        "re.search('ne": (end + 4, end + 10),
        "[m.start() fo": [end],
        "next(iter(con": ("2", LINE[:-2], LINE[:4], "2024-05-01"),
        "sum(1 for lin": sum("INFO" in line for line in (LINE * 400_000)[:20_000_000].splitlines()),
    }
    assert (outcome.error, outcome.head) == (None, output or f"{expected[expression[:13]]}\n")
