"""A JSON body with a context in it: the context is written to the store's folder, what is left of the body is small.

The body is never made into objects as a whole: its fields are slices of it, a text is decoded a piece at a time, a JSON
value stays the text that it is. So memory does not grow with what was sent, whatever it is.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from orchestrator.contexts.json_text import canonical, canonical_json, check_utf8, decoded_pieces, explain_half, is_string
from orchestrator.contexts.writer import ContextWriter
from orchestrator.errors import InvalidRequest

MOST_REST = 1 << 20  # bytes of the fields beside a context, the question among them
FIELDS = ("context", "documents", "messages")


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message of a chat that is a context, as servers of models take it; what it holds is kept as it was sent."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None
    name: str | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    tool_calls: list[dict[str, Any]] | UnsetType | None = UNSET
    tool_call_id: str | UnsetType | None = UNSET


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
    rest = {name: raw for name, raw in fields.items() if name not in FIELDS}
    size = sum(len(memoryview(raw)) for raw in rest.values())
    if size > MOST_REST:
        raise InvalidRequest(
            f"the body has {size} bytes beside the context, at most {MOST_REST} are read: the input belongs into context, "
            "documents or messages"
        )
    encoded = msgspec.json.encode(rest)
    if not inline:
        return Taken(encoded)
    if len(inline) > 1 or "context_id" in fields:
        raise InvalidRequest("send exactly one of context, context_id, documents, messages and after")
    [name] = inline
    kind = {"context": "text" if is_string(fields[name]) else "json"}.get(name, name)
    writer = ContextWriter(folder, kind, max_bytes=max_bytes)  # type: ignore[arg-type]  # the kinds are those of Kind
    try:
        _write(writer, name, fields[name])
        return Taken(encoded, writer.finish(), str(writer.path))
    except BaseException:
        writer.discard()
        raise


def _fields(body: Any) -> dict[str, msgspec.Raw]:
    check_utf8(body)
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except RecursionError:
        raise InvalidRequest("the body is not valid JSON: it is nested too deeply") from None
    except msgspec.ValidationError as error:
        raise InvalidRequest(str(error)) from None
    except msgspec.DecodeError as error:
        explain_half(body)
        raise InvalidRequest(f"the body is not valid JSON: {error}") from None


def _write(writer: ContextWriter, name: str, raw: msgspec.Raw) -> None:
    match name:
        case "documents":
            _write_documents(writer, raw)
        case "messages":
            messages = _decode(name, raw, list[ChatMessage])
            writer.write_text(canonical_json(msgspec.to_builtins(messages)))
            writer.end_document()
        case _ if is_string(raw):
            _write_string(writer, raw)
            writer.end_document()
        case _:
            for piece in canonical(raw):
                writer.write(piece)
            writer.end_document()


def _write_documents(writer: ContextWriter, raw: msgspec.Raw) -> None:
    for number, each in enumerate(_decode("documents", raw, list[msgspec.Raw])):
        place = f"documents[{number}]"
        document = _Document(each) if bytes(memoryview(each)[:1]) != b"{" else _decode(place, each, _Document)
        if not is_string(document.text):
            raise InvalidRequest(f'{place}: a document is a text, or {{"name": ..., "text": ...}}')
        _write_string(writer, document.text)
        writer.end_document(document.name)


def _write_string(writer: ContextWriter, raw: msgspec.Raw) -> None:
    for piece in decoded_pieces(raw):
        writer.write_text(piece)


def _decode(place: str, raw: msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$")
        raise InvalidRequest(f"{place}{where.rstrip('`')}: {problem}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f"{place}: {error}") from None
