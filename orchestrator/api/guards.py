"""Who may ask at all."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from orchestrator.errors import Forbidden


def same_site(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """A guard: a page of another site must not spend this server's money. Browsers say where a request comes from."""
    if connection.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise Forbidden("requests from pages of other sites are refused")
