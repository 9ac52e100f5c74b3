"""JSON bodies, strictly: what is not Unicode text is refused with its place, never altered."""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Request

from orchestrator.errors import InvalidRequest

# A body larger than this is decoded on a thread, so that other requests go on.
LARGE = 1 << 20


class StrictRequest(Request[Any, Any, Any]):
    async def json(self) -> Any:
        """The decoded body. Raises InvalidRequest."""
        body = await self.body()
        if len(body) > LARGE:
            return await asyncio.to_thread(decode, body)
        return decode(body)


def decode(body: bytes) -> Any:
    """Raises InvalidRequest with the byte offset of what is not UTF-8, the field of a lone surrogate, or the JSON error."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not valid UTF-8 at byte {error.start}") from None
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f"the body is not valid JSON: {error}") from None
    for path, text in _texts("", value):
        _check_text(path, text)
    return value


def _check_text(path: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{path}: a lone surrogate at code point {error.start} is not text") from None


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    pending = [(path, value)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            for key, item in value.items():
                yield f"a key of {path or 'the body'}", key
                pending.append((f"{path}.{key}" if path else key, item))
        elif isinstance(value, list):
            pending.extend((f"{path}[{index}]", item) for index, item in enumerate(value))
