"""Which modules there are: manifests, what is refused and why, modules of the user's own, and what the prompt says."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest
import wasmtime
from notebooks import as_sent
from pieces import Cut
from processes import rlm

from orchestrator import shipped
from orchestrator.config import SandboxSettings
from orchestrator.contexts.utf8 import TextBytes
from orchestrator.errors import ConfigError, ModuleError
from orchestrator.sandbox.guest import describe
from orchestrator.sandbox.modules.registry import Modules

EXAMPLES = Path(__file__).parents[2] / "guest_sdk" / "examples"
ABI = """
  (memory (export "memory") 1)
  (func (export "rlm_abi_version") (result i32) (i32.const 1))
  (func (export "alloc") (param i32) (result i32) (i32.const 1024))"""
RUN = '(func (export "run") (param i32 i32) (result i32) (i32.const 0))'


def folder_with(path, wat, **changes):
    """A folder of one module, with its manifest."""
    content = bytes(wasmtime.wat2wasm(f"(module {wat})"))
    (path / "mine.wasm").write_bytes(content)
    entry = {"name": "mine", "file": "mine.wasm", "sha256": hashlib.sha256(content).hexdigest(), "summary": "Mine."} | changes
    lines = [f'{key} = "{value}"' for key, value in entry.items()]
    (path / "manifest.toml").write_text("\n".join(["abi = 1", "[[module]]", *lines, 'functions = ["run"]']))
    return str(path)


def refusal(folder):
    with pytest.raises(ConfigError) as error:
        Modules(folder, lambda message: None)
    return str(error.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("wat", "why"),
    [
        ("", "mine.wasm: it does not export its memory as memory"),
        (ABI, "mine.wasm: it does not export the function 'run' of the ABI: (i32, i32) -> (i32)"),
        (f'{ABI} (func (export "run") (result i32) (i32.const 0))', "mine.wasm: it does not export the function 'run' of the ABI: (i32, i32) -> (i32)"),
        (ABI.replace('"alloc"', '"other"') + RUN, "mine.wasm: it does not export the function 'alloc' of the ABI: (i32) -> (i32)"),
        (ABI.replace("rlm_abi_version", "version") + RUN, "mine.wasm: it does not export the function 'rlm_abi_version' of the ABI: () -> (i32)"),
        (f'(import "rlm" "open" (func)) {ABI} {RUN}', "mine.wasm: it imports rlm.open, which is not of the ABI (module rlm: context_len, context_read, llm_query, emit)"),
        (f'(import "wasi_snapshot_preview1" "fd_write" (func)) {ABI} {RUN}', "mine.wasm: it imports wasi_snapshot_preview1.fd_write, which is not of the ABI (module rlm: context_len, context_read, llm_query, emit)"),
        (f'(import "rlm" "emit" (func (param i64))) {ABI} {RUN}', "mine.wasm: it imports rlm.emit with another type than the ABI's"),
        (f'(import "rlm" "emit" (memory 1)) {ABI.replace("(memory", "(func $unused) (memory")} {RUN}', "mine.wasm: it cannot be compiled: "),
    ],
)  # fmt: skip
def test_what_is_outside_the_abi_is_refused_with_the_reason(tmp_path, wat, why):
    """At start-up."""
    assert refusal(folder_with(tmp_path, wat)).startswith(why)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": "regex"}, "manifest.toml: there is a module named regex already"),
        ({"file": "other.wasm"}, "other.wasm: No such file or directory"),
        ({"file": "../mine.wasm"}, r"manifest.toml: Expected `str` matching regex '^[A-Za-z0-9_-]+\\.(wasm|wat)$' - at `$.module[0].file`"),
        ({"name": "no.name"}, "manifest.toml: Expected `str` matching regex '^[a-z][a-z0-9_]*$' - at `$.module[0].name`"),
        ({"colour": "blue"}, "manifest.toml: Object contains unknown field `colour` - at `$.module[0]`"),
    ],
)  # fmt: skip
def test_a_manifest_that_is_wrong_stops_the_start(tmp_path, changes, why):
    """The message names the file and the place."""
    assert refusal(folder_with(tmp_path, ABI + RUN, **changes)) == why


def test_a_file_that_is_not_the_manifests_is_refused(tmp_path):
    """Both hashes are told."""
    folder = folder_with(tmp_path, ABI + RUN, sha256="0" * 64)
    found = hashlib.sha256((tmp_path / "mine.wasm").read_bytes()).hexdigest()
    assert refusal(folder) == f"mine.wasm: its sha256 is {found}, in the manifest {'0' * 64}"


def test_the_shipped_modules_are_small_and_of_the_abi():
    """Each under 1.5 MB."""
    sizes = {path.name: path.stat().st_size for path in shipped.MODULES.glob("*.wasm")}
    assert sizes.keys() == {"regex.wasm", "csv.wasm", "json.wasm", "text.wasm"}
    assert max(sizes.values()) < 1_500_000
    Modules("", lambda message: None)


SMALL = SandboxSettings(memory_bytes=32 << 20)
TOP = {"pattern": r"\d+", "group": 1, "k": 10, "ignore_case": False, "multi_line": False}
AGGREGATE = {"by": None, "where": None, "order_by": None, "descending": False, "limit": None, "together": False}


@pytest.mark.parametrize(
    ("call", "text", "why"),
    [
        (("csv", "aggregate", AGGREGATE | {"values": {"p": ["p95", "n"]}}), "n\n" + "7\n" * 4_000_000, r"out of memory: exact percentiles of n keep 8 bytes for each value; row \d+ \(line \d+\) is \d+ % of the input, whose all values would take up to 32 MB: narrow it with where, or take mean, min, max"),
        (("csv", "aggregate", AGGREGATE | {"values": {"d": ["distinct", "n"]}}), "n\n" + "".join(f"{i}\n" for i in range(1_200_000)), r"out of memory: the distinct values of n are kept, some \d+ bytes for each; row \d+ \(line \d+\) is \d+ % of the input, whose all values would take up to \d+ MB: narrow it with where, or take mean, min, max"),
        (("csv", "aggregate", AGGREGATE | {"by": ["n"], "values": {}}), "n\n" + "".join(f"{i}\n" for i in range(600_000)), r"out of memory: row \d+ \(line \d+\) begins group \d+: group by fewer columns, or narrow it with where"),
        (("regex", "top", TOP), "".join(f"{i}\n" for i in range(900_000)), r"out of memory: \d+ different values \(\d+ bytes of text\) are counted so far, and each takes some 40 bytes more: narrow the pattern, or work on a part of the text"),
        (("text", "numbers", {"pattern": None}), "7 " * 4_000_000, r"out of memory: exact percentiles keep 8 bytes for each number, \d+ so far: narrow the pattern, or work on a part of the text"),
    ],
    ids=["percentiles", "distinct", "groups", "top", "numbers"],
)  # fmt: skip
def test_what_must_be_kept_says_what_it_needs_before_it_fails(new_engine, run_module, call, text, why):
    """With 32 MiB."""
    module, function, args = call
    with pytest.raises(ModuleError) as error:
        run_module(module, function, args, Cut(text), fuel=10**11, engine=new_engine(SMALL))
    assert re.fullmatch(why, str(error.value)), str(error.value)


def test_what_is_compiled_is_kept(tmp_path, monkeypatch):
    """A second start says nothing of compiling."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said = []
    Modules("", said.append)
    assert said == [f"compiling the module {name} (once)" for name in ("regex", "csv", "json", "text")]
    Modules("", said.append)
    assert len(said) == 4


@pytest.fixture
def with_examples(tmp_path):
    """A copy of the sample folder."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    return str(tmp_path / "examples")


async def test_a_module_of_the_users_own_is_called_like_the_others(new_engine, new_notebook, with_examples):
    """The sample in plain WAT, over a context longer than what it reads at once, a text and documents."""
    engine = new_engine(SandboxSettings(), module_folder=with_examples)
    outcome = await new_notebook(text="é\n" * 100_000, engine=engine).run_cell(
        1, "modules.line_ends.count(), modules.line_ends.count(text='a\\nb')"
    )
    assert (outcome.head, outcome.error) == ("(100000, 1)\n", None)
    outcome = await new_notebook(documents=["a\n", "", "\n\n"], engine=engine).run_cell(1, "modules.line_ends.count()")
    assert outcome.head == "3\n"
    outcome = await new_notebook(text="\n", engine=engine).run_commands(1, as_sent({"op": "line_ends.count", "store": "n"}))
    assert outcome.head == "n = 1\n"
    functions = await describe(engine)
    assert functions[-1].signature == "modules.line_ends.count(text=None, **arguments)"
    assert functions[-1].summary == "How many line ends the input has."


async def test_a_folder_that_is_wrong_is_one_line_of_the_operators(tmp_path):
    """rlm build-guest with a folder that is not there."""
    script = tmp_path / "script.toml"
    script.write_text("[[rules]]\nquery = 'x'\nreplies = ['y']\n")
    (tmp_path / "config.toml").write_text(
        'module_folder = "nowhere"\n[[providers]]\nprovider_type = "scripted"\nmodel = "script.toml"\n'
    )
    status, _, err = await rlm("build-guest", "--config", tmp_path / "config.toml")
    assert (status, err) == (2, f"rlm: {tmp_path}/nowhere/manifest.toml: No such file or directory\n")


def test_many_small_documents_are_read_together(run_module):
    """A call of the host for each would cost more than all else."""
    reads = []

    class Counted(TextBytes):
        def read_into(self, room, start):
            reads.append(len(room))
            return super().read_into(room, start)

    documents = [f"document {number} says é\n" * (number % 3) for number in range(10_000)]
    args = {"patterns": ["says é", r"\n\z"], "ignore_case": False, "multi_line": False}
    lengths = [len(each.encode()) for each in documents]
    assert run_module("regex", "count_many", args, Counted("".join(documents)), documents=lengths) == [9_999, 6_666]
    assert len(reads) < 20
