"""Compiles a module's text in a process of its own, whose time and memory are limited: hostile text can take all of both.

Run as a program, this file reads the text from stdin and writes machine code to stdout: 0, or 1 with the reason on stderr.
"""

import resource
import subprocess
import sys
from collections.abc import Callable

import wasmtime

# A module is entered inside a host call, so on a stack that a guest may have used 32 MiB of already.
STACK = 1 << 20
MEMORY = 2 << 30  # address space of the compiler
MAX_CODE = 32 << 20  # bytes of machine code
POLL_SECONDS = 0.05


def configured() -> wasmtime.Config:
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
    """Machine code, as `Module.serialize` gives it. Raises ValueError with the reason where there is none.

    `may_go_on` is asked now and then; where it says no, the compiler is ended.
    """
    command = [sys.executable, "-I", __file__]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env={}) as compiler:
        given: bytes | None = text.encode()
        while True:
            try:
                code, reason = compiler.communicate(given, timeout=POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                given = None
                if not may_go_on():
                    compiler.kill()
    if compiler.returncode == 1:
        raise ValueError(reason.decode(errors="replace")[:2000])
    if compiler.returncode != 0:
        raise ValueError("compiling it takes more time or memory than there is")
    return code


def machine_code(text: str) -> bytes:
    """The same without limits of time and memory. Raises ValueError."""
    config = configured()
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
