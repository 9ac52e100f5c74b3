"""CPython's tests in guests: each test runs in a fork of the guest that has loaded its module."""

import base64
import json
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import wasmtime

from orchestrator.contexts.context import Context
from orchestrator.contexts.store import ContextStore
from orchestrator.sandbox import templates
from orchestrator.sandbox.engine import Engine
from orchestrator.sandbox.entered import entering
from orchestrator.sandbox.execution import Execution, preparation
from orchestrator.sandbox.limits import classify
from orchestrator.sandbox.memory.memory import Image

CLOCK_NS = 1_800_000_000 * 10**9  # some day in 2027
INSIDE = "".join((Path(__file__).parent / name).read_text() for name in ("files.py", "inside.py"))


class Outcome(NamedTuple):
    """`kind`: ok, skipped, failed, or stopped by a limit. `unfound`: modules that were asked for in vain."""

    kind: str
    why: str
    unfound: tuple[str, ...] = ()


def context_of(tests: Path) -> Context:
    """The folder `test` of CPython's library as documents: every file that is text."""
    files: dict[str, str] = {}
    for path in sorted(each for each in tests.rglob("*") if each.is_file()):
        try:
            files[f"test/{path.relative_to(tests)}"] = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue
    _repack_zones(files)
    return ContextStore().add_documents([json.dumps(list(files)), *files.values()])


def _repack_zones(files: dict[str, str]) -> None:
    """The tests of zoneinfo bring zones that are packed with lzma, which a guest has not: zlib takes its place."""
    folder = "test/test_zoneinfo"
    if f"{folder}/test_zoneinfo.py" not in files:
        return
    zones = json.loads(files[f"{folder}/data/zoneinfo_data.json"])
    for key, lines in zones["data"].items():
        zone = lzma.decompress(base64.b85decode("".join(lines)))
        zones["data"][key] = [base64.b85encode(zlib.compress(zone)).decode()]
    files[f"{folder}/data/zoneinfo_data.json"] = json.dumps(zones)
    tests = f"{folder}/test_zoneinfo.py"
    files[tests] = files[tests].replace("import_module('lzma')", "import_module('zlib')")


class Module:
    """One module of tests. On a thread of the engine's own."""

    def __init__(self, engine: Engine, context: Context, name: str) -> None:
        """Raises RuntimeError where it cannot be loaded."""
        self._engine = engine
        self._context = context
        self._image, self.tests = self._load(name)

    def _load(self, name: str) -> tuple[Image, list[str]]:
        with self._entered():
            guest = self._engine.fork()
            templates.start(guest, self._context, self._engine.settings)
            try:
                report = json.loads(guest.call("run-cell", 1, f"{INSIDE}\ncollect({name!r})"))
            except wasmtime.WasmtimeError as error:
                raise RuntimeError(f"{name} cannot be loaded: {error}") from None
            if report["error"]:
                raise RuntimeError(f"{name} cannot be loaded: {report['error']}")
            return guest.snapshot(shared=True), json.loads(report["head"] + report["tail"])

    def run(self, number: int) -> Outcome:
        with self._entered() as execution:
            guest = self._engine.fork(self._image)
            try:
                report = json.loads(guest.call("run-cell", 2, f"run({number})"))
            except wasmtime.WasmtimeError as error:
                return Outcome("stopped", classify(str(error), execution.meter, guest.store.get_fuel()))
        if report["error"]:
            return Outcome("stopped", report["error"])
        kind, why, unfound = json.loads(report["head"] + report["tail"])
        return Outcome(kind, why, tuple(unfound))

    @contextmanager
    def _entered(self) -> Iterator[Execution]:
        execution = preparation(self._context, self._engine.settings, self._engine.modules)
        execution.inputs.position = (CLOCK_NS, 0)
        with entering(execution):
            yield execution
