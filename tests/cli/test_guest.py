"""`rlm guest`: a component carried from one machine to another."""

import hashlib
import os

import pytest
import wasmtime
from processes import rlm

from orchestrator.cli.guest import main
from orchestrator.errors import InvalidRequest, SandboxError

SMALL = bytes(wasmtime.wat2wasm("(component (core module (memory 1)))"))
SHA256 = hashlib.sha256(SMALL).hexdigest()
FOREIGN = "0" * 64


@pytest.fixture
def machine(tmp_path):
    """machine(name): commands run on another one from now on, with a cache of its own and the same files."""

    def use(name):
        os.environ["XDG_CACHE_HOME"] = str(tmp_path / name)
        return tmp_path

    return use


async def test_what_one_machine_exports_the_other_imports(machine):
    """Both say which it was; the list has it then."""
    files = machine("one")
    (files / "found.wasm").write_bytes(SMALL)
    assert await rlm("guest", "import", "found.wasm", folder=files) == (0, f"{SHA256}\n", "")
    assert await rlm("guest", "export", SHA256, "carried.wasm", folder=files) == (0, f"{SHA256}\n", "")
    machine("two")
    assert await rlm("guest", folder=files) == (0, "", "")
    assert await rlm("guest", "import", "carried.wasm", folder=files) == (0, f"{SHA256}\n", "")
    assert await rlm("guest", folder=files) == (0, f"{SHA256}\n", "")


async def test_without_a_sha256_the_component_of_new_runs_is_exported(engine, tmp_path):
    """The list says which that is."""
    assert await rlm("guest", "export", "today.wasm", folder=tmp_path) == (0, f"{engine.sha256}\n", "")
    assert hashlib.sha256((tmp_path / "today.wasm").read_bytes()).hexdigest() == engine.sha256
    _, listed, _ = await rlm("guest", folder=tmp_path)
    assert [line for line in listed.splitlines() if " " in line] == [f"{engine.sha256}  new runs use it"]


async def test_a_mistake_is_one_line_and_status_2(tmp_path):
    """As of every command."""
    assert await rlm("guest", "import", "nowhere", folder=tmp_path) == (2, "", "rlm: nowhere: No such file or directory\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("import", "."), ".: Is a directory"),
        (("import", "text"), "the guest cannot be forked: it is no WebAssembly component"),
        (("import", "unsound"), "the guest cannot be forked: an instruction is not allowed: 26 00"),
        (("import", "half"), "the guest cannot be forked: it is cut off or damaged"),
        (("import", "/dev/zero"), "/dev/zero: it has more than 134217728 bytes; no guest is so large"),
        (("import", f"{FOREIGN}.wasm"), f"{FOREIGN}.wasm: it is named by another sha256 than that of the component, {SHA256}"),
        (("export", "v1.2", "out"), "'v1.2' is not the sha256 of a component"),
        (("export", SHA256, "nowhere/out"), "nowhere/out: No such file or directory"),
        (("export", SHA256, FOREIGN), f"{FOREIGN}: it is named by another sha256 than that of the component, {SHA256}"),
        (
            ("export", FOREIGN, "out"),
            f"the component {FOREIGN} is not on this machine; run `rlm guest export {FOREIGN} FILE` where it is, "
            "and `rlm guest import FILE` here",
        ),
    ],
)
def test_a_mistake_is_named(machine, monkeypatch, arguments, message):
    """Nothing is kept, nothing is written."""
    files = machine("one")
    monkeypatch.chdir(files)
    unsound = "(component (core module (memory 1) (table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))))"
    given = {"text": b"hello", "unsound": bytes(wasmtime.wat2wasm(unsound)), "half": SMALL[:-3], f"{FOREIGN}.wasm": SMALL}
    for name, content in given.items():
        (files / name).write_bytes(content)
    (files / "one" / "rlm").mkdir(parents=True, mode=0o700)
    (files / "one" / "rlm" / f"{SHA256}.wasm").write_bytes(SMALL)
    with pytest.raises((InvalidRequest, SandboxError)) as error:
        main(arguments)
    assert str(error.value) == message
    assert {each.name for each in files.iterdir()} == {"one", *given}
    assert [each.name for each in (files / "one" / "rlm").iterdir()] == [f"{SHA256}.wasm"]
