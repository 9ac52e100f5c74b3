"""Errors as problem+json (RFC 9457). What a caller can mend is said; what is ours is logged and not shown."""

import errno
import math
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from orchestrator import logs
from orchestrator.errors import Busy, RequestError, causes

AnyRequest = Request[Any, Any, Any]
AnyResponse = Response[dict[str, Any]]
NO_DESCRIPTORS = "the server has no more files to open (ulimit -n): ask again later"


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> AnyResponse:
    """One error, in the one shape that all have."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(content, status_code=status, headers=headers, media_type="application/problem+json")


def request_error(_request: AnyRequest, error: RequestError) -> AnyResponse:
    if _no_descriptors(error):
        error = Busy(NO_DESCRIPTORS)
    headers = {} if error.retry_after is None else {"retry-after": str(math.ceil(error.retry_after))}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return problem(error.status, str(error), headers)


def http_error(request: AnyRequest, error: HTTPException) -> AnyResponse:
    """Litestar's own: unknown paths, wrong methods, bodies of a wrong form or size."""
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        limit = request.app.state.settings.server.max_request_bytes
        return problem(error.status_code, f"the body is larger than {limit} bytes (server.max_request_bytes)")
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        return problem(error.status_code, "; ".join(map(_describe, error.extra)) or error.detail)
    headers = dict(error.headers or {})
    if "GET" in (allowed := headers.get("allow", "").split(", ")):
        headers["allow"] = ", ".join(sorted({*allowed, "HEAD"}))
    return problem(error.status_code, error.detail, headers)


def _describe(each: dict[str, Any]) -> str:
    """One mistake in a body, with its place."""
    place, message = each.get("key"), each.get("message", "")
    return f"{place}: {message}" if place and place != "data" else message


def _no_descriptors(error: BaseException) -> bool:
    """Whether it came of that this process, or the machine, has no more of them."""
    return any(isinstance(each, OSError) and each.errno in (errno.EMFILE, errno.ENFILE) for each in causes(error))


def internal_error(request: AnyRequest, error: Exception) -> AnyResponse:
    if _no_descriptors(error):
        return request_error(request, Busy(NO_DESCRIPTORS))
    logs.internal_error(request.url.path, error)
    return problem(500, "an internal error; the server's log has its place")


HANDLERS: dict[Any, Any] = {RequestError: request_error, HTTPException: http_error, Exception: internal_error}
