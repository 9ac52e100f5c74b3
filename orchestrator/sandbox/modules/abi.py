"""Version 1 of the ABI of modules (guest_sdk/README.md): what a module must export, and all that it may import."""

import wasmtime
from wasmtime import FuncType, ValType

from orchestrator.sandbox.modules import imports

VERSION = 1

_I32 = ValType.i32
_RUN = FuncType([_I32(), _I32()], [_I32()])
_EXPORTS = {"alloc": FuncType([_I32()], [_I32()]), "rlm_abi_version": FuncType([], [_I32()])}


def why_outside_abi(module: wasmtime.Module, function: str) -> str | None:
    """Why it is not a module of this ABI, if it is not."""
    for each in module.imports:
        allowed = imports.IMPORTS.get(each.name or "") if each.module == "rlm" else None
        if allowed is None:
            names = ", ".join(imports.IMPORTS)
            imported = f"{each.module}.{each.name}"
            return f"it imports {imported[:100]}, which is not of the ABI (module rlm: {names})"
        if not isinstance(each.type, FuncType) or not _same(each.type, FuncType(allowed[0], allowed[1])):
            return f"it imports rlm.{each.name} with another type than the ABI's"
    exports = {each.name: each.type for each in module.exports}
    if not isinstance(exports.get("memory"), wasmtime.MemoryType):
        return "it does not export its memory as memory"
    for name, kind in (_EXPORTS | {function: _RUN}).items():
        found = exports.get(name)
        if not isinstance(found, FuncType) or not _same(found, kind):
            return f"it does not export the function {name[:100]!r} of the ABI: {_signature(kind)}"
    return None


def _same(one: FuncType, other: FuncType) -> bool:
    return _signature(one) == _signature(other)


def _signature(kind: FuncType) -> str:
    def names(types: list[ValType]) -> str:
        return ", ".join(map(str, types))

    return f"({names(kind.params)}) -> ({names(kind.results)})"
