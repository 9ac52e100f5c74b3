"""GET /health: 200 as soon as queries are accepted."""

import msgspec
from litestar import get

from orchestrator import __version__


class Health(msgspec.Struct, frozen=True):
    status: str
    version: str


@get("/health", summary="Whether queries are accepted")
async def health() -> Health:
    return Health("ok", __version__)
