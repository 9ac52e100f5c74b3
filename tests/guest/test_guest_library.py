"""The standard library in a cell: what is imported late is there, what is not there says so. `make conformance` has CPython's own tests."""

import re

import pytest
from rlm_guest import absent


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("import datetime\nstr(datetime.datetime.strptime('2 Jan 2020', '%d %b %Y'))", "'2020-01-02 00:00:00'\n"),
        ("(7 * 10**9000 + 1) // 10**9000, len(str(10**4000 // 7))", "(7, 4000)\n"),
        ("import xml.etree.ElementTree as ET\nET.tostring(ET.fromstring('<a>é</a>'))", "b'<a>&#233;</a>'\n"),
        ("import json\njson.loads(b'\\xef\\xbb\\xbf[1]'), json.loads('[2]'.encode('utf-16'))", "([1], [2])\n"),
        ("b'\\x80'.decode('cp1252'), 'ü'.encode('latin-1'), b'\\x93\\xfa'.decode('shift_jis')", "('€', b'\\xfc', '日')\n"),
        (
            "from email import message_from_string as m\nfrom email.header import decode_header, make_header\n"
            "str(make_header(decode_header(m('Subject: =?iso-8859-1?q?caf=E9?=\\n\\n')['Subject'])))",
            "'café'\n",
        ),
        (
            "from email.message import EmailMessage\nm = EmailMessage()\nm['To'] = 'é <a@b.c>'\nm.set_content('text')\nm.as_string()",
            "'To: =?utf-8?q?=C3=A9?= <a@b.c>\\nContent-Type: text/plain; charset=\"utf-8\"\\nContent-Transfer-Encoding: 7bit\\nMIME-Version: 1.0\\n\\ntext\\n'\n",
        ),
        (
            "import datetime, zoneinfo\nt = datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Oslo'))\n"
            "str(t), str(t.astimezone(zoneinfo.ZoneInfo('America/New_York')))",
            "('2024-07-01 00:00:00+02:00', '2024-06-30 18:00:00-04:00')\n",
        ),
        ("import zoneinfo\nlen(zoneinfo.available_timezones()) > 500", "True\n"),
        ("import zoneinfo\ntry: zoneinfo.ZoneInfo('Mars/Base')\nexcept KeyError as e: print(e)", "'No time zone found with key Mars/Base'\n"),
        ("import importlib.resources as r\nr.files('tzdata').joinpath('zones').read_text()[:14]", "'Africa/Abidjan'\n"),
        ("import argparse\np = argparse.ArgumentParser()\n_ = p.add_argument('-n', type=int)\np.parse_args(['-n', '3'])", "Namespace(n=3)\n"),
        ("help(abs)", "Help on built-in function abs in module builtins:\n\nabs(x, /)\n    Return the absolute value of the argument.\n\n"),
        ("import gzip, zlib\ngzip.decompress(gzip.compress(b'x' * 9)), zlib.crc32(b'x')", "(b'xxxxxxxxx', 2363233923)\n"),
        (
            "import io, zipfile\nb = io.BytesIO()\nwith zipfile.ZipFile(b, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('a/b.txt', 'text')\n"
            "zipfile.ZipFile(b).namelist(), zipfile.Path(b, 'a/').joinpath('b.txt').read_text()",
            "(['a/b.txt'], 'text')\n",
        ),
        (
            "import io, tarfile\nb = io.BytesIO()\nwith tarfile.open(fileobj=b, mode='w:gz') as t:\n    i = tarfile.TarInfo('a')\n"
            "    i.size = 4\n    t.addfile(i, io.BytesIO(b'text'))\nb.seek(0)\ntarfile.open(fileobj=b).extractfile('a').read()",
            "b'text'\n",
        ),
        ("import queue\nq = queue.PriorityQueue()\nq.put(2); q.put(1)\nq.get(), q.qsize()", "(1, 1)\n"),
        ("import shutil\nshutil.get_terminal_size().columns", "80\n"),
        ("import tempfile\nwith tempfile.SpooledTemporaryFile() as f: print(f.write(b'x'))", "1\n"),
        ("import configparser\nc = configparser.ConfigParser()\nc.read_string('[a]\\nb = 1')\nc['a'].getint('b')", "1\n"),
        ("from http.cookies import SimpleCookie\nSimpleCookie('a=b; c=d')['c'].value", "'d'\n"),
        (
            "import sys, unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(1, 1)\n"
            "unittest.main(exit=False).result.testsRun",
            re.compile(r"\.\n-+\nRan 1 test in .*\n\nOK\n1\n"),
        ),
        ("from unittest.mock import Mock\nm = Mock(return_value=3)\nm(1), m.call_args", "(3, call(1))\n"),
        ('import doctest\ndef f():\n    """\n    >>> f()\n    1\n    """\n    return 1\ndoctest.testmod()', "TestResults(failed=0, attempted=1)\n"),
        ("from string.templatelib import Template\nx = 1\n[type(each).__name__ for each in t'a{x}b']", "['str', 'Interpolation', 'str']\n"),
        ("import pickle\nclass A: pass\ntype(pickle.loads(pickle.dumps(A()))).__name__", "'A'\n"),
        ("import typing\nclass A:\n    x: 'A'\ntyping.get_type_hints(A)", "{'x': <class '__main__.A'>}\n"),
        ("import json, sys, importlib\ndel sys.modules['json']\nimport json\nimportlib.reload(json).loads('[1]')", "[1]\n"),
        ("import random, uuid\nuuid.getnode() > 0, len(str(uuid.uuid1()))", "(True, 36)\n"),
        ("import platform\nplatform.platform()", "'wasi-0.0.0-wasm32-32bit'\n"),
    ],
)  # fmt: skip
async def test_the_library_works(run_cells, code, output):
    """What lazy imports inside the library reach, and the modules that nobody imported while the guest was built."""
    outcome = await run_cells(code)
    assert outcome.error is None
    if isinstance(output, re.Pattern):
        assert output.fullmatch(outcome.head)
    else:
        assert outcome.head == output


SQL = """
import sqlite3
db = sqlite3.connect(":memory:")
db.execute("create table sale (city text, units int)")
db.executemany("insert into sale values (?, ?)", ((f"city {n % 997}", n) for n in range(60_000)))
"""


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (
            "select city, sum(units) s from sale group by city order by s desc limit 2",
            [("city 179", 1835429), ("city 178", 1835368)],
        ),
        ("select count(*) from (select * from sale order by units % 1009, city)", [(60000,)]),
        ("select count(distinct a.city) from sale a join sale b on a.units = b.units + 1", [(997,)]),
    ],
)
async def test_a_database_in_memory_sorts_in_memory(run_cells, query, rows):
    """Also what SQLite would put into a temporary file."""
    assert (await run_cells(f"{SQL}\ndb.execute({query!r}).fetchall()")).head == f"{rows}\n"


IMPORT_ALL = """
import importlib, sys, warnings
warnings.simplefilter("ignore")
missing = []
for name in sys.stdlib_module_names - {"antigravity", "this"}:
    try:
        name.startswith("_") or importlib.import_module(name)
    except ModuleNotFoundError:
        missing.append(name)
print(sorted(missing))
"""


async def test_a_module_is_there_or_says_what_to_use(run_cells):
    """Every public module of the standard library either imports or is in absent.py, which has compression.zstd too."""
    assert (await run_cells(IMPORT_ALL)).head.splitlines()[-1] == repr(sorted(absent.MODULES.keys() - {"zstd"}))


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ("bz2", "bz2 is not available here: its C part is not built in; gzip, zlib and zipfile are."),
        ("_bz2", "bz2 is not available here: its C part is not built in; gzip, zlib and zipfile are."),
        ("ctypes.util", "ctypes is not available here: there is no C; struct, array and memoryview work on bytes."),
        ("_gdbm", "_gdbm is not available here."),
        ("polars", "polars is not available here, and nothing can be installed: use Python's standard library, and `modules`."),
        (
            "numpy.linalg",
            "numpy is not available here, and nothing can be installed: statistics, math and array count, and "
            "modules.text.numbers over the whole input.",
        ),
        (
            "pandas",
            "pandas is not available here, and nothing can be installed: modules.csv.select and modules.csv.aggregate read "
            "tables, sqlite3 in memory joins them.",
        ),
        (
            "requests.auth",
            "requests is not available here, and nothing can be installed: there is no network; ask a model with llm_query(prompt).",
        ),
        (
            "nest_asyncio",
            "nest_asyncio is not available here, and nothing can be installed: it is not needed, `await` works in a cell itself.",
        ),
        ("json.nothing", ""),
    ],
)
def test_what_is_absent_says_what_to_use(module, sentence):
    """One sentence; nothing about a part of a module that is there."""
    assert absent.instead_of(module) == sentence


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("import sys\n_ = sys.stdout.buffer.write('é😀'.encode())", "é😀"),
        ("import sys\n_ = [sys.stdout.buffer.write(bytes([b])) for b in 'é'.encode()]", "é"),
        ("import sys\n_ = sys.stdout.buffer.write(b'\\xff|')", "\\xff|"),
        ("import sys\nsys.stdout.reconfigure(encoding='utf-8', line_buffering=True)\nprint('x')", "x\n"),
        ("import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\nprint('kept')", "kept\n"),
        ("import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer)\nprint('kept')\n1 / 0", "kept\n"),
        ("import sys\nsys.stdout.buffer.close()\nprint('x', sys.stdout.encoding, sys.stdout.isatty())", "x utf-8 False\n"),
        ("import sys\ntry: sys.stdout.buffer.write(5)\nexcept TypeError as e: print(e)", "memoryview: a bytes-like object is required, not 'int'\n"),
    ],
)  # fmt: skip
async def test_output_can_be_written_as_bytes(run_cells, code, output):
    """sys.stdout has what programs do to it: a buffer, reconfigure, a wrapper of their own."""
    assert (await run_cells(code)).head == output
