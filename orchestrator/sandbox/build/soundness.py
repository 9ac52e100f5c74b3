"""Makes a component whose linear memory is its whole state, or refuses it.

A fork is a new instance over a copy of the memory, so nothing else may change while a guest runs. That is so by
construction: an instruction that could change a table, or that is not known here, refuses the component
(instructions.py has the table); a function that sets a global other than the stack pointer (which every call leaves as it
was) becomes a trap. In what componentize-py builds these are functions of its start-up and of an adapter that nothing calls.

The data segments are taken out and returned as the memory that a new instance begins with: it is mapped, not copied.

A component may come from elsewhere (`rlm guest import`), so any bytes end in a Sound or a SandboxError, in bounded memory.
"""

from typing import NamedTuple

from orchestrator.errors import SandboxError
from orchestrator.sandbox.build import binary
from orchestrator.sandbox.build.binary import Reader, section, unsigned
from orchestrator.sandbox.build.instructions import BR_TABLE, GLOBAL_SET, HARMLESS, VALUE_TYPES

WASM_PAGE = 65536
MAX_PAGES = 4096  # that a memory begins with: 256 MiB; Python's has 13 MB
STACK_POINTER = "__stack_pointer"

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
                    # It would run in every fork, over a memory in which it has run already.
                    raise _refused("a module has a start function")

    def _read_imports(self, reader: Reader) -> None:
        """Finds the stack pointer. What is imported has the first numbers: so many globals are before the module's own."""
        imported = 0
        for _ in range(reader.unsigned()):
            reader.name()
            name = reader.name()
            match reader.byte():
                case 0:  # a function: its type
                    reader.unsigned()
                case 1:  # a table: the type of what is in it, its limits
                    _value_type(reader)
                    _limits(reader)
                case 2:  # a memory
                    _limits(reader)
                case 3:  # a global: its type, whether it can change
                    _value_type(reader)
                    reader.byte()
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
        # A trap in its place, so that the others keep their numbers.
        kept = (body if self._globals_set(body) <= self.stack_pointers else _TRAP for body in bodies)
        return unsigned(count) + b"".join(unsigned(len(body)) + body for body in kept)

    def _globals_set(self, body: bytes) -> set[int]:
        """The globals that a function sets. Raises SandboxError at an instruction that is not allowed."""
        reader = Reader(body)
        for _ in range(reader.unsigned()):  # its locals
            reader.unsigned()
            _value_type(reader)
        found = set()
        # One match takes all harmless instructions up to the next other one, in C: a loop in Python over the millions that
        # there are would take too long for every start.
        while (end := HARMLESS.match(body, reader.position).end()) < len(body):  # type: ignore[union-attr]  # it matches nothing, too
            reader.position = end
            instruction = reader.byte()
            if instruction == BR_TABLE:
                for _ in range(reader.unsigned() + 1):  # the labels, and the one for any other number
                    reader.unsigned()
            elif instruction == GLOBAL_SET:
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
        # What componentize-py nests only renames. A module in it would be code that is not looked at here.
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
        # A module that counts its data segments must have them.
        elif number != binary.DATA_COUNT:
            kept.append(section(number, content))
    return b"".join(kept), None if memory is None else bytes(memory)


def _fill(memory: bytearray | None, reader: Reader) -> None:
    """Writes the data segments where an instance would."""
    for _ in range(reader.unsigned()):
        # Active, in memory 0, at what an i32.const says: a passive one would be written when the code says so.
        if memory is None or reader.unsigned() != 0 or reader.byte() != 0x41:
            raise _refused("a data segment has no fixed place in the module's own memory")
        position = reader.signed() & 0xFFFFFFFF
        if reader.byte() != 0x0B:  # end: nothing is computed
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


def _value_type(reader: Reader) -> None:
    """Passes a type of one byte. Others are longer, and what follows would be read from within them."""
    kind = reader.byte()
    if kind not in VALUE_TYPES:
        raise _refused(f"a type is not allowed: {kind:02x}")


def _limits(reader: Reader) -> int:
    flags = reader.unsigned()  # 1: there is a maximum; 2: shared; 4: of 64 bits
    if flags > 1:
        raise _refused("a memory is shared, or not of 32 bits")
    minimum = reader.unsigned()
    if flags:
        reader.unsigned()
    return minimum


def _refused(why: str) -> SandboxError:
    return SandboxError(f"the guest cannot be forked: {why}")
