"""JSON bodies, strictly: what is not Unicode text is refused with its place, never altered."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Request

from orchestrator.errors import InvalidRequest

# A body larger than this is decoded on a thread, so that other requests go on.
LARGE = 1 << 20


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body is decoded here, not by Litestar."""

    async def body(self) -> bytes:
        """The body of a request that must have one. Raises InvalidRequest."""
        content = await super().body()
        if not content:
            raise InvalidRequest("the body is empty; send JSON with query and context")
        return content

    async def json(self) -> Any:
        """The decoded body. Raises InvalidRequest."""
        body = await self.body()
        if len(body) > LARGE:
            return await asyncio.to_thread(decode, body)
        return decode(body)


def decode(body: bytes) -> Any:
    """Raises InvalidRequest with the byte of what is not UTF-8, the code point of a lone surrogate, or the JSON error."""
    try:
        body.decode()
        return msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not valid UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise InvalidRequest("the body is not valid JSON: it is nested too deeply") from None
    except msgspec.DecodeError as error:
        _check_surrogates(body)
        raise InvalidRequest(f"the body is not valid JSON: {error}") from None


def _check_surrogates(body: bytes) -> None:
    """msgspec takes the escape of a lone surrogate for broken JSON; the json module reads it, and so finds its place."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    for path, text in _texts("", value):
        _check_text(path, text)


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
