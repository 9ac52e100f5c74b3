"""What a guest is linked to: the imports of host_imports.py, and the WASI functions that CPython needs to fail politely."""

from collections.abc import Callable
from typing import Any

import wasmtime
from wasmtime.component import Component, Linker, LinkerInstance, Record

from orchestrator.errors import SandboxError
from orchestrator.sandbox import host_imports
from orchestrator.sandbox.entered import entered
from orchestrator.sandbox.execution import CLOCK_STEP_NS, Execution


def _host(function: Callable[..., Any]) -> Callable[..., Any]:
    """A host function: no exception of ours reaches wasmtime-py.

    wasmtime-py keeps the last exception of a host function in one global for all threads; only a
    WasmtimeError stays with its own call.
    """

    def run(_store: object, *arguments: Any) -> Any:
        execution: Execution = entered()
        try:
            return function(execution, *arguments)
        except wasmtime.WasmtimeError:
            raise
        except BaseException as error:  # noqa: BLE001  (see above: nothing else may leave)
            raise execution.fail(error) from None

    return run


def link(engine: wasmtime.Engine, component: Component) -> Linker:
    """Everything that a guest is given. No function here returns a resource, so nothing of a guest lives in the host.

    Raises SandboxError where the component is not one of ours.
    """
    linker = Linker(engine)
    linker.allow_shadowing = True
    linker.define_unknown_imports_as_traps(component)
    names = {name.partition("@")[0]: name for name in component.type.imports(engine)}
    if missing := _POLITE.keys() - names.keys():
        raise SandboxError(f"the component is no guest of this program: it does not import {min(missing)}")
    with linker.root() as root:
        root.add_func("call", _host(host_imports.call))
        root.add_func("context-read", _host(host_imports.context_read))
        for interface, functions in _POLITE.items():
            with root.add_instance(names[interface]) as instance:
                _define(instance, functions)
    return linker


def _define(instance: LinkerInstance, functions: dict[str, Callable[..., Any]]) -> None:
    for name, function in functions.items():
        instance.add_func(name, _host(function))


def _datetime(time_ns: int) -> Record:
    """As the wall clock gives times and its own resolution."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    record = Record()
    vars(record).update(seconds=seconds, nanoseconds=nanoseconds)
    return record


# The WASI functions that CPython needs to fail politely; all others trap.
_POLITE: dict[str, dict[str, Callable[..., Any]]] = {
    "wasi:cli/environment": {
        "get-environment": lambda execution: [],
        "get-arguments": lambda execution: [],
        "initial-cwd": lambda execution: None,
    },
    "wasi:filesystem/preopens": {"get-directories": lambda execution: []},
    "wasi:clocks/monotonic-clock": {
        "now": host_imports.read_clock,
        "resolution": lambda execution: CLOCK_STEP_NS,
    },
    "wasi:clocks/wall-clock": {
        "now": lambda execution: _datetime(host_imports.read_clock(execution)),
        "resolution": lambda execution: _datetime(CLOCK_STEP_NS),
    },
    "wasi:random/random": {
        "get-random-bytes": host_imports.random_bytes,
        "get-random-u64": lambda execution: int.from_bytes(host_imports.random_bytes(execution, 8)),
    },
}
