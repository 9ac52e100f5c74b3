"""GET /visualize and /visualize/{run_id}: one page, which fetches its data from /runs; and the files of all pages."""

from pathlib import Path

from litestar import MediaType, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.static_files import create_static_files_router

WEB = Path(__file__).parents[1] / "web"
PAGES, ASSETS = "/visualize", "/visualize/assets/"


def page(name: str, status: int = 200) -> Response[bytes]:
    """One of the pages."""
    content = (WEB / name).read_bytes()
    return Response(content, status_code=status, media_type=MediaType.HTML, headers={"cache-control": "no-cache"})


@get([PAGES, f"{PAGES}/{{run_id:str}}"], include_in_schema=False, sync_to_thread=False)
def visualize(run_id: FromPath[str | None] = None) -> Response[bytes]:
    return page("visualize.html")


@get("/", include_in_schema=False, sync_to_thread=False)
def root() -> Redirect:
    return Redirect(PAGES)


assets = create_static_files_router(ASSETS, [WEB / "assets"], cache_control=CacheControlHeader(no_cache=True))
