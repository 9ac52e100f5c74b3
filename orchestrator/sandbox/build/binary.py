"""Reading and writing the WebAssembly binary format, as far as soundness.py needs it (WebAssembly core spec, chapter 5)."""

from collections.abc import Iterator

MAGIC = b"\0asm"
LAYER = slice(6, 8)  # of the preamble: 0 for a module, 1 for a component
PREAMBLE = 8
LONGEST = 63  # bits of a number; without it, one of a megabyte takes hours

# Sections of a core module, and the two of a component that hold others.
TYPE, IMPORT, MEMORY, GLOBAL, EXPORT, START, CODE, DATA, DATA_COUNT = 1, 2, 5, 6, 7, 8, 10, 11, 12
CORE_MODULE, NESTED_COMPONENT = 1, 4


class Reader:
    """Reads values one after the other. Raises IndexError or ValueError at a broken end."""

    def __init__(self, content: bytes, position: int = 0) -> None:
        self.content = content
        self.position = position

    @property
    def left(self) -> bool:
        return self.position < len(self.content)

    def byte(self) -> int:
        self.position += 1
        return self.content[self.position - 1]

    def unsigned(self) -> int:
        """An LEB128 number."""
        result = shift = 0
        while (byte := self.byte()) >= 0x80:
            result |= (byte & 0x7F) << shift
            shift += 7
            if shift > LONGEST:
                raise ValueError("a number is too long")
        return result | byte << shift

    def signed(self) -> int:
        """A signed LEB128 number."""
        start = self.position
        value = self.unsigned()
        bits = 7 * (self.position - start)
        return value - (1 << bits) if value >> (bits - 1) else value

    def take(self, length: int) -> bytes:
        self.position += length
        if self.position > len(self.content):
            raise ValueError("the binary ends too early")
        return self.content[self.position - length : self.position]

    def name(self) -> str:
        return self.take(self.unsigned()).decode()

    def sections(self) -> Iterator[tuple[int, bytes]]:
        """(id, content) of a module or component whose preamble was read."""
        while self.left:
            number = self.byte()
            yield number, self.take(self.unsigned())


def unsigned(value: int) -> bytes:
    """As LEB128."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + unsigned(len(content)) + content
