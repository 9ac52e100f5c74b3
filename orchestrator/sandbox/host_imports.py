"""THE TRUST BOUNDARY. Everything that a guest can ask of the host is in this file.

Every argument is hostile: its type comes from the component's own interface, its length and range are checked
here. A change here needs a row in tests/test_escapes.py. What is not defined here traps.

An exception that leaves a host import kills the instance, so a failure is returned as `err`, as JSON
{"type", "message"}; the guest raises it.
"""

import asyncio
import hashlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec
import wasmtime
from wasmtime.component import Component, Linker, LinkerInstance, Record, Variant

from orchestrator.contexts import Context
from orchestrator.errors import BudgetExceeded, SandboxError
from orchestrator.sandbox.limits import Effects, Meter

MAX_READ = 16 << 20  # code points of one context_read
MAX_PROMPTS = 10_000  # of one llm_query
MAX_BATCH_CHARS = 20_000_000  # of all prompts of one llm_query; wasmtime itself stops at 128 MiB
MAX_CALLS = 10_000  # of one cell; each is kept in the journal
MAX_RANDOM_BYTES = 1 << 16
CLOCK_STEP_NS = 1_000_000  # the run's clock advances by this at every reading


class SubReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to one prompt, or why there is none."""

    text: str | None = None
    error: str | None = None


class CallRecord(msgspec.Struct, frozen=True):
    """One call through the host import: the sha256 of its arguments, and what came back, as JSON."""

    name: str
    arguments_sha256: str
    result: Any
    error: Any


Ask = Callable[[list[str]], Awaitable[list[SubReply]]]


class _Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prompts: list[str]


class Entered(Protocol):
    """The instance that runs on this thread."""

    imports: "HostImports"
    meter: Meter


class HostImports:
    """What the guest of one run can ask for. `position` is what of it belongs to the guest's state."""

    def __init__(
        self, context: Context, ask: Ask | None, loop: asyncio.AbstractEventLoop | None, seed: int, clock_start_ns: int
    ) -> None:
        """`ask` runs in `loop`; without them no model can be asked."""
        self._context = context
        self._ask = ask
        self._loop = loop
        self._seed = seed
        self._draws = 0
        self._clock_ns = clock_start_ns
        self._pending: Future[list[SubReply]] | None = None
        self._cancelled = False
        self.begin_cell()
        # An error of ours inside a host import: it kills the instance, but is no doing of the cell.
        self.failure: BaseException | None = None

    def begin_cell(self) -> None:
        """What follows is recorded for the next cell."""
        self.calls: list[CallRecord] = []
        self._reads = 0
        self._reads_digest = hashlib.sha256()

    @property
    def effects(self) -> Effects:
        """Of the cell so far."""
        return Effects(self._reads, self._reads_digest.hexdigest(), *self.position)

    @property
    def position(self) -> tuple[int, int]:
        """How far clock and randomness are; set back when a cell is rolled back."""
        return self._clock_ns, self._draws

    @position.setter
    def position(self, position: tuple[int, int]) -> None:
        self._clock_ns, self._draws = position

    def clock_ns(self) -> int:
        """The run's own clock: its start, and one step more at every reading."""
        self._clock_ns += CLOCK_STEP_NS
        return self._clock_ns

    def random_bytes(self, length: int) -> bytes:
        """The next bytes of the run's own sequence."""
        if length > MAX_RANDOM_BYTES:
            raise wasmtime.WasmtimeError("too many random bytes")
        self._draws += 1
        return hashlib.shake_256(f"{self._seed} {self._draws}".encode()).digest(length)

    def context_read(self, document: int, start: int, length: int) -> Variant:
        """Code points [start, start + length) of one document."""
        if document >= len(self._context.parts):
            return _failure("IndexError", f"there is no document {document}")
        if length > MAX_READ:
            return _failure("ValueError", f"one read may have at most {MAX_READ} code points")
        self._reads += 1
        self._reads_digest.update(f"{document} {start} {length};".encode())
        return Variant("ok", self._context.read(document, start, length))

    def call(self, name: str, arguments: str) -> Variant:
        """Answers a call, and records it."""
        if len(self.calls) >= MAX_CALLS:
            return _failure("ValueError", f"one cell may make at most {MAX_CALLS} calls")
        digest = hashlib.sha256(f"{name} {arguments}".encode()).hexdigest()
        answered = self.answer(name, arguments, digest)
        value = msgspec.json.decode(str(answered.payload))
        ok = answered.tag == "ok"
        self.calls.append(CallRecord(name[:100], digest, value if ok else None, None if ok else value))
        return answered

    def answer(self, name: str, arguments: str, digest: str) -> Variant:
        """The dispatch table."""
        if name == "llm_query":
            return self._llm_query(arguments)
        return _failure("ValueError", "there is no such host import")

    def _llm_query(self, arguments: str) -> Variant:
        try:
            prompts = msgspec.json.decode(arguments, type=_Query).prompts
        except (msgspec.DecodeError, UnicodeError) as error:
            return _failure("TypeError", f"llm_query: {error}")
        if not 1 <= len(prompts) <= MAX_PROMPTS:
            return _failure("ValueError", f"llm_query: 1 to {MAX_PROMPTS} prompts at once, not {len(prompts)}")
        if sum(map(len, prompts)) > MAX_BATCH_CHARS:
            return _failure("ValueError", f"llm_query: at most {MAX_BATCH_CHARS} characters at once")
        try:
            return Variant("ok", msgspec.json.encode(self._wait(prompts)).decode())
        except BudgetExceeded as error:
            return _failure("BudgetError", str(error))

    def _wait(self, prompts: list[str]) -> list[SubReply]:
        """The one bridge from a guest's thread to the event loop."""
        if self._ask is None or self._loop is None:
            raise SandboxError("a guest called a model before its first cell")
        self._pending = asyncio.run_coroutine_threadsafe(_awaited(self._ask(prompts)), self._loop)
        if self._cancelled:
            self._pending.cancel()
        try:
            with _guest().meter.waiting():
                return self._pending.result()
        finally:
            self._pending = None

    def cancel(self) -> None:
        """Ends the sub-calls that are under way, and lets no more begin."""
        self._cancelled = True
        if pending := self._pending:
            pending.cancel()


async def _awaited(coroutine: Awaitable[list[SubReply]]) -> list[SubReply]:
    return await coroutine


def _failure(kind: str, message: str) -> Variant:
    return Variant("err", msgspec.json.encode({"type": kind, "message": message}).decode())


# wasmtime calls host functions on the thread that entered the guest; a linker serves all guests.
entered = threading.local()


@contextmanager
def entering(guest: Entered) -> Iterator[None]:
    """Host imports that are called inside, on this thread, are this guest's."""
    before = getattr(entered, "guest", None)
    entered.guest = guest
    try:
        yield
    finally:
        entered.guest = before


def _guest() -> Entered:
    guest: Entered = entered.guest
    return guest


def _host(function: Callable[..., Any]) -> Callable[..., Any]:
    """A host function: no exception of ours reaches wasmtime-py.

    wasmtime-py keeps the last exception of a host function in one global for all threads; only a
    WasmtimeError stays with its own call.
    """

    def run(_store: object, *arguments: Any) -> Any:
        guest = _guest()
        try:
            return function(guest.imports, *arguments)
        except wasmtime.WasmtimeError:
            raise
        except BaseException as error:  # noqa: BLE001  (see above: nothing else may leave)
            guest.imports.failure = error
            raise wasmtime.WasmtimeError("host import failed") from None

    return run


def link(engine: wasmtime.Engine, component: Component) -> Linker:
    """Everything that a guest is given. No function here returns a resource, so nothing of a guest lives in the host."""
    linker = Linker(engine)
    linker.allow_shadowing = True
    linker.define_unknown_imports_as_traps(component)
    names = {name.partition("@")[0]: name for name in component.type.imports(engine)}
    with linker.root() as root:
        root.add_func("call", _host(HostImports.call))
        root.add_func("context-read", _host(HostImports.context_read))
        for interface, functions in _POLITE.items():
            with root.add_instance(names[interface]) as instance:
                _define(instance, functions)
    return linker


def _define(instance: LinkerInstance, functions: dict[str, Callable[..., Any]]) -> None:
    for name, function in functions.items():
        instance.add_func(name, _host(function))


def _wall_clock(imports: HostImports) -> Record:
    seconds, nanoseconds = divmod(imports.clock_ns(), 1_000_000_000)
    now = Record()
    vars(now).update(seconds=seconds, nanoseconds=nanoseconds)
    return now


# The WASI functions that CPython needs to fail politely; all others trap.
_POLITE: dict[str, dict[str, Callable[..., Any]]] = {
    "wasi:cli/environment": {
        "get-environment": lambda imports: [],
        "get-arguments": lambda imports: [],
        "initial-cwd": lambda imports: None,
    },
    "wasi:filesystem/preopens": {"get-directories": lambda imports: []},
    "wasi:clocks/monotonic-clock": {"now": HostImports.clock_ns},
    "wasi:clocks/wall-clock": {"now": _wall_clock},
    "wasi:random/random": {
        "get-random-bytes": HostImports.random_bytes,
        "get-random-u64": lambda imports: int.from_bytes(imports.random_bytes(8)),
    },
}
