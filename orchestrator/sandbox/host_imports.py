"""THE TRUST BOUNDARY. Everything that a guest can ask of the host is in this file (a module: in modules/imports.py).

Every argument is hostile: its type comes from the component's own interface, its length and range are checked
here. A change here needs a row in tests/sandbox/test_escapes.py. What is not defined here traps.

An exception that leaves a host import kills the instance, so a failure is returned as `err`, as JSON
{"type", "message"}; the guest raises it.
"""

import asyncio
import hashlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import msgspec
import wasmtime
from wasmtime.component import Variant

from orchestrator.contexts.context import Context
from orchestrator.contexts.utf8 import UTF8
from orchestrator.errors import BudgetExceeded, ModuleError, SandboxError
from orchestrator.sandbox.limits import Effects, Meter
from orchestrator.sandbox.modules.imports import Call

MAX_READ = 16 << 20  # code points of one context_read
MAX_PROMPTS = 10_000  # of one llm_query
MAX_BATCH_CHARS = 20_000_000  # of all prompts of one llm_query; wasmtime itself stops at 128 MiB
MAX_TEXT_CHARS = 20_000_000  # of the text that a cell hands to a module
MAX_RESULTS = 64 << 20  # bytes of what one cell is given through the host import; it is kept in the journal
MAX_CALLS = 10_000  # of one cell; each is kept in the journal
MAX_RANDOM_BYTES = 1 << 16
CLOCK_STEP_NS = 1_000_000  # the run's clock advances by this at every reading


class SubReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to one prompt, or why there is none."""

    text: str | None = None
    error: str | None = None


class CallRecord(msgspec.Struct, frozen=True):
    """One call through the host import: the sha256 of its arguments, what came back, as JSON, and the fuel it took."""

    name: str
    arguments_sha256: str
    result: msgspec.Raw
    error: Any
    fuel: int


Ask = Callable[[list[str]], Awaitable[list[SubReply]]]


class _Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prompts: list[str]


class _ModuleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`text` takes the place of the context."""

    function: str
    args: dict[str, Any]
    text: str | None = None


class _NamedModule(_ModuleRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    module: str


class _WrittenModule(_ModuleRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    wat: str


class ModuleRunner(Protocol):
    """What runs modules."""

    def run(self, name: str, request: bytes, call: Call, fuel: int) -> bytes: ...

    def run_wat(self, wat: str, function: str, request: bytes, call: Call, fuel: int) -> bytes: ...


class Entered(Protocol):
    """The instance that runs on this thread. `fuel_left`: what its cell has left, which a module takes from."""

    imports: "HostImports"
    meter: Meter
    fuel_left: int

    @property
    def modules(self) -> ModuleRunner: ...


class Refused(Exception):
    """Why a call has no result: raised in the guest as `kind`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


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
        self.module_fuel = 0  # of the call that is answered
        self.begin_cell()
        # An error of ours inside a host import: it kills the instance, but is no doing of the cell.
        self.failure: BaseException | None = None

    def begin_cell(self) -> None:
        """What follows is recorded for the next cell."""
        self.calls: list[CallRecord] = []
        self._result_bytes = 0
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
        self.module_fuel = 0
        result, error = msgspec.Raw(b"null"), None
        try:
            result = self._bounded(self.answer(name, arguments, digest))
        except Refused as refused:
            error = {"type": refused.kind, "message": str(refused)}
        self.calls.append(CallRecord(name[:100], digest, result, error, self.module_fuel))
        if self.module_fuel:
            guest().fuel_left -= self.module_fuel
        return Variant("err", msgspec.json.encode(error).decode()) if error else Variant("ok", bytes(result).decode())

    def _bounded(self, result: msgspec.Raw) -> msgspec.Raw:
        self._result_bytes += len(bytes(result))
        if self._result_bytes > MAX_RESULTS:
            raise Refused("ValueError", f"one cell may be given at most {MAX_RESULTS >> 20} MiB of results")
        return result

    def answer(self, name: str, arguments: str, digest: str) -> msgspec.Raw:
        """The dispatch table: what the guest is given, as JSON. Raises Refused."""
        match name:
            case "llm_query":
                return msgspec.Raw(msgspec.json.encode(self._replies(_decoded(name, arguments, _Query).prompts)))
            case "module":
                return self._module(_decoded(name, arguments, _NamedModule))
            case "wasm_wat":
                return self._wasm_wat(_decoded(name, arguments, _WrittenModule))
        raise Refused("ValueError", "there is no such host import")

    def _replies(self, prompts: list[str]) -> list[SubReply]:
        if not 1 <= len(prompts) <= MAX_PROMPTS:
            raise Refused("ValueError", f"llm_query: 1 to {MAX_PROMPTS} prompts at once, not {len(prompts)}")
        if sum(map(len, prompts)) > MAX_BATCH_CHARS:
            raise Refused("ValueError", f"llm_query: at most {MAX_BATCH_CHARS} characters at once")
        try:
            return self._wait(prompts)
        except BudgetExceeded as error:
            raise Refused("BudgetError", str(error)) from None

    def _module(self, asked: _NamedModule) -> msgspec.Raw:
        return self._ran(asked.module, asked, lambda *given: guest().modules.run(asked.module, *given))

    def _wasm_wat(self, asked: _WrittenModule) -> msgspec.Raw:
        return self._ran("wasm_wat", asked, lambda *given: guest().modules.run_wat(asked.wat, asked.function, *given))

    def _ran(self, name: str, asked: _ModuleRequest, run: Callable[[bytes, Call, int], bytes]) -> msgspec.Raw:
        if asked.text is not None and len(asked.text) > MAX_TEXT_CHARS:
            raise Refused("ValueError", f"{name}: text may have at most {MAX_TEXT_CHARS} characters")
        source = self._context.utf8 if asked.text is None else UTF8((asked.text,))
        documents = source.lengths if asked.text is None and self._context.kind == "documents" else None
        call = Call(source, lambda prompts: msgspec.json.encode(self._replies(_decoded("llm_query", prompts, list[str]))))
        try:
            request = msgspec.json.encode({"function": asked.function, "args": asked.args, "documents": documents})
            return _plain(run(request, call, guest().fuel_left))
        except ModuleError as error:
            raise Refused("ModuleError", f"{name}.{asked.function}: {error}") from None
        except (msgspec.DecodeError, UnicodeError, OverflowError, RecursionError) as error:
            raise Refused("ModuleError", f"{name}.{asked.function}: its result is not JSON: {error}") from None
        finally:
            self.module_fuel = call.fuel

    def _wait(self, prompts: list[str]) -> list[SubReply]:
        """The one bridge from a guest's thread to the event loop."""
        if self._ask is None or self._loop is None:
            raise SandboxError("a guest called a model before its first cell")
        self._pending = asyncio.run_coroutine_threadsafe(_awaited(self._ask(prompts)), self._loop)
        if self._cancelled:
            self._pending.cancel()
        try:
            with guest().meter.waiting():
                return self._pending.result()
        finally:
            self._pending = None

    def cancel(self) -> None:
        """Ends the sub-calls that are under way, and lets no more begin."""
        self._cancelled = True
        if pending := self._pending:
            pending.cancel()


Decoded = TypeVar("Decoded")


def _decoded(name: str, text: str | bytes, kind: type[Decoded]) -> Decoded:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Refused("TypeError", f"{name}: {error}") from None


def _plain(result: bytes) -> msgspec.Raw:
    """JSON that was read and written again, as the journal may do."""
    return msgspec.Raw(msgspec.json.encode(msgspec.json.decode(result)))


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


def guest() -> Entered:
    guest: Entered = entered.guest
    return guest
