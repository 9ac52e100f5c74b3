"""GET /visualize and /visualize/{run_id}: one page, which fetches its data from /runs."""

from pathlib import Path

from litestar import MediaType, Response, get
from litestar.params import FromPath

PAGES = Path(__file__).parents[1] / "pages"
# Nothing from outside, nothing inline: a page of untrusted text cannot become a script.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def _page(name: str, media_type: str) -> Response[bytes]:
    return Response((PAGES / name).read_bytes(), media_type=media_type, headers=HEADERS)


@get(["/visualize", "/visualize/{run_id:str}"], include_in_schema=False, sync_to_thread=False)
def visualize(run_id: FromPath[str | None] = None) -> Response[bytes]:
    return _page("visualize.html", MediaType.HTML)


@get("/visualize/visualize.css", include_in_schema=False, sync_to_thread=False)
def style() -> Response[bytes]:
    return _page("visualize.css", MediaType.CSS)


@get("/visualize/visualize.js", include_in_schema=False, sync_to_thread=False)
def script() -> Response[bytes]:
    return _page("visualize.js", "text/javascript")
