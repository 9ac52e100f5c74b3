"""What a module works on: texts as one sequence of UTF-8 bytes. Positions are bytes."""

from orchestrator.contexts.context import Context


class ContextBytes:
    """All documents of a context, one behind the other."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.length = context.byte_length

    def read(self, start: int, length: int) -> bytes:
        """Bytes [start, start + length), cut at the end."""
        return self._context.read_bytes(start, length)


class TextBytes:
    """A text that a cell handed over."""

    def __init__(self, text: str) -> None:
        self._content = text.encode()
        self.length = len(self._content)

    def read(self, start: int, length: int) -> bytes:
        """Bytes [start, start + length), cut at the end."""
        return self._content[start : start + length]
