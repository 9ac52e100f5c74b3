"""Texts in files: UTF-8, or the encoding that the user names. What is neither is never guessed, only described."""

from orchestrator.cli.say import visible
from orchestrator.errors import InvalidRequest

UTF8 = "utf-8"
# Tried in this order to describe what is not UTF-8; most decode nearly everything, so the reader has to choose.
KNOWN = (UTF8, "cp1252", "cp1251", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr")
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
AROUND = 12  # bytes before and behind what is not UTF-8, in an example


def decode(content: bytes, name: str, encoding: str) -> str:
    """The text of a file. Raises InvalidRequest, which begins with its `name`."""
    try:
        text = content.decode(encoding)
        if encoding != UTF8:
            text.encode()  # some codecs make what is no text
    except LookupError:
        raise InvalidRequest(
            f"--encoding: there is no text encoding {encoding!r}; there are utf-16, cp1252, gb18030, ..."
        ) from None
    except UnicodeError as error:
        place = f" at byte {error.start}" if isinstance(error, UnicodeDecodeError) else ""
        raise InvalidRequest(f"{name}: it is not {encoding.upper()}{place}{_describe(content, error)}") from None
    return text


def is_text(name: str) -> bool:
    """Whether the name of a file can be written in UTF-8; on Linux it need not be text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _describe(content: bytes, error: UnicodeError) -> str:
    """Which encodings fit, and how the place would read in each."""
    if b"\0" in content and not content.startswith(tuple(MARKS)):
        return ", and looks like no text at all"
    start = error.start if isinstance(error, UnicodeDecodeError) else 0
    names = [name for mark, name in MARKS.items() if content.startswith(mark)] or KNOWN
    fitting = [f"'{example}' in {name}" for name in names if (example := _example(content, name, start))]
    return f"; it reads {', '.join(fitting)}: choose with --encoding NAME" if fitting else ", nor in another known encoding"


def _example(content: bytes, encoding: str, start: int) -> str:
    """The place as the encoding reads it; empty if it cannot read the whole."""
    try:
        before, behind = content[:start].decode(encoding), content[start:].decode(encoding)
    except UnicodeError:
        return ""
    return visible(f"{before[-AROUND:]}{behind[:AROUND]}")
