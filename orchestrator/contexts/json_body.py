"""A JSON body with a context in it: the context is written to the store's folder, what is left of the body is small.

The body is never made into objects as a whole: its fields are slices of it, a text is decoded a piece at a time, a JSON
value stays the text that it is. So memory does not grow with what was sent, whatever it is.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from orchestrator.contexts.writer import ContextWriter
from orchestrator.errors import InvalidRequest

FIELDS = ("context", "documents", "messages")
_PIECE = 1 << 20  # bytes of a JSON text that are decoded at once
# Whole characters and escapes of a JSON string; both halves of a pair of surrogates together.
_WHOLE = re.compile(rb'(?:[^"\\]+|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u(?![dD][89abAB])....|\\[^u])+', re.DOTALL)
# An escaped half of a pair of surrogates without the other.
_HALF = re.compile(rb"\\u[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\u[dD])[c-fC-F]..)", re.DOTALL)


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message of a chat that is a context."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: msgspec.Raw
    name: str | None = None


class Taken(msgspec.Struct, frozen=True):
    """`rest`: the body's other fields, as JSON; the id of the context in it, and the finished file that is to become it."""

    rest: bytes
    identity: str | None = None
    path: str | None = None


def take(body: Any, folder: Path, max_bytes: int) -> Taken:
    """`body`: bytes, or a mapped file. Raises InvalidRequest, NoRoom, OSError."""
    fields = _fields(body)
    inline = [name for name in FIELDS if name in fields]
    rest = {name: _checked(name, raw) for name, raw in fields.items() if name not in FIELDS}
    encoded = msgspec.json.encode(rest)
    if not inline:
        return Taken(encoded)
    if len(inline) > 1 or "context_id" in fields:
        raise InvalidRequest("send exactly one of context, context_id, documents and messages")
    [name] = inline
    kind = {"context": "text" if _is_string(fields[name]) else "json"}.get(name, name)
    writer = ContextWriter(folder, kind, max_bytes=max_bytes)  # type: ignore[arg-type]  # the kinds are those of Kind
    try:
        _write(writer, name, fields[name])
        return Taken(encoded, writer.finish(), str(writer.path))
    except BaseException:
        writer.discard()
        raise


def _fields(body: Any) -> dict[str, msgspec.Raw]:
    _check_utf8(body)
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except RecursionError:
        raise InvalidRequest("the body is not valid JSON: it is nested too deeply") from None
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"the body is not a JSON object: {error}") from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the body is not valid JSON: {error}") from None


def _check_utf8(body: Any) -> None:
    """Piece by piece; a character that a piece cuts is looked at with the next one."""
    view, position = memoryview(body), 0
    while position < len(view):
        piece = bytes(view[position : position + _PIECE])
        last = position + len(piece) == len(view)
        try:
            piece.decode()
        except UnicodeDecodeError as error:
            if last or error.end < len(piece) or len(piece) - error.start > 3:
                raise InvalidRequest(f"the body is not valid UTF-8 at byte {position + error.start}") from None
            piece = piece[: error.start]
        position += len(piece)


def _write(writer: ContextWriter, name: str, raw: msgspec.Raw) -> None:
    match name:
        case "documents":
            _write_documents(writer, raw)
        case "messages":
            messages = _decoded(name, raw, list[ChatMessage])
            writer.write_text(json.dumps(msgspec.to_builtins(messages), ensure_ascii=False))
            writer.end_document()
        case _ if _is_string(raw):
            _write_string(writer, name, raw)
            writer.end_document()
        case _:
            _check_halves(name, raw)
            for piece in _pieces(raw):
                writer.write(piece)
            writer.end_document()


def _write_documents(writer: ContextWriter, raw: msgspec.Raw) -> None:
    for number, each in enumerate(_decoded("documents", raw, list[msgspec.Raw])):
        place = f"documents[{number}]"
        document = _Document(each) if _is_string(each) else _decoded(place, each, _Document)
        if not _is_string(document.text):
            raise InvalidRequest(f'{place}: a document is a text, or {{"name": ..., "text": ...}}')
        _write_string(writer, place, document.text)
        writer.end_document(document.name)


def _write_string(writer: ContextWriter, place: str, raw: msgspec.Raw) -> None:
    try:
        for piece in _decoded_pieces(raw):
            writer.write_text(piece)
    except InvalidRequest as error:
        raise InvalidRequest(f"{place}: {error}") from None


def _decoded_pieces(raw: msgspec.Raw) -> Iterator[str]:
    """The text of a JSON string. A lone surrogate stays in it: whoever writes it refuses it, and knows the place."""
    view = memoryview(raw)
    position, stop = 1, len(view) - 1
    while position < stop:
        end = min(position + _PIECE, stop)
        while end < stop and view[end] & 0xC0 == 0x80:  # within a character
            end += 1
        found = _WHOLE.match(view, position, end)
        if found is None:  # half of a pair, or what the end of the piece cuts
            end = min(position + 12, stop)
            yield json.loads(b'"' + bytes(view[position : position + 6]) + b'"')
            position += 6
            continue
        yield msgspec.json.decode(b'"' + found[0] + b'"', type=str)
        position = found.end()


def _pieces(raw: msgspec.Raw) -> Iterator[bytes]:
    view = memoryview(raw)
    for start in range(0, len(view), _PIECE):
        yield bytes(view[start : start + _PIECE])


def _checked(name: str, raw: msgspec.Raw) -> msgspec.Raw:
    _check_halves(name, raw)
    return raw


def _check_halves(name: str, raw: msgspec.Raw) -> None:
    view = memoryview(raw)
    for found in _HALF.finditer(view):
        before = bytes(view[: found.start()])
        # Behind an odd number of backslashes it is no escape.
        if (len(before) - len(before.rstrip(b"\\"))) % 2 == 0:
            place = len(before.decode()) - _is_string(raw)
            raise InvalidRequest(f"{name}: a lone surrogate at code point {place} is not text")


def _is_string(raw: msgspec.Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == b'"'


def _decoded(place: str, raw: msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$")
        raise InvalidRequest(f"{place}{where.rstrip('`')}: {problem}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f"{place}: {error}") from None
