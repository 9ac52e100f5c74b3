"""JSON as text: pieces of it that can be decoded alone, and what in it is no Unicode text. Nothing is held as a whole."""

import functools
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from orchestrator.errors import InvalidRequest

PIECE = 1 << 20  # bytes of a JSON text that are decoded at once
_ESCAPE = 12  # bytes of the longest: a pair of surrogates
# Where a JSON string may be cut: a byte that begins a character, with no escape just before it.
_CUT = re.compile(rb"[^\\]{%d}(?=[\x00-\x7f\xc0-\xff])" % _ESCAPE, re.DOTALL)
# Whole characters and escapes, both halves of a pair of surrogates together: for a text that is nothing but escapes.
_WHOLE = re.compile(rb"(?:[^\\]+|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u(?![dD][89abAB])....|\\[^u])+", re.DOTALL)
_ANY_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|[^u])", re.DOTALL)
# The escape of half a pair of surrogates, without the other half.
_HALF = re.compile(rb"\\u[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\u[dD])[c-fC-F]..)", re.DOTALL)


def canonical(raw: Any) -> Iterator[bytes]:
    """A valid JSON value in pieces, written as `canonical_json` writes it: the same value has the same id, however it came.

    Numbers keep their digits.
    """
    view = memoryview(msgspec.json.format(raw, indent=-1))
    position = 0
    while position < len(view):
        end = _cut(view, position, len(view))
        piece = bytes(view[position:end])
        # The others are written here as they are.
        yield _ANY_ESCAPE.sub(_unescape, piece) if b"\\u" in piece or b"\\/" in piece else piece
        position = end


def canonical_json(value: Any) -> str:
    """Without white space that means nothing, and with no escape that is not needed. Raises RecursionError."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _unescape(found: "re.Match[bytes]") -> bytes:
    return _rewritten(found[0])


@functools.lru_cache(1 << 16)
def _rewritten(escape: bytes) -> bytes:
    text = json.loads(b'"' + escape + b'"')
    return json.dumps(text, ensure_ascii=False)[1:-1].encode()


def is_string(raw: Any) -> bool:
    return bytes(memoryview(raw)[:1]) == b'"'


def decoded_pieces(raw: Any) -> Iterator[str]:
    """The text of a valid JSON string."""
    view = memoryview(raw)
    position, stop = 1, len(view) - 1
    while position < stop:
        end = _cut(view, position, stop)
        yield msgspec.json.decode(b'"' + bytes(view[position:end]) + b'"', type=str)
        position = end


def _cut(view: memoryview, position: int, stop: int) -> int:
    """Behind position, at most PIECE bytes if there is any place to cut there."""
    if stop - position <= PIECE:
        return stop
    last = position + PIECE
    near = _CUT.search(view, max(position, last - 64 * _ESCAPE), last)
    if near is not None:
        return near.end()
    # The end that is looked at may cut what is last: it is left for the next piece.
    whole = _WHOLE.match(view, position, last - _ESCAPE)
    end = whole.end() if whole else last
    while end < stop and view[end] & 0xC0 == 0x80:
        end += 1
    return end


def check_utf8(body: Any) -> None:
    """Raises InvalidRequest with the byte of what is not."""
    view, position = memoryview(body), 0
    while position < len(view):
        piece = bytes(view[position : position + PIECE])
        last = position + len(piece) == len(view)
        try:
            piece.decode()
        except UnicodeDecodeError as error:
            # A character that the piece cuts is looked at with the next one.
            if last or error.end < len(piece) or len(piece) - error.start > 3:
                raise InvalidRequest(f"the body is not valid UTF-8 at byte {position + error.start}") from None
            piece = piece[: error.start]
        position += len(piece)


def explain_half(body: Any) -> None:
    """Raises InvalidRequest with the place of half a pair of surrogates, if that is why the body cannot be decoded.

    It is the decoder that refuses it, as broken JSON. So it is replaced by another escape of the same length, one that
    occurs nowhere else, which is looked for in what is decoded then.
    """
    found = next((each for each in _HALF.finditer(body) if _begins_escape(body, each.start())), None)
    if found is None:
        return
    content = bytearray(body)
    marker = next(each for each in _spellings() if each not in content)
    content[found.start() : found.start() + len(marker)] = marker
    for each in _HALF.finditer(content):
        if _begins_escape(content, each.start()):
            content[each.start() : each.start() + 6] = rb"\u0020"
    try:
        fields = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return
    for name, raw in fields.items():
        _explain_in(name, raw, marker)
    raise InvalidRequest("a key of the body: a lone surrogate is not text")


def _explain_in(place: str, raw: msgspec.Raw, marker: bytes) -> None:
    content = bytes(raw)
    if marker not in content:
        return
    if place == "documents" and content[:1] == b"[":
        for number, each in enumerate(msgspec.json.decode(raw, type=list[msgspec.Raw])):
            _explain_in(f"documents[{number}]", each, marker)
    before = content[: content.index(marker)]
    # Of a string the code points of its text, of any other value those of its JSON.
    position = len(json.loads(before + b'"')) if content[:1] == b'"' else len(before.decode())
    raise InvalidRequest(f"{place}: a lone surrogate at code point {position} is not text")


def _begins_escape(content: Any, position: int) -> bool:
    """Behind an odd number of backslashes there is none."""
    before = 0
    while before < position and content[position - 1 - before] == 0x5C:
        before += 1
    return before % 2 == 0


def _spellings() -> Iterator[bytes]:
    r"""\uffff, with large and small letters."""
    return (rb"\u" + "".join(each).encode() for each in itertools.product("fF", repeat=4))
