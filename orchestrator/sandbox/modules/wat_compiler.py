"""Compiles a module's text in a process of its own, whose time and memory are limited: hostile text can take all of both.

Run as a program with the seconds of CPU that it may take, this file reads the text from stdin and writes machine code to
stdout and the seconds that it took to stderr: 0, or 1 with the reason on stderr.
"""

import math
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import wasmtime

# A module is entered inside a host call, so on a stack that a guest may have used 32 MiB of already.
STACK = 1 << 20
MEMORY = 2 << 30  # address space of the compiler
MAX_CODE = 32 << 20  # bytes of machine code
POLL_SECONDS = 0.05
MOST_CPU_SECONDS = 10.0
WALL = 4  # seconds of the clock for one of CPU: a busy machine is slower
TOO_MUCH = "compiling it takes more time or memory than there is"


class Meter(Protocol):
    """What of limits.Meter is used here; as a program this file has nothing of the package to import."""

    cancelled: bool

    @property
    def left(self) -> float: ...

    def charge(self, seconds: float) -> None: ...

    def waiting(self) -> AbstractContextManager[None]: ...


MOST_AT_ONCE = 2  # compilers, whoever asks
_changed = threading.Condition()
_asked: list[object] = []  # in their order: the first MOST_AT_ONCE compile, and a cell asks for one at a time


@contextmanager
def _in_turn(meter: Meter) -> Iterator[None]:
    """Raises ValueError if the cell is cancelled while it waits."""
    own = object()
    try:
        with _changed:
            _asked.append(own)
            while own not in _asked[:MOST_AT_ONCE]:
                if meter.cancelled:
                    raise ValueError(TOO_MUCH)
                _changed.wait(POLL_SECONDS)
        yield
    finally:
        with _changed:
            _asked.remove(own)
            _changed.notify_all()


def configure() -> wasmtime.Config:
    """The configuration of the engine for modules."""
    config = wasmtime.Config()
    config.consume_fuel = True
    config.epoch_interruption = True
    config.max_wasm_stack = STACK
    # What no module of ours needs; the fewer features, the less to attack.
    config.wasm_multi_value = False
    config.wasm_threads = False
    config.wasm_multi_memory = False
    config.wasm_memory64 = False
    config.wasm_relaxed_simd = False
    config.wasm_gc = False
    config.wasm_function_references = False
    config.wasm_exceptions = False
    return config


def compile_text(text: str, meter: Meter) -> bytes:
    """Machine code, as `Module.serialize` gives it. Raises ValueError with the reason if there is none.

    The compiler's CPU is the cell's; waiting until one may begin is not.
    """
    with meter.waiting(), _in_turn(meter):
        status, code, said = _run_compiler(text, meter)
    reason = said.decode(errors="replace")
    if status == 1:
        raise ValueError(reason[:2000])
    if status != 0:
        raise ValueError(TOO_MUCH)
    meter.charge(float(reason))
    return code


def _run_compiler(text: str, meter: Meter) -> tuple[int, bytes, bytes]:
    """Exit status, stdout and stderr of the compiler."""
    allowed = min(MOST_CPU_SECONDS, meter.left)
    ends = time.monotonic() + allowed * WALL
    command = [sys.executable, "-I", __file__, str(math.ceil(allowed))]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env={}) as compiler:
        given: bytes | None = text.encode()
        while True:
            try:
                code, said = compiler.communicate(given, timeout=POLL_SECONDS)
            except subprocess.TimeoutExpired:
                given = None
                if meter.cancelled or time.monotonic() > ends:
                    compiler.kill()
            else:
                if compiler.returncode < 0:
                    meter.charge(allowed)
                return compiler.returncode, code, said


def machine_code(text: str) -> bytes:
    """Machine code for a text, without limits of time and memory: compile_text sets them. Raises ValueError."""
    config = configure()
    # Threads would each take a part of the address space.
    config.parallel_compilation = False
    try:
        code = bytes(wasmtime.Module(wasmtime.Engine(config), bytes(wasmtime.wat2wasm(text))).serialize())
    except wasmtime.WasmtimeError as error:
        raise ValueError(str(error)) from None
    if len(code) > MAX_CODE:
        raise ValueError(f"its machine code has {len(code)} bytes; {MAX_CODE} is the limit")
    return code


def _main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        sys.stdout.buffer.write(machine_code(sys.stdin.buffer.read().decode()))
        sys.stderr.write(str(time.process_time()))
    except ValueError as error:
        sys.stderr.write(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
