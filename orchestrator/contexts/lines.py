"""Lines of a context, found without an index of them: by counting what is before."""

from orchestrator.contexts.context import Context

PIECE = 1 << 20  # code points


def read_lines(context: Context, document: int, lines: tuple[int, int], most: int) -> tuple[int, str]:
    """Where lines (the first, from 0, and how many) begin, and their text, cut at `most` code points. \\n ends a line."""
    first, count = lines
    start = _find_line(context, document, 0, first)
    text = context.read(document, start, most)
    end = _find_end(text, count)
    return start, text[:end]


def _find_line(context: Context, document: int, position: int, number: int) -> int:
    """The code point where the line begins that is `number` lines behind the one at `position`; the end, if there are fewer."""
    while number:
        piece = context.read(document, position, PIECE)
        if not piece:
            return position
        found = piece.count("\n")
        if found >= number:
            return position + _find_end(piece, number)
        number -= found
        position += len(piece)
    return position


def _find_end(text: str, count: int) -> int:
    """Behind the end of line `count` (from 1); the end of the text, if there are fewer."""
    end = 0
    for _ in range(count):
        found = text.find("\n", end)
        if found < 0:
            return len(text)
        end = found + 1
    return end
