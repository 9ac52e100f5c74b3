"""What a cell must not be able to do, with the exact thing that it gets; the host's side is checked after each."""

import asyncio
import contextlib
import gc
import os
import threading
from pathlib import Path

import pytest

from orchestrator.sandbox.guest import CellOutcome
from orchestrator.sandbox.memory import memory
from orchestrator.sandbox.messages import Trap

NO_NETWORK = "not available here: a cell has no network; ask a model with llm_query(prompt), many with llm_batch(prompts)"
NO_PROCESSES = "(That is not available here: a cell has no processes, files or network; work with Python alone.)"


def no_module(name, why):
    return f"ModuleNotFoundError: No module named '{name}'\n({name} is not available here{why}.)"


def no_file(path):
    return f"FileNotFoundError: [Errno 44] No such file or directory: {path}\n{NO_FILES}"


NO_FILES = "(There are no files in a cell: the input is `context`; io.StringIO and io.BytesIO take the place of a file.)"
NO_INSTALL = ", and nothing can be installed: use Python's standard library, and `modules`"
NO_SYSTEM = ": there is no operating system below a cell; work with Python alone"

# cell -> the last line(s) of its error, its output, or the trap that ends it
RAISES = [
    ("open('/etc/passwd')", no_file("'/etc/passwd'")),
    ("open('written', 'w')", no_file("'written'")),
    ("import io\nio.open('/etc/passwd')", no_file("'/etc/passwd'")),
    ("import os\nos.open('/etc/passwd', 0)", no_file("'/etc/passwd'")),
    ("import os\nos.listdir('/')", no_file("'/'")),
    ("import os\nos.mkdir('/tmp/x')", no_file("'/tmp/x'")),
    ("import pathlib\npathlib.Path('/etc/hosts').read_text()", no_file("'/etc/hosts'")),
    ("import posix\nposix.open('/proc/self/mem', 2)", no_file("'/proc/self/mem'")),
    ("().__class__.__base__.__subclasses__()[0].__name__ and open('/dev/zero')", no_file("'/dev/zero'")),
    ("import socket\nsocket.socket()", f"OSError: [Errno 58] {NO_NETWORK}"),
    ("import socket\nsocket.create_connection(('127.0.0.1', 80))", f"socket.gaierror: [Errno -4] {NO_NETWORK}"),
    ("import _socket\n_socket.socket()", f"OSError: [Errno 58] {NO_NETWORK}"),
    ("import _socket\n_socket.getaddrinfo(b'127.0.0.1', 80)", f"socket.gaierror: [Errno -4] {NO_NETWORK}"),
    ("import _socket\n_socket.gethostbyname('localhost')", f"socket.gaierror: [Errno -4] {NO_NETWORK}"),
    ("[each for each in object.__subclasses__() if each.__name__ == 'BuiltinImporter'][0].load_module('_socket').socket()", f"OSError: [Errno 58] {NO_NETWORK}"),
    ("import ssl", no_module("ssl", ": there is no network; ask a model with llm_query(prompt)")),
    ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1')", f"urllib.error.URLError: <urlopen error [Errno -4] {NO_NETWORK}>"),
    ("import http.client\nhttp.client.HTTPConnection('127.0.0.1').connect()", f"socket.gaierror: [Errno -4] {NO_NETWORK}"),
    ("import subprocess\nsubprocess.run(['id'])", f"OSError: [Errno 58] wasi does not support processes.\n{NO_PROCESSES}"),
    ("import os\nos.popen('id')", f"OSError: [Errno 58] wasi does not support processes.\n{NO_PROCESSES}"),
    ("import multiprocessing", no_module("multiprocessing", ": a cell is one process; llm_batch(prompts) asks many models at once, as does concurrent.futures")),
    ("import ctypes", no_module("ctypes", ": there is no C; struct, array and memoryview work on bytes")),
    ("import sqlite3\nsqlite3.connect('/etc/passwd')", f"sqlite3.OperationalError: unable to open database file\n{NO_FILES[:-2]}, sqlite3.connect(':memory:') that of a database.)"),
    ("import sqlite3\nsqlite3.connect(':memory:').execute(\"attach '/etc/passwd' as x\")", "sqlite3.OperationalError: unable to open database: /etc/passwd"),
    ("import sqlite3\nsqlite3.connect(':memory:').execute(\"vacuum into '/tmp/x'\")", "sqlite3.OperationalError: unable to open database: /tmp/x"),
    ("import sqlite3\nsqlite3.connect(':memory:').execute(\"select load_extension('/etc/x')\")", "sqlite3.OperationalError: no such function: load_extension"),
    ("import os\nos.system('id')", "AttributeError: module 'os' has no attribute 'system'"),
    ("import os\nos.fork()", "AttributeError: module 'os' has no attribute 'fork'"),
    ("import os\nos.execv('/bin/sh', ['sh'])", "AttributeError: module 'os' has no attribute 'execv'. Did you mean: 'execl'?"),
    ("import os\nos.environ['HOME']", "KeyError: 'HOME'"),
    ("import _thread\n_thread.start_new_thread(print, ())", "RuntimeError: can't start new thread"),
    ("import threading\nlock = threading.Lock()\nlock.acquire(); lock.acquire()", "RuntimeError: this would wait for ever: a cell has one thread"),
    ("import importlib\nimportlib.import_module('orchestrator')", no_module("orchestrator", NO_INSTALL)),
    ("import builtins\nbuiltins.__import__('os').open('/etc/passwd', 0)", no_file("'/etc/passwd'")),
    ("import importlib\nimportlib.reload(importlib.import_module('posix')).open('/etc/passwd', 0)", no_file("'/etc/passwd'")),
    ("import importlib.util\nimportlib.util.spec_from_file_location('x', '/etc/x.py').loader.load_module()", no_file("'/etc/x.py'")),
    ("import sys\nsys.path.append('/usr/lib/python3.11')\nimport distutils", no_module("distutils", NO_INSTALL)),
    ("import smtplib\nsmtplib.SMTP('127.0.0.1')", f"socket.gaierror: [Errno -4] {NO_NETWORK}"),
    ("import zipimport\nzipimport.zipimporter('/etc/passwd')", "zipimport.ZipImportError: not a Zip file"),
    ("import os\nos.kill(1, 9)", "AttributeError: module 'os' has no attribute 'kill'"),
    ("import signal\nsignal.raise_signal(2)", "KeyboardInterrupt"),
    ("import signal\nsignal.alarm(1)", "AttributeError: module 'signal' has no attribute 'alarm'"),
    ("import tempfile\ntempfile.TemporaryFile()", f"FileNotFoundError: [Errno 44] No usable temporary directory found in ['/tmp', '/var/tmp', '/usr/tmp', '/']\n{NO_FILES}"),
    ("import os\nos.read(0, 1)", "OSError: [Errno 8] Bad file descriptor"),
    ("import os\nos.write(1, b'x')", "OSError: [Errno 8] Bad file descriptor"),
    ("import sys\nsys.stdout = None\nimport os\nos.fdopen(1, 'w')", "OSError: [Errno 8] Bad file descriptor"),
    ("import select\nselect.select([0], [], [], 1)", "OSError: [Errno 58] not available here: a cell has no files, sockets or pipes to wait for"),
    ("import select\nselect.poll()", "AttributeError: module 'select' has no attribute 'poll'"),
    ("breakpoint()", "RuntimeError: there is no keyboard input in a cell: work with `context`, ask a model with llm_query(prompt)"),
    ("import pty", no_module("pty", NO_SYSTEM)),
    ("import _posixsubprocess", no_module("_posixsubprocess", "")),
    ("import os\nos.symlink('/etc', 'x')", no_file("'/etc' -> 'x'")),
    ("import os\nos.rename('/etc/passwd', 'x')", no_file("'/etc/passwd' -> 'x'")),
    ("import os\nos.remove('/etc/passwd')", no_file("'/etc/passwd'")),
    ("import os\nos.chdir('/')", no_file("'/'")),
    ("import os\nos.scandir('/proc')", no_file("'/proc'")),
    ("import logging\nlogging.FileHandler('/tmp/x')", no_file("'/tmp/x'")),
    ("import pickle, os\npickle.loads(b\"cos\\nsystem\\n(S'id'\\ntR.\")", "AttributeError: module 'os' has no attribute 'system'"),
    ("import marshal, types\ntypes.FunctionType(marshal.loads(marshal.dumps(compile('open(\"/etc/passwd\")', 'x', 'exec'))), {})()", no_file("'/etc/passwd'")),
    ("[each for each in object.__subclasses__() if each.__name__ == 'FileIO'][0]('/etc/passwd')", "IndexError: list index out of range"),
    ("import sys\nsys._getframe(3).f_globals['host'].call('open', {'path': '/etc/passwd'})", "ValueError: there is no such host import"),
    ("import mmap", no_module("mmap", ": there are no files; io.BytesIO and io.StringIO take their place")),
    ("help()", "RuntimeError: there is no keyboard input in a cell: work with `context`, ask a model with llm_query(prompt)"),
    ("import asyncio\nasyncio.run(asyncio.open_connection('127.0.0.1', 80))", f"OSError: [Errno 58] {NO_NETWORK}"),
    ("import wit_world\nwit_world.exit(1)", "AttributeError: module 'wit_world' has no attribute 'exit'"),
    ("import componentize_py_runtime\ncomponentize_py_runtime.call_import(99, [], 0)", "TypeError: call_import() takes 2 positional arguments but 3 were given"),
    ("class S(str):\n    def encode(self, *a): return b'\\xff'\nllm_query(S('x'))", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ("class L(list):\n    def __iter__(self): return iter([1, 2])\nllm_batch(L(['x']))", "TypeError: a prompt must be a str, not int"),
    ("llm_batch(['x' * 10**6] * 30)", "ValueError: the prompts have 30000000 characters in all; 20000000 at once is the limit"),
    ("class E(Exception):\n    def __str__(self): raise RuntimeError('in str')\nraise E", "E: <exception str() failed>"),
    ("raise BaseException('x')", "BaseException: x"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("import json\njson.loads('[' * 10**6)", "RecursionError: Stack overflow (used 1008 kB) while decoding a JSON array from a unicode string"),
    ("def f(): return f()\nf()", "RecursionError: maximum recursion depth exceeded"),
    ("int('9' * 10**7)", "ValueError: Exceeds the limit (4300 digits) for integer string conversion: value has 10000000 digits; use sys.set_int_max_str_digits() to increase the limit"),
    ("del context\ncontext", "NameError: name 'context' is not defined"),
    ("x = memoryview(bytearray(8)); x.release(); x[0]", "ValueError: operation forbidden on released memoryview object"),
    ("memoryview(b'x').cast('B')[10**9]", "IndexError: index out of bounds on dimension 1"),
    ("import rlm_guest.host\nrlm_guest.host.call = None\nllm_query('x')", "TypeError: 'NoneType' object is not callable"),
    ("for _ in range(10**6): llm_query('x')", "ValueError: one cell may make at most 10000 calls"),
    ("input('password? ')", "RuntimeError: there is no keyboard input in a cell: work with `context`, ask a model with llm_query(prompt)"),
]  # fmt: skip

PRINTS = [
    ("import rlm_guest.host as host\nprint(host.call('budget', {'tokens': 10**9, 'x': [[]] * 10**5}))", "None\n"),
    ("import os\nprint(dict(os.environ))", "{}\n"),
    ("import sys\nprint(sys.argv[1:])", "[]\n"),
    ("import time\ntime.sleep(10**6)\nprint('at once')", "at once\n"),
    ("import sys\nsys.stdout.close()\nprint('x', file=sys.__stderr__) if False else None", ""),
    ("import os\nprint(os.getpid() >= 0)", "True\n"),
    ("[each for each in object.__subclasses__() if each.__name__ == 'Popen']", "[]\n"),
    (
        "import gc\nprint([each for each in gc.get_objects() if isinstance(each, str) and 'of another run' in each[:90]])",
        "[]\n",
    ),
    ("import glob\nglob.glob('/*')", "[]\n"),
    ("import os\nos.closerange(0, 100)\nprint('still here')", "still here\n"),
    ("import os\nprint([os.isatty(number) for number in range(4)])", "[False, False, False, False]\n"),
    (
        "import time\nprint([time.get_clock_info(name).resolution for name in ('time', 'monotonic', 'perf_counter')])",
        "[1e-09, 1e-09, 1e-09]\n",
    ),
    ("import time\nprint(time.clock_getres(time.CLOCK_REALTIME), time.clock_getres(time.CLOCK_MONOTONIC))", "1e-09 1e-09\n"),
    ("import sqlite3\nprint(sqlite3.connect('').execute('pragma database_list').fetchall())", "[(0, 'main', '')]\n"),
    ("import socket\nprint(socket.gethostname(), socket.getfqdn())", "(none) (none)\n"),
    ("import os\nos.putenv('A', 'b')\nos.environ['PATH'] = 'x'", ""),
    ("import sys\nsys.stdout.close()\nprint('x')", "x\n"),
    ("import sys\nsys.stdout = None\nprint('x')", ""),
    ("import sys\n_ = sys.__stdout__.write('x')", "x"),
    ("import threading\nthreading.Event().wait(10)", "False\n"),
    ("context = 'forged'", ""),
    ("llm_query = lambda prompt: 'forged'\nllm_query('x')", "'forged'\n"),
    ("FINAL = FINAL_VAR = SHOW_VARS = answer = None", ""),
    ("print('\\ud800', llm_query('\\ud800'))", "\\ud800 \\UD800\n"),
    ("import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\nsys.setrecursionlimit(10**9)", ""),
    ("import atexit\n_ = atexit.register(lambda: open('/etc/passwd'))", ""),
    ("import sys\nsys.exit = None\nsys.modules.clear()", ""),
    ("import builtins\nbuiltins.print = builtins.open = builtins.len = None", ""),
    ("vars(__builtins__).clear()", ""),
    ("import ast, linecache, traceback\nast.parse = linecache.cache = traceback.TracebackException.from_exception = None", ""),
    ("class A:\n    def __del__(self): A()\n_ = A()", ""),
    ("try:\n    raise MemoryError\nexcept BaseException: pass", ""),
    ("from rlm_guest import host\nprint(repr(host.call('llm_query', {'prompts': ['x']})))", "[{'text': 'X'}]\n"),
]

# What ends at a limit, or where the guest has no way on: cell -> the kind of trap.
STOPS = [
    ("import _socket\n_socket.socket.__base__()", "aborted"),
    ("import _socket\n_socket.socket.__base__(_socket.AF_INET, _socket.SOCK_DGRAM)", "aborted"),
    ("import signal\nsignal.raise_signal(9)", "aborted"),
    ("import faulthandler\nfaulthandler._sigsegv()", "aborted"),
    ("import os\nos._exit(0)", "aborted"),
    ("import os\nos.abort()", "aborted"),
    ("import _thread\nlock = _thread.allocate_lock()\nlock.acquire(); lock.acquire()", "aborted"),
    ("import wit_world\nwit_world.call('llm_query', 5)", "aborted"),
    ("import wit_world\nwit_world.context_read(-1, 0, 1)", "aborted"),
    ("import wit_world\nwit_world.context_read(0, 'x', 1)", "aborted"),
    ("FINAL.__self__.recorded = 5", "aborted"),
    ("import json\njson.dumps = json.loads = None", "aborted"),
    ("from rlm_guest import runner\nrunner.json.dumps = lambda *a, **k: '{\"head\": 1}'", "aborted"),
    ("while True: pass", "fuel"),
    ("while True:\n    try: raise KeyError\n    except BaseException: pass", "fuel"),
    ("import re\nre.match(r'(a|aa)+$', 'a' * 60 + 'b')", "fuel"),
    ("10 ** 10 ** 10", "fuel"),
    ("sum(range(10**12))", "fuel"),
    ("import itertools\nsum(itertools.repeat(1))", "fuel"),
    ("import math\nmath.factorial(10**7)", "fuel"),
    ("import sys\nsys.set_int_max_str_digits(0)\nstr(7 ** 10**7)", "fuel"),
    ("class A:\n    def __lt__(self, other):\n        while True: pass\nsorted([A(), A()])", "fuel"),
    ("import gc\ngc.disable()\nx = []\nwhile True: x = [x, x]", "fuel"),
    ("import fractions\nsum(fractions.Fraction(1, n) for n in range(1, 10**6))", "fuel"),
    ("while True: print('x' * 1000)", "fuel"),
    ("llm_batch(['x'] * 1_000_000)", "fuel"),
]  # fmt: skip

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
    ("""'module', json.dumps({"module": "text", "function": "describe", "args": {}, "part": [0, 2**63]})""", '{"type":"ValueError","message":"text: part must lie within the 0 characters of the context"}'),
    ("""'module', json.dumps({"module": "text", "function": "describe", "args": {}, "part": [0, 1], "joined": True})""", '{"type":"ValueError","message":"text: part must lie within the 0 characters of the context"}'),
    ("""'module', json.dumps({"module": "text", "function": "describe", "args": {}, "part": [-1, 0]})""", '{"type":"ValueError","message":"text: part must lie within the 0 characters of the context"}'),
    ("""'module', json.dumps({"module": "text", "function": "describe", "args": {}, "part": [0]})""", '{"type":"TypeError","message":"module: Expected `array` of length 2 - at `$.part`"}'),
    ("""'llm_query', json.dumps({"prompts": ["x" * 20000001]})""", '{"type":"ValueError","message":"llm_query: at most 20000000 characters at once"}'),
]  # fmt: skip

RAW_READS = [
    ("1, 0, 1", '{"type":"IndexError","message":"there is no document 1"}'),
    ("2**32 - 3, 0, 1", '{"type":"IndexError","message":"there is no document 4294967293"}'),
    ("2**32 - 1, 0, 2**64 - 1", '{"type":"ValueError","message":"one read may have at most 16777216 code points"}'),
    ("0, 0, 2**64 - 1", '{"type":"ValueError","message":"one read may have at most 16777216 code points"}'),
]


@pytest.fixture(autouse=True)
async def untouched_host(engine):
    """No attempt opens a file or a socket, starts a process, changes the environment, or keeps memory."""
    gc.collect()  # what earlier tests left open closes now, not in the middle
    before = host_state()
    yield
    for _ in range(100):  # a thread lets go of its guest right after it has given its result
        gc.collect()
        if host_state() == before:
            break
        await asyncio.sleep(0.02)
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
    return sorted(files), "".join(children), os.getcwd(), environment, len(memory._live)


@pytest.fixture
def attempt(new_notebook):
    """await attempt(code): its outcome, in a run beside another; after it both go on, and so does the next run."""

    async def run(code):
        neighbour, notebook = new_notebook(text="a secret of another run"), new_notebook(text="the context")
        await neighbour.run_cell(1, "mine = context")
        await notebook.run_cell(1, "kept = [1]")
        outcome = await notebook.run_cell(2, code)
        assert (await notebook.run_cell(3, "kept")).head == "[1]\n"
        assert (await neighbour.run_cell(2, "mine")).head == "'a secret of another run'\n"
        assert (await new_notebook(text="the context").run_cell(1, NEXT_RUN)).head == (
            "the context X False [2, 'os', 3, '[1]'] [] 1000\n"
        )
        return outcome

    return run


NEXT_RUN = """
import builtins, json, os, re, sys
checked = [len('ab'), os.__name__, len(re.findall('a', 'aaa')), json.dumps([1])]
print(context, llm_query('x'), 'kept' in globals(), checked, [each for each in dir(builtins) if each == 'leak'], sys.getrecursionlimit())
"""


def test_there_are_enough_attempts():
    """Roads to files, network, processes, other runs, and endless work."""
    assert len(RAISES) + len(PRINTS) + len(STOPS) + len(RAW) + len(RAW_READS) >= 60


@pytest.mark.parametrize(("code", "error"), RAISES)
async def test_an_attempt_raises(attempt, code, error):
    """The cell gets an ordinary exception."""
    outcome = await attempt(code)
    assert isinstance(outcome, CellOutcome)
    assert "\n".join(outcome.error.splitlines()[-len(error.splitlines()) :]) == error


@pytest.mark.parametrize(("code", "output"), PRINTS)
async def test_an_attempt_finds_nothing(attempt, code, output):
    """The cell runs, and sees only what it is given."""
    outcome = await attempt(code)
    assert (outcome.head, outcome.error) == (output, None)


@pytest.mark.parametrize(("code", "kind"), STOPS)
async def test_an_attempt_is_stopped(attempt, code, kind):
    """At a limit, or at a function that no host defines; the cell is rolled back."""
    outcome = await attempt(code)
    assert isinstance(outcome, Trap)
    assert (outcome.kind, outcome.lost) == (kind, False)


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
    for document in ("0", "2**32 - 2", "2**32 - 1"):
        code = f"import wit_world\nwit_world.context_read({document}, 2**63, 5)"
        assert (await run_cells(code, text="abc")).head == "''\n"


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
async def test_a_guest_whose_runner_was_tampered_with_is_thrown_away(new_notebook, code):
    """A report that is none is a trap. What was before the tampering is there; where that is gone, the run begins anew."""
    notebook = new_notebook()
    await notebook.run_cell(1, "kept = 1")
    first = await notebook.run_cell(2, code)
    second = first if isinstance(first, Trap) else await notebook.run_cell(3, "1")
    assert (second.kind, second.lost) == ("aborted", second is not first)
    outcome = await notebook.run_cell(4, "'kept' in globals()")
    assert outcome.head == f"{not second.lost}\n"


async def test_one_guest_never_sees_another(new_notebook):
    """Variables, modules and builtins of one run are not those of another."""
    first, second = new_notebook(text="mine"), new_notebook(text="yours")
    await first.run_cell(1, "import builtins, json\nsecret = 1\nbuiltins.leak = context\njson.leak = context")
    outcome = await second.run_cell(
        1, "import builtins, json\n[hasattr(builtins, 'leak'), hasattr(json, 'leak'), 'secret' in globals(), context]"
    )
    assert outcome.head == "[False, False, False, 'yours']\n"


async def test_attempts_leave_no_thread_behind(new_notebook):
    """A trapped guest's thread is back in the pool."""
    notebook = new_notebook()
    await notebook.run_cell(1, "1")
    before = threading.active_count()
    for number in range(5):
        await notebook.run_cell(number, "import os\nos._exit(1)")
    assert threading.active_count() <= before + 1
