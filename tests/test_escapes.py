"""What a cell must not be able to do, with the exact thing that it gets; the host's side is checked after each."""

import contextlib
import gc
import os
import threading
from pathlib import Path

import pytest

from orchestrator.sandbox.interpreter import CellOutcome
from orchestrator.sandbox.limits import Trap

NO_MODULE = (
    "ModuleNotFoundError: No module named '{}'\n"
    "(Only Python's standard library is here, without threads, asyncio and sockets; llm_batch runs prompts in parallel.)"
)

# cell -> the last line(s) of its error, its output, or the trap that ends it
RAISES = [
    ("open('/etc/passwd')", "FileNotFoundError: [Errno 44] No such file or directory: '/etc/passwd'"),
    ("open('written', 'w')", "FileNotFoundError: [Errno 44] No such file or directory: 'written'"),
    ("import io\nio.open('/etc/passwd')", "FileNotFoundError: [Errno 44] No such file or directory: '/etc/passwd'"),
    ("import os\nos.open('/etc/passwd', 0)", "FileNotFoundError: [Errno 44] No such file or directory: '/etc/passwd'"),
    ("import os\nos.listdir('/')", "FileNotFoundError: [Errno 44] No such file or directory: '/'"),
    ("import os\nos.mkdir('/tmp/x')", "FileNotFoundError: [Errno 44] No such file or directory: '/tmp/x'"),
    ("import pathlib\npathlib.Path('/etc/hosts').read_text()", "FileNotFoundError: [Errno 44] No such file or directory: '/etc/hosts'"),
    ("import posix\nposix.open('/proc/self/mem', 2)", "FileNotFoundError: [Errno 44] No such file or directory: '/proc/self/mem'"),
    ("().__class__.__base__.__subclasses__()[0].__name__ and open('/dev/zero')", "FileNotFoundError: [Errno 44] No such file or directory: '/dev/zero'"),
    ("import socket", NO_MODULE.format("socket")),
    ("import ssl", NO_MODULE.format("ssl")),
    ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1')", NO_MODULE.format("urllib.request")),
    ("import http.client", NO_MODULE.format("http")),
    ("import subprocess", NO_MODULE.format("subprocess")),
    ("import multiprocessing", NO_MODULE.format("multiprocessing")),
    ("import ctypes", NO_MODULE.format("ctypes")),
    ("import sqlite3", NO_MODULE.format("sqlite3")),
    ("import os\nos.system('id')", "AttributeError: module 'os' has no attribute 'system'"),
    ("import os\nos.fork()", "AttributeError: module 'os' has no attribute 'fork'"),
    ("import os\nos.execv('/bin/sh', ['sh'])", "AttributeError: module 'os' has no attribute 'execv'. Did you mean: 'execl'?"),
    ("import os\nos.environ['HOME']", "KeyError: 'HOME'"),
    ("import threading\nthreading.Thread(target=print).start()", "RuntimeError: can't start new thread"),
    ("import importlib\nimportlib.import_module('orchestrator')", NO_MODULE.format("orchestrator")),
    ("input('password? ')", "RuntimeError: there is no keyboard input in a cell: work with `context`, ask a model with llm_query(prompt)"),
]  # fmt: skip

PRINTS = [
    ("import os\nprint(dict(os.environ))", "{}\n"),
    ("import sys\nprint(sys.argv[1:])", "[]\n"),
    ("import time\ntime.sleep(10**6)\nprint('at once')", "at once\n"),
    ("import sys\nsys.stdout.close()\nprint('x', file=sys.__stderr__) if False else None", ""),
    ("import os\nprint(os.getpid() >= 0)", "True\n"),
    ("from rlm_guest import host\nprint(repr(host.call('llm_query', {'prompts': ['x']})))", "[{'text': 'X'}]\n"),
]

# The raw import, with everything that a hostile guest can hand to it.
RAW = [
    ("'nothing', '{}'", '{"type":"ValueError","message":"there is no such host import"}'),
    ("'__class__', '{}'", '{"type":"ValueError","message":"there is no such host import"}'),
    ("'llm_query', 'x'", '{"type":"TypeError","message":"llm_query: JSON is malformed: invalid character (byte 0)"}'),
    ("'llm_query', '{}'", '{"type":"TypeError","message":"llm_query: Object missing required field `prompts`"}'),
    ("""'llm_query', '{"prompts": [1]}'""", '{"type":"TypeError","message":"llm_query: Expected `str`, got `int` - at `$.prompts[0]`"}'),
    ("""'llm_query', '{"prompts": [], "url": "x"}'""", '{"type":"TypeError","message":"llm_query: Object contains unknown field `url`"}'),
    ("""'llm_query', '{"prompts": []}'""", '{"type":"ValueError","message":"llm_query: 1 to 10000 prompts at once, not 0"}'),
    ("""'llm_query', json.dumps({"prompts": [""] * 10001})""", '{"type":"ValueError","message":"llm_query: 1 to 10000 prompts at once, not 10001"}'),
    ("""'llm_query', json.dumps({"prompts": ["x" * 20000001]})""", '{"type":"ValueError","message":"llm_query: at most 20000000 characters at once"}'),
]  # fmt: skip

RAW_READS = [
    ("1, 0, 1", '{"type":"IndexError","message":"there is no document 1"}'),
    ("2**32 - 1, 0, 1", '{"type":"IndexError","message":"there is no document 4294967295"}'),
    ("0, 0, 2**64 - 1", '{"type":"ValueError","message":"one read may have at most 16777216 code points"}'),
]


@pytest.fixture(autouse=True)
async def untouched_host(engine):
    """No attempt opens a file or a socket, starts a process, or changes the environment."""
    gc.collect()  # what earlier tests left open closes now, not in the middle
    before = host_state()
    yield
    assert host_state() == before


def host_state():
    files, children = [], []
    for entry in os.scandir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            files.append(os.readlink(entry.path))
    files = [each for each in files if "memfd:rlm" not in each]  # images of guests; test_memory.py sees them end
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children.append(path.read_text())
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return sorted(files), "".join(children), os.getcwd(), environment


@pytest.mark.parametrize(("code", "error"), RAISES)
async def test_an_attempt_raises(new_interpreter, code, error):
    """The cell gets an ordinary exception, and the next cell works."""
    interpreter = new_interpreter()
    outcome = await interpreter.run_cell(1, code)
    assert isinstance(outcome, CellOutcome)
    assert "\n".join(outcome.error.splitlines()[-len(error.splitlines()) :]) == error
    assert (await interpreter.run_cell(2, "1 + 1")).head == "2\n"


@pytest.mark.parametrize(("code", "output"), PRINTS)
async def test_an_attempt_finds_nothing(new_interpreter, code, output):
    """The cell runs, and sees only what it is given."""
    interpreter = new_interpreter()
    outcome = await interpreter.run_cell(1, code)
    assert (outcome.head, outcome.error) == (output, None)
    assert (await interpreter.run_cell(2, "print(1 + 1)")).head == "2\n"


@pytest.mark.parametrize(
    "code",
    [
        "import _socket\n_socket.socket()",
        "import _socket\n_socket.getaddrinfo(b'127.0.0.1', 80)",
        "import os\nos.write(1, b'x')",
        "import os\nos.read(0, 1)",
        "import sys\nsys.stdout = None\nimport os\nos.fdopen(1, 'w').write('x' * 100_000)",
        "import select\nselect.select([0], [], [], 1)",
        "import faulthandler\nfaulthandler._sigsegv()",
    ],
)
async def test_reaching_for_what_is_not_linked_is_a_trap(new_interpreter, code):
    """A function of WASI that the host does not define ends the cell; the next one works."""
    interpreter = new_interpreter()
    outcome = await interpreter.run_cell(1, code)
    assert isinstance(outcome, Trap)
    assert (await interpreter.run_cell(2, "1 + 1")).head == "2\n"


@pytest.mark.parametrize(("arguments", "failure"), RAW)
async def test_the_raw_import_refuses(run_cells, arguments, failure):
    """Every argument is checked on the host; the failure comes back as err."""
    code = (
        "import json, wit_world\nfrom componentize_py_types import Err\n"
        f"try:\n    wit_world.call({arguments})\nexcept Err as error:\n    print(error.value)"
    )
    assert (await run_cells(code)).head == failure + "\n"


@pytest.mark.parametrize(("arguments", "failure"), RAW_READS)
async def test_the_raw_read_refuses(run_cells, arguments, failure):
    """Document and length are checked; a start beyond the end reads nothing."""
    code = (
        "import wit_world\nfrom componentize_py_types import Err\n"
        f"try:\n    wit_world.context_read({arguments})\nexcept Err as error:\n    print(error.value)"
    )
    assert (await run_cells(code, text="abc")).head == failure + "\n"
    assert (await run_cells("import wit_world\nwit_world.context_read(0, 2**63, 5)", text="abc")).head == "''\n"


@pytest.mark.parametrize(
    "code",
    [
        "from rlm_guest import runner\nrunner.json.dumps = lambda *a, **k: 'not json'",
        "from rlm_guest import runner\nrunner.json.dumps = lambda *a, **k: '{\"head\": 1}'",
        "from rlm_guest import runner\nrunner._notebook.run = None",
        "import wit_world\nwit_world.call = None\nimport rlm_guest.runner\nrlm_guest.runner.run_cell = lambda n, c: 5",
        "import sys\nsys.modules['rlm_guest.runner'].host.valid = None",
    ],
)
async def test_a_guest_whose_runner_was_tampered_with_is_thrown_away(new_interpreter, code):
    """A report that is none is a trap. What was before the tampering is there; where that is gone, the run begins anew."""
    interpreter = new_interpreter()
    await interpreter.run_cell(1, "kept = 1")
    first = await interpreter.run_cell(2, code)
    second = first if isinstance(first, Trap) else await interpreter.run_cell(3, "1")
    assert (second.kind, second.lost) == ("aborted", second is not first)
    outcome = await interpreter.run_cell(4, "'kept' in globals()")
    assert outcome.head == f"{not second.lost}\n"


async def test_one_guest_never_sees_another(new_interpreter):
    """Variables, modules and builtins of one run are not those of another."""
    first, second = new_interpreter(text="mine"), new_interpreter(text="yours")
    await first.run_cell(1, "import builtins, json\nsecret = 1\nbuiltins.leak = context\njson.leak = context")
    outcome = await second.run_cell(
        1, "import builtins, json\n[hasattr(builtins, 'leak'), hasattr(json, 'leak'), 'secret' in globals(), context]"
    )
    assert outcome.head == "[False, False, False, 'yours']\n"


async def test_attempts_leave_no_thread_behind(new_interpreter):
    """A trapped guest's thread is back in the pool."""
    interpreter = new_interpreter()
    await interpreter.run_cell(1, "1")
    before = threading.active_count()
    for number in range(5):
        await interpreter.run_cell(number, "import os\nos._exit(1)")
    assert threading.active_count() <= before + 1
