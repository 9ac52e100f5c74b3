"""Compiles a module's text in a process of its own, whose time and memory are limited: hostile text can take all of both.

Run as a program, this file reads the text from stdin and writes machine code to stdout: 0, or 1 with the reason on stderr.
"""

import resource
import subprocess
import sys
import threading
from collections.abc import Callable

import wasmtime

# A module is entered inside a host call, so on a stack that a guest may have used 32 MiB of already.
STACK = 1 << 20
MEMORY = 2 << 30  # address space of the compiler
MAX_CODE = 32 << 20  # bytes of machine code
POLL_SECONDS = 0.05
TOO_MUCH = "compiling it takes more time or memory than there is"

_free = threading.BoundedSemaphore(2)  # compilers at once, whoever asks


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


def compile_text(text: str, may_go_on: Callable[[], bool]) -> bytes:
    """Machine code, as `Module.serialize` gives it. Raises ValueError with the reason if there is none.

    `may_go_on` is asked now and then; if it says no, the compiler is ended.
    """
    while not _free.acquire(timeout=POLL_SECONDS):
        if not may_go_on():
            raise ValueError(TOO_MUCH)
    try:
        status, code, reason = _run_compiler(text, may_go_on)
    finally:
        _free.release()
    if status == 1:
        raise ValueError(reason.decode(errors="replace")[:2000])
    if status != 0:
        raise ValueError(TOO_MUCH)
    return code


def _run_compiler(text: str, may_go_on: Callable[[], bool]) -> tuple[int, bytes, bytes]:
    """Exit status, stdout and stderr of the compiler."""
    command = [sys.executable, "-I", __file__]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env={}) as compiler:
        given: bytes | None = text.encode()
        while True:
            try:
                code, reason = compiler.communicate(given, timeout=POLL_SECONDS)
            except subprocess.TimeoutExpired:
                given = None
                if not may_go_on():
                    compiler.kill()
            else:
                return compiler.returncode, code, reason


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
    try:
        sys.stdout.buffer.write(machine_code(sys.stdin.buffer.read().decode()))
    except ValueError as error:
        sys.stderr.write(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
