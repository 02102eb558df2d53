"""An API of a shop: numbered pages with a total, for those who send its key as a parameter of each request."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.sources import Api, Served, page_of, running

KEY = "mart-20b7e1"


@contextmanager
def wares() -> Iterator[Api]:
    """Serve the wares while the block runs."""
    with running(_application, "wares", "id", "/shop/") as api:
        yield api


def next_day(api: Api) -> None:
    """Let the first of its prices have a fraction."""
    api.documents["104"] = api.documents["104"].replace(b'"price":300', b'"price":289.5')


def _application(served: Served) -> Starlette:
    async def listing(request: Request) -> Response:
        served.note(request)
        if request.query_params.get("api_key") != KEY:
            return JSONResponse({"error": "a valid api_key is required"}, 401)
        # A page is never larger, whatever is asked for.
        size = min(5, int(request.query_params.get("per_page", 5)))
        page = int(request.query_params.get("page", 1))
        items = list(served.documents.values())[(page - 1) * size : page * size]
        return page_of(items, "items", page=page, total=len(served.documents))

    return Starlette(routes=[Route("/shop/wares", listing)])
