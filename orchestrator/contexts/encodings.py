"""Texts in bytes: UTF-8, or the encoding that a caller names. What is neither is never guessed, only described."""

import codecs
from collections.abc import Iterable

from orchestrator.errors import InvalidRequest, Undecodable

# Tried in this order to describe what is not UTF-8; most decode nearly everything, so the reader has to choose.
KNOWN = ("utf-8", "cp1252", "cp1251", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr")
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_NOT_OF_FILES = ("idna", "punycode", "utf-7")  # their decoders take time that grows with the square of a text
SAMPLE = 1 << 16  # bytes from a wrong one on that other encodings are tried with
AROUND = 64  # bytes before it
_SHOWN = 12  # of the example, on each side


def find_encoding(name: str) -> str:
    """Its one name. Raises InvalidRequest if there is no such encoding of text."""
    try:
        found = codecs.lookup(name).name
        "".encode(found)
        if found in _NOT_OF_FILES:
            raise LookupError
    except (LookupError, ValueError):
        raise InvalidRequest(
            f"encoding: there is no text encoding {name[:50]!r}; there are utf-16, cp1252, gb18030, ..."
        ) from None
    # What it does beside UTF-8, to leave out a byte order mark, is done for UTF-8 too.
    return "utf-8" if found == "utf-8-sig" else found


def explain(error: Undecodable, how: str) -> InvalidRequest:
    """With the encodings that fit, how the place reads in each, and `how` to choose one."""
    if not error.sample:
        return error
    if is_binary(error):
        return InvalidRequest(f"{error}, and looks like no text at all")
    fitting = ", ".join(_examples(error, _marked(error) or KNOWN))
    return InvalidRequest(f"{error}; it reads {fitting}: {how}" if fitting else f"{error}, nor in another known encoding")


def is_binary(error: Undecodable) -> bool:
    """Whether it looks like no text at all: only texts of two bytes a character have zeros, and begin with a mark."""
    return b"\0" in error.sample and not _marked(error)


def _marked(error: Undecodable) -> list[str]:
    return [name for mark, name in MARKS.items() if error.sample.startswith(mark)]


def _examples(error: Undecodable, names: Iterable[str]) -> Iterable[str]:
    for name in names:
        if example := _example(error.sample[: error.place], error.sample[error.place :], name):
            yield f"'{example}' in {name}"


def _example(before: bytes, behind: bytes, encoding: str) -> str:
    """The place as the encoding reads it; empty if it cannot."""
    try:
        # Of a longer text the sample may end within a character.
        follows = codecs.getincrementaldecoder(encoding)().decode(behind, final=len(behind) < SAMPLE)
        return f"{before.decode(encoding)[-_SHOWN:]}{follows[:_SHOWN]}"
    except UnicodeError:
        return ""
