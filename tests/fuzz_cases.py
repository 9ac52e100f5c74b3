"""What the fuzzer throws: valid texts of every kind, and what becomes of them. Everything is drawn from the given Random."""

import json

from orchestrator.contexts.store import ContextStore

HELD = ContextStore(max_bytes=100 << 20)

# Code points that parsers trip over: NUL, BOM, line ends, combining, bidirectional, astral, the last one.
POOL = [
    *"\0\ufeff\n\r\t \"\\,;|'{}[]()<>.*+?^$:-_aAzZ019é\u0301ß\u2028\u202e\u200d漢😀\U0010ffff\u0085İ\u017f!",
    "\r\n",
    "\n\n",
    "null",
    "e",
]
ATOMS = [
    "",
    "a",
    "b",
    "name",
    "user.address.city",
    "items[*].price",
    "price",
    "[0]",
    "null",
    "-1",
    "1e999",
    "0x10",
    "(",
    ")",
    "{1000}",
    "a" * 300,
]
JSON_TEXTS = [
    "[]",
    "{}",
    '{"a": {"b": [1, 2, {"c": null}]}}',
    '"\\ud800"',
    "1e400",
    "[[[[[[[[]]]]]]]]",
    '{"a": 1, "a": 2}',
    "-0.0",
    "tru",
]
CONTEXTS = [
    "",
    'name,price,b\nann,1,x\nbob,2.5,\n"c,""d",-3,\'y\'\n',
    "a;b\r\n1;2\r\n3;4;5\r\n\r\n",
    'name\tb\n"open\tfield\n',
    '{"name": "ann", "price": 1, "a": {"b": [1, "x", null]}}\n{"name": "bob", "price": "2"}\n{broken\n',
    '[{"items": [{"price": 1e3}, {"price": -0.5}], "a": true}, {"items": []}, 7]',
    '{"a.b": [[1, 2], [3]], "user": {"address": {"city": "Ürümqi"}}}',
    "[" * 200 + "]" * 200,
    "2026-01-01T00:00:00Z ERROR user=ann took 12ms\n2026-01-01T00:00:01Z INFO user=bob took 7.5ms\nat Foo.bar(Foo.java:3)\n",
    "Ada Lovelace met Charles Babbage in LONDON. The Analytical Engine weighed 1,000.5 kg; ﬁne ǅ naïve 漢字 ١٢٣.\n",
    "a" * 3000,
    "\ufeffname,name\n,,,,\n\0\n",
    "Sales 2026\n\nname,price,b\nann,1,x\nbob,1,000,y\n",
]
PATTERNS = [
    "a", ".", r"\w+", r"user=(\w+)", r"\b[A-Z][a-z]+\b", r"(\d+(?:\.\d+)?)ms", "^.*$", "(?i)error|info", "(a|aa)+$", "(a*)*", "()", "|", "a{1000}",
    "(a{1000}){1000}", "((a{100}){100}){100}", r"\p{L}{50}", "(?s).*", r"[^\n]*\n", r"(?P<n>x)?", "(?=a)", r"(a)\1", "(?<!a)b", r"\pN+", "[[:alpha:]&&[^a]]",
    r"\B", r"(?m)^\s*$", "(?x) a # b", r"\x{10FFFF}", "(((((((((())))))))))", "(?:" * 250 + ")" * 250, "|".join(f"w{n}" for n in range(300)), r"\bé\b|\B漢",
    "[", "(", "*", "a**", "a{2}{3}", "(?>a)", r"\Z", "(?u-s:.)", r"\u{61}", "[z-a]", "(?P<1>a)", "a{99999999999}",
]  # fmt: skip

_FLAGS = ("ignore_case", "multi_line")
_FORM = ("delimiter", "header", "skip")
_TABLE = ("columns", "where", "order_by", "descending", "limit")
_GROUPS = ("by", "values", "where", "order_by", "descending", "limit", "together")
FUNCTIONS = {
    "regex.count": ("pattern", *_FLAGS),
    "regex.find": ("pattern", "limit", *_FLAGS),
    "regex.lines": ("pattern", "limit", "ignore_case"),
    "regex.top": ("pattern", "group", "k", *_FLAGS),
    "regex.extract": ("pattern", "limit", *_FLAGS),
    "regex.count_many": ("patterns", *_FLAGS),
    "csv.describe": _FORM,
    "csv.select": (*_TABLE, *_FORM),
    "csv.aggregate": (*_GROUPS, *_FORM),
    "json.describe": (),
    "json.get": ("path",),
    "json.select": _TABLE,
    "json.aggregate": _GROUPS,
    "text.describe": (),
    "text.words": ("k",),
    "text.terms": ("pattern", "min_count", "max_terms", "lines"),
    "text.numbers": ("pattern",),
    "text.histogram": ("pattern", "bins"),
    "regex.no_such": ("pattern",),
    "nothing.run": (),
}

# A module of the ABI; {run} is the body of its function, $A and $B are any 32 bits, $C any 64.
MODULE = """(module
  (import "rlm" "context_len" (func $len (result i64)))
  (import "rlm" "context_read" (func $read (param i64 i32 i32) (result i32)))
  (import "rlm" "llm_query" (func $ask (param i32 i32) (result i64)))
  (import "rlm" "emit" (func $emit (param i32 i32)))
  (memory (export "memory") {memory})
  (data (i32.const 0) "[1, {{\\22a\\22: null}}]") (data (i32.const 100) "[\\22prompt?\\22, \\22!\\22]") {fields}
  (func (export "rlm_abi_version") (result i32) {version})
  (func (export "alloc") (param i32) (result i32) {alloc})
  (func $run (export "run") (param i32 i32) (result i32) (local i64 f64 v128) {run}))"""


def abi(run, fields="", memory="2", version="(i32.const 1)", alloc="(i32.const 4096)"):
    """The text of a module."""
    return MODULE.format(run=run, fields=fields, memory=memory, version=version, alloc=alloc)


OK = "(call $emit (i32.const 0) (i32.const 16)) (i32.const 0)"
# What a body is made of: calls with any numbers, and what uses up fuel, stack or memory.
STEPS = [
    "(call $emit (i32.const $A) (i32.const $B))",
    "(call $emit (i32.const 0) (i32.const $B))",
    "(call $emit (i32.const 0) (i32.const 1))",
    "(drop (call $read (i64.const $C) (i32.const $A) (i32.const $B)))",
    "(drop (call $read (i64.const 0) (i32.const $A) (i32.const 5000)))",
    "(drop (call $read (i64.const $C) (i32.const 10) (i32.const 5000)))",
    "(drop (call $ask (i32.const $A) (i32.const $B)))",
    "(drop (call $ask (i32.const 100) (i32.const 11)))",
    "(drop (call $ask (i32.const 100) (i32.const 16)))",
    "(local.set 2 (call $len))",
    "(drop (memory.grow (i32.const $A)))",
    "(drop (memory.grow (i32.const 900)))",
    "(loop (br_if 0 (i32.ne (memory.grow (i32.const 10)) (i32.const -1))))",
    "(loop (br 0))",
    "(loop (call $emit (i32.const 0) (i32.const 60000)) (br 0))",
    "(drop (call $run (local.get 0) (local.get 1)))",
    "(i64.store (i32.const $A) (i64.const $C))",
    "(memory.fill (i32.const $A) (i32.const 1) (i32.const $B))",
    "(memory.copy (i32.const $A) (i32.const $B) (i32.const 70000))",
    "(drop (i32.div_s (i32.const $A) (i32.const $B)))",
    "(drop (i32.trunc_f64_s (f64.div (local.get 3) (f64.const 0))))",
    "(local.set 4 (i8x16.swizzle (local.get 4) (v128.const i64x2 $A $B)))",
    "(block (block (block (br_table 0 1 2 1 0 (local.get 0)))))",
    "(if (local.get 1) (then (return (i32.const $A))))",
    "(unreachable)",
]
WATS = [
    abi(OK),
    abi("(i32.const 0)"),
    abi("(i32.const $A)"),
    abi(OK, memory="1024 1024"),
    abi(OK, memory="$A"),
    abi(OK, memory="1 65536"),
    abi(OK, fields="(table 100000 funcref)"),
    abi(OK, fields="(table $A funcref)"),
    abi(OK, fields="(table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref)"),
    abi(OK, fields='(data (i32.const $A) "x")'),
    abi(OK, fields="(table 1 funcref) (elem (i32.const $A) func $run)"),
    abi(OK, fields="(func $start (loop (br 0))) (start $start)"),
    abi(OK, fields="(func $start (drop (call $ask (i32.const $A) (i32.const $B)))) (start $start)"),
    abi(OK, fields="(memory 1)"),
    abi(OK, fields="(global (mut i64) (i64.const $C))"),
    abi(OK, fields="(tag $e)"),
    abi(OK, fields="(type (struct (field i32)))"),
    abi(OK, memory="1 1 shared"),
    abi(OK, memory="i64 1"),
    abi(OK, version="(i32.const $A)"),
    abi(OK, version="(unreachable)"),
    abi(OK, version="(loop (br 0)) (i32.const 1)"),
    abi(OK, alloc="(i32.const $A)"),
    abi(OK, alloc="(memory.size)"),
    abi(OK, alloc="(call $emit (i32.const 0) (i32.const 16)) (i32.const 0)"),
    abi("(drop (call $ask (i32.const 100) (i32.const 16))) " + OK, alloc="(i32.const $A)"),
    abi("(drop (call $ask (i32.const 100) (i32.const 16))) " + OK, alloc="(drop (call $ask (i32.const 100) (i32.const 16))) (i32.const 0)"),
    abi(OK).replace("(param i64 i32 i32)", "(param i32 i32 i32)"),
    abi(OK).replace('"rlm" "emit"', '"wasi_snapshot_preview1" "fd_write"'),
    abi(OK).replace('(export "run")', ""),
    abi(OK).replace('(export "memory")', ""),
    abi(OK).replace('(memory (export "memory") 2)', '(memory 2) (global (export "memory") i32 (i32.const 0))'),
    abi(OK).replace("(module", "(component", 1),
    abi("(block " * 900 + ")" * 900 + OK),
    abi("(block (br_table " + "0 " * 3000 + "(local.get 0)))" + OK),
    abi(OK, fields="(func (local " + "i64 " * 5000 + "))"),
    abi(OK, fields=f"(type $m (func (param {'i64 ' * 50}) (result {'i64 ' * 50}))) (func (type $m) {'(loop (type $m) ' * 9 + ')' * 9} unreachable)"),
    abi(
        "(drop (call $ask (i32.const 300) (i32.const 5))) " + OK,
        fields='(data (i32.const 300) "[\\22a\\22]")',
        alloc="(if (i32.eq (local.get 0) (i32.const 14)) (then (unreachable))) (i32.const 0)",
    ),
    "(module)",
    "(component)",
    "(module (func (export \"run\") (result i32) (call 0)))",
    "(module binary \"\\00asm\\01\\00\\00\\00\")",
    "(module quote \"(func)\")",
    "(((((",
]  # fmt: skip


def body(rng):
    """Of a module's function: some steps, then a status."""
    return "\n".join([*rng.choices(STEPS, k=rng.randrange(6)), OK])


def text(rng, most=60):
    """Code points of every kind, as a `str` of the host may have them."""
    return "".join(rng.choice(POOL) if rng.random() < 0.7 else chr(code(rng)) for _ in range(rng.randrange(most)))


def code(rng):
    found = rng.randrange(0x110000 - 0x800)
    return found if found < 0xD800 else found + 0x800  # no surrogates: nothing brings them here


def mutated(rng, given, times=None):
    """Pieces of it cut, doubled, moved, replaced."""
    for _ in range(rng.choice((0, 1, 1, 2, 3, 8)) if times is None else times):
        start = rng.randrange(len(given) + 1)
        stop = min(len(given), start + rng.choice((0, 1, 1, 2, 5, 20)))
        piece = given[start:stop]
        piece = rng.choice(("", piece * 2, piece[::-1], text(rng, 4), rng.choice(ATOMS), str(number(rng)), given[:stop][-30:]))
        given = given[:start] + piece + given[stop:]
    return given


def number(rng):
    """Around what words of a machine can hold."""
    power = 2 ** rng.choice((0, 1, 7, 8, 16, 24, 31, 32, 33, 53, 63, 64, 65, 1000))
    return rng.choice((0, 1, 2, 3, 10, power, power - 1, -power, -1, power + 1))


def value(rng, depth=3):
    """Any JSON value."""
    kinds = [
        None,
        True,
        False,
        number(rng),
        rng.random() * 10 ** rng.randrange(-300, 300),
        text(rng, 8),
        rng.choice(JSON_TEXTS),
    ]
    if depth and rng.random() < 0.5:
        size = rng.randrange(4)
        kinds += [[value(rng, depth - 1) for _ in range(size)], {text(rng, 5): value(rng, depth - 1) for _ in range(size)}] * 2
    return rng.choice(kinds)


def pattern(rng):
    """A regular expression, valid as often as not."""
    found = rng.choice(PATTERNS)
    if rng.random() < 0.5:
        return found
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        other = rng.choice(PATTERNS)
        times = rng.choice((2, 50, 1000))
        forms = (
            f"({found}){{{times}}}",
            f"{found}|{other}",
            f"(?:{found})*",
            f"{found}{other}",
            f"[{found}]",
            f"\\b{found}\\b",
        )
        found = rng.choice(forms)
    return mutated(rng, found[:5000])


def arguments(rng, function):
    """What the function takes, with values that it does not expect now and then."""
    names = ("a", "b", "name", "price", "items[*].price", *ATOMS[:5])
    measures = ("count", "sum", "min", "max", "mean", "distinct", "p50", "p99.9", "p-1")
    makers = {
        "pattern": lambda: pattern(rng),
        "patterns": lambda: [pattern(rng) for _ in range(rng.randrange(4))],
        "columns": lambda: [rng.choice(names) for _ in range(rng.randrange(4))],
        "by": lambda: [rng.choice(names) for _ in range(rng.randrange(3))],
        "values": lambda: {text(rng, 4): [rng.choice(measures), rng.choice(names)] for _ in range(rng.randrange(3))},
        "where": lambda: [[rng.choice(names), rng.choice(("==", "!=", "<", ">=", "contains", "in")), value(rng, 1)]],
        "path": lambda: mutated(rng, rng.choice(("a.b", "items[*].price", '["a.b"][0]', "[*][*]", "[1]"))),
        "delimiter": lambda: rng.choice((",", ";", "\t", text(rng, 3))),
        "order_by": lambda: rng.choice(names),
        "group": lambda: rng.choice((0, 1, 1, 1, 2, abs(number(rng)))),
        **dict.fromkeys(("ignore_case", "multi_line", "descending", "header", "lines", "together"), lambda: rng.random() < 0.5),
    }
    given = {
        name: makers[name]() if name in makers else rng.choice((0, 1, 3, 100, abs(number(rng)))) for name in FUNCTIONS[function]
    }
    optional = {*_TABLE, *_GROUPS, *_FORM} - {"descending", "together"}
    given = {name: each for name, each in given.items() if name not in optional or rng.random() < 0.6}
    if rng.random() < 0.15:
        given[rng.choice([*given, text(rng, 5)])] = value(rng)
    return given


def context(rng):
    """One text, or documents."""
    parts = [mutated(rng, rng.choice(CONTEXTS)) if rng.random() < 0.7 else text(rng, 200) for _ in range(rng.randrange(4))]
    if rng.random() < 0.02:
        parts.append(rng.choice(CONTEXTS) * rng.choice((1000, 10_000)))
    return HELD.add_documents(parts) if rng.random() < 0.3 else HELD.add_text("".join(parts))


def wat(rng):
    """A module in the text format, and the function to call."""
    if rng.random() < 0.05:
        return text(rng, 400), "run"
    found = rng.choice(WATS) if rng.random() < 0.3 else abi(body(rng))
    for name, bits in (("$A", 32), ("$B", 32), ("$C", 64)):
        while name in found:
            found = found.replace(name, str(number(rng) % 2**bits), 1)
    if rng.random() < 0.3:
        found = mutated(rng, found)
    return found, "run" if rng.random() < 0.95 else text(rng, 4)


def request(rng):
    """The name of a call and its argument, as they come from a guest."""
    form = rng.random()
    source = text(rng, 100) if rng.random() < 0.2 else mutated(rng, rng.choice(CONTEXTS))
    given = {"text": source} if rng.random() < 0.3 else {}
    if form < 0.04:
        return rng.choice(("module", "wasm_wat", "llm_query", text(rng, 8))), text(rng, 300)
    if form < 0.08:
        return "llm_query", json.dumps({"prompts": [text(rng) for _ in range(rng.randrange(4))]})
    if form < 0.45:
        written, function = wat(rng)
        return "wasm_wat", json.dumps({"wat": written, "function": function, "args": {}, **given})
    function = rng.choice(list(FUNCTIONS))
    module, _, called = function.partition(".")
    args = arguments(rng, function) if rng.random() < 0.9 else {text(rng, 5): value(rng) for _ in range(rng.randrange(3))}
    asked = {"module": module, "function": called, "args": args, **given}
    if form > 0.9:
        asked[rng.choice([*asked, text(rng, 4)])] = value(rng)
    written = json.dumps(asked, ensure_ascii=rng.random() < 0.5)
    if form > 0.99:
        deep = rng.choice((50, 200, 900, 5000))
        written = written.replace('"args": {', '"args": {"deep": ' + "[" * deep + "]" * deep + ", ")
    return "module", mutated(rng, written) if form > 0.95 else written
