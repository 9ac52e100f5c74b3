"""Makes a component whose linear memory is its whole state, or refuses it.

A fork is a new instance over a copy of the memory, so nothing else may change while a guest runs. That is so by
construction: an instruction that could change a table, or that is not known here, refuses the component; a function
that sets a global other than the stack pointer (which every call leaves as it was) becomes a trap. In what
componentize-py builds these are functions of its start-up and of an adapter that nothing calls.

The data segments are taken out and returned as the memory that a new instance begins with: it is mapped, not copied.

A component may come from elsewhere (`rlm guest import`), so any bytes end in a Sound or a SandboxError, in bounded memory.
"""

import re
from typing import NamedTuple

from orchestrator.errors import SandboxError
from orchestrator.sandbox.build import binary
from orchestrator.sandbox.build.binary import Reader, section, unsigned

WASM_PAGE = 65536
MAX_PAGES = 4096  # that a memory begins with: 256 MiB; Python's has 13 MB
STACK_POINTER = "__stack_pointer"

_NUMBER = rb"[\x80-\xff]*[\x00-\x7f]"
# Of one byte each. A typed reference has more, in which another instruction could hide: nothing here uses one.
_VALUE_TYPES = b"\x6f\x70\x7c-\x7f"
# Instructions that touch nothing but the operand stack, locals, memory, calls and branches.
_HARMLESS = re.compile(
    rb"(?:[\x00\x01\x05\x0b\x0f\x1a\x1b\x45-\xc4\xd1]"
    rb"|[\x02\x03\x04](?![\x63\x64])"
    + _NUMBER
    + rb"|[\x0c\x0d\x10\x20-\x23\x25\x3f-\x42\xd0\xd2]"
    + _NUMBER
    + rb"|[\x28-\x3e][\x00-\x3f]"
    + _NUMBER
    + rb"|\x11"
    + _NUMBER
    + _NUMBER
    + rb"|\x43.{4}|\x44.{8}|\x1c\x01["
    + _VALUE_TYPES
    + rb"]"
    rb"|\xfc(?:[\x00-\x07]|\x0a\x00\x00|\x0b\x00|\x10" + _NUMBER + rb"))*",
    re.DOTALL,
)
_IS_VALUE_TYPE = re.compile(b"[" + _VALUE_TYPES + b"]")
_BR_TABLE, _GLOBAL_SET = 0x0E, 0x24
_TRAP = b"\x00\x00\x0b"  # a function body: no locals, unreachable, end


class Sound(NamedTuple):
    """`component` has no data segments; `memory` is what its memory holds when an instance is made."""

    component: bytes
    memory: bytes


class _Module:
    """One core module: what it imports and defines, as far as it decides what its code may do."""

    def __init__(self, content: bytes) -> None:
        self.sections = list(_body(content, layer=0).sections())
        self.stack_pointers: set[int] = set()
        self.memory_pages: int | None = None
        for number, section_content in self.sections:
            reader = Reader(section_content)
            match number:
                case binary.IMPORT:
                    self._read_imports(reader)
                case binary.MEMORY:
                    self.memory_pages = _one_memory(reader)
                case binary.EXPORT:
                    self._read_exports(reader)
                case binary.START:
                    raise _refused("a module has a start function")

    def _read_imports(self, reader: Reader) -> None:
        imported = 0
        for _ in range(reader.unsigned()):
            reader.name()
            name = reader.name()
            match reader.byte():
                case 0:
                    reader.unsigned()
                case 1:
                    reader.byte()
                    _limits(reader)
                case 2:
                    _limits(reader)
                case 3:
                    reader.take(2)
                    if name == STACK_POINTER:
                        self.stack_pointers.add(imported)
                    imported += 1
                case _:
                    raise _refused("a module imports something unknown")

    def _read_exports(self, reader: Reader) -> None:
        for _ in range(reader.unsigned()):
            name, kind, index = reader.name(), reader.byte(), reader.unsigned()
            if (name, kind) == (STACK_POINTER, 3):
                self.stack_pointers.add(index)

    def sound_code(self, content: bytes) -> bytes:
        """The code section, with traps for functions that set other globals."""
        reader = Reader(content)
        count = reader.unsigned()
        bodies = (reader.take(reader.unsigned()) for _ in range(count))
        kept = (body if self._globals_set(body) <= self.stack_pointers else _TRAP for body in bodies)
        return unsigned(count) + b"".join(unsigned(len(body)) + body for body in kept)

    def _globals_set(self, body: bytes) -> set[int]:
        """The globals that a function sets. Raises SandboxError at an instruction that is not allowed."""
        reader = Reader(body)
        for _ in range(reader.unsigned()):  # its locals
            reader.unsigned()
            if not _IS_VALUE_TYPE.match(reader.take(1)):
                raise _refused("a local has a type that is not known here")
        found = set()
        while (end := _HARMLESS.match(body, reader.position).end()) < len(body):  # type: ignore[union-attr]  # it matches nothing, too
            reader.position = end
            instruction = reader.byte()
            if instruction == _BR_TABLE:
                for _ in range(reader.unsigned() + 1):
                    reader.unsigned()
            elif instruction == _GLOBAL_SET:
                found.add(reader.unsigned())
            else:
                raise _refused(f"an instruction is not allowed: {body[end : end + 2].hex(' ')}")
        return found


def make_sound(component: bytes) -> Sound:
    """Raises SandboxError where the memory would not be the whole state."""
    try:
        return _sound_component(component)
    except (IndexError, ValueError):
        raise _refused("it is cut off or damaged") from None


def _sound_component(component: bytes) -> Sound:
    parts = [component[: binary.PREAMBLE]]
    memory = None
    for number, content in _body(component, layer=1).sections():
        if number == binary.NESTED_COMPONENT and b"\0asm\x01\0\0\0" in content:
            raise _refused("a nested component has a module")
        if number != binary.CORE_MODULE:
            parts.append(section(number, content))
            continue
        stripped, own = _sound_module(_Module(content))
        if own is not None and memory is not None:
            raise _refused("it has several memories")
        parts.append(section(number, content[: binary.PREAMBLE] + stripped))
        memory = memory if own is None else own
    if memory is None:
        raise _refused("it has no memory")
    return Sound(b"".join(parts), memory)


def _sound_module(module: _Module) -> tuple[bytes, bytes | None]:
    """The module without data, and what its own memory holds at first; None where it has none of its own."""
    memory = None if module.memory_pages is None else bytearray(module.memory_pages * WASM_PAGE)
    kept = []
    for number, content in module.sections:
        if number == binary.DATA:
            _fill(memory, Reader(content))
        elif number == binary.CODE:
            kept.append(section(number, module.sound_code(content)))
        elif number != binary.DATA_COUNT:
            kept.append(section(number, content))
    return b"".join(kept), None if memory is None else bytes(memory)


def _fill(memory: bytearray | None, reader: Reader) -> None:
    for _ in range(reader.unsigned()):
        if memory is None or reader.unsigned() != 0 or reader.byte() != 0x41:
            raise _refused("a data segment has no fixed place in the module's own memory")
        position = reader.signed() & 0xFFFFFFFF
        if reader.byte() != 0x0B:
            raise _refused("a data segment has no fixed place in the module's own memory")
        content = reader.take(reader.unsigned())
        if position + len(content) > len(memory):
            raise _refused("a data segment lies outside the memory")
        memory[position : position + len(content)] = content


def _body(content: bytes, layer: int) -> Reader:
    if content[:4] != binary.MAGIC or int.from_bytes(content[binary.LAYER], "little") != layer:
        raise _refused("it is no WebAssembly component" if layer else "it holds something that is no module")
    return Reader(content, binary.PREAMBLE)


def _one_memory(reader: Reader) -> int:
    """Its size at first, in wasm pages."""
    if reader.unsigned() != 1:
        raise _refused("a module has several memories")
    pages = _limits(reader)
    if pages > MAX_PAGES:
        raise _refused(f"its memory begins with {pages} pages of {WASM_PAGE} bytes; {MAX_PAGES} is the limit")
    return pages


def _limits(reader: Reader) -> int:
    flags = reader.unsigned()
    if flags > 1:
        raise _refused("a memory is shared, or not of 32 bits")
    minimum = reader.unsigned()
    if flags:
        reader.unsigned()
    return minimum


def _refused(why: str) -> SandboxError:
    return SandboxError(f"the guest cannot be forked: {why}")
