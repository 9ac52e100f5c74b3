"""GET /visualize and /visualize/{run_id}: one page, which fetches its data from /runs; and its files."""

from pathlib import Path

from litestar import MediaType, Response, get
from litestar.params import FromPath

from orchestrator.errors import NotFound

WEB = Path(__file__).parents[1] / "web"
ASSETS = {"visualize.css": MediaType.CSS, "visualize.js": "text/javascript", "highlight.js": "text/javascript"}
# Nothing from outside, nothing inline: a page of untrusted text cannot become a script.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def _page(name: str, media_type: str) -> Response[bytes]:
    return Response((WEB / name).read_bytes(), media_type=media_type, headers=HEADERS)


@get(["/visualize", "/visualize/{run_id:str}"], include_in_schema=False, sync_to_thread=False)
def visualize(run_id: FromPath[str | None] = None) -> Response[bytes]:
    return _page("visualize.html", MediaType.HTML)


@get("/visualize/assets/{name:str}", include_in_schema=False, sync_to_thread=False)
def asset(name: FromPath[str]) -> Response[bytes]:
    if name not in ASSETS:
        raise NotFound(f"there is no {name!r} here")
    return _page(name, ASSETS[name])
