"""The same cells and the same answers: the same output and the same memory, bit for bit, in any process, forked or not."""

import asyncio
import hashlib
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.config import SandboxSettings
from orchestrator.contexts.store import ContextStore
from orchestrator.sandbox import templates
from orchestrator.sandbox.calls import Calls
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.entered import entering
from orchestrator.sandbox.execution import Execution, Inputs
from orchestrator.sandbox.limits import Meter
from orchestrator.sandbox.messages import HostResult, Opening, SubReply

SNIPPETS = [
    "d = {{str(k): k for k in range({n})}}; d.pop('0', None); print(list(d), hash('{s}'))",
    "s = set('{s}abc') | {{'x{n}', None, 1.5}}; print(s, frozenset(s))",
    "class C{n}:\n    def __init__(self): self.me = self\nc = C{n}(); print(repr(c), id(c), {{c, C{n}, print}})",
    "import random, uuid, secrets\nprint(random.random(), random.sample(range(99), 3), uuid.uuid4(), uuid.uuid1().node, secrets.token_hex(4))",
    "import datetime, time\nprint(datetime.datetime.now(), time.time(), time.monotonic(), time.perf_counter())",
    "import decimal, math\ndecimal.getcontext().prec = 5 + {n}\nprint(decimal.Decimal(1) / 7, math.sin({n}), 0.1 * {n}, {n} / 3)",
    "def g(m):\n    for i in range(m): yield i * i\ngen = g({n} + 3); print(next(gen), next(gen))",
    "try: print(next(gen))\nexcept (NameError, StopIteration) as e: kept = e; print(repr(e))",
    "fs = [lambda i=i: i + {n} for i in range(4)]; print([f() for f in fs], fs[0])",
    "import functools\n@functools.lru_cache\ndef fib(k): return k if k < 2 else fib(k - 1) + fib(k - 2)\nprint(fib({n} + 5), fib.cache_info())",
    "import gc\nx = []; x.append(x); del x; print(gc.collect(), gc.get_count())",
    "import re\nprint(re.findall('[a-{s}z]+' if '{s}'.isalpha() else 'a+', 'abc {s} xyz'), re.compile('{n}a'))",
    "r = llm_query('prompt {n} {s}'); print(r, len(r))",
    "print(llm_batch(['{s}', '{n}', 'é😀']), context[{n}:{n} + 5])",
    "1 / ({n} - {n})",
    "raise ValueError('{s}' * {n})",
    "big = ['{s}' * 50 + str(i) for i in range({n} * 300)]; print(len(big), id(big[-1]) if big else 0)",
    "import weakref\nclass W: pass\nw = W(); ref = weakref.ref(w, print); del w",
    "import collections, json, statistics, textwrap\nprint(collections.Counter('{s}banana'), json.dumps({{'k': {n}}}), statistics.mean([1, {n}]), textwrap.shorten('{s} word ' * 9, 20))",
    "print(object(), [object() for _ in range(2)], vars().keys())",
]  # fmt: skip
CELLS = st.builds(
    lambda snippet, number, text: snippet.format(n=number, s=text),
    st.sampled_from(SNIPPETS),
    st.integers(0, 20),
    st.text("abcxyz", min_size=1, max_size=6),
)
SETTINGS = SandboxSettings(fuel=3_000_000_000, memory_bytes=128 << 20, output_chars=10_000)
OVER = ContextStore().add_text("some text that is read " * 10)
RUNS: list[tuple[list[str], list[str]]] = []  # cells, and what they came to


OPENING = Opening(seed=3, clock_start_ns=10**18, limits=SETTINGS)


def shout(call, *, repeatable=True):
    """Sub-calls answered at once, always the same."""
    return HostResult(tuple(SubReply(text=each.text.upper()) for each in call.prompts))


def run(engine, cells, *, forked):
    """The reports of the cells, and the sha256 of the memory after them."""

    def inside():
        inputs = Inputs(OVER, OPENING.seed, OPENING.clock_start_ns)
        execution = Execution(inputs, SETTINGS, Meter(60), engine.modules, Calls(shout, lambda record: None))
        with entering(execution):
            guest = templates.begin(engine, OVER, engine.templates.image(OVER, SETTINGS), OPENING)
            reports = []
            for number, code in enumerate(cells, 1):
                if forked:
                    guest = engine.fork(guest.snapshot())
                reports.append(guest.call("run-cell", number, code))
            digest = hashlib.sha256()
            guest.memory_digest(digest)
            return [*reports, digest.hexdigest()]

    return engine.enter(inside).result()


@pytest.fixture(scope="module")
def own_engine():
    engine = Engine(SETTINGS)
    yield engine
    engine.close()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cells=st.lists(CELLS, min_size=1, max_size=8))
def test_a_fork_before_each_cell_changes_nothing(own_engine, cells):
    """Neither an output nor a byte of memory: ids, addresses, set order, clock and randomness included."""
    straight = run(own_engine, cells, forked=False)
    assert run(own_engine, cells, forked=True) == straight
    RUNS.append((cells, straight))


async def test_another_process_comes_to_the_same(tmp_path):
    """All runs of the test before, in a process of its own with another hash seed."""
    assert len(RUNS) >= 50
    (tmp_path / "cells.json").write_text(json.dumps([cells for cells, _ in RUNS]))
    root = Path(__file__).parents[2]
    code = f"import sys; sys.path[:0] = [{str(root)!r}, {str(Path(__file__).parent)!r}]; import test_determinism; test_determinism.child()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path / "cells.json"),
        stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONHASHSEED": "12345"},
    )  # fmt: skip
    output, _ = await process.communicate()
    assert json.loads(output) == [came for _, came in RUNS]


def child():
    engine = Engine(SETTINGS)
    runs = json.loads(Path(sys.argv[1]).read_text())
    sys.stdout.write(json.dumps([run(engine, cells, forked=number % 2 == 1) for number, cells in enumerate(runs)]))
    engine.close()
