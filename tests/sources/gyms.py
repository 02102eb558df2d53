"""An API like GitHub's: pages lead on by a Link header, and documents have URLs, ETags and a limit of requests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.sources import Api, Served, running

# Requests in the hour that this API grants.
LIMIT = 60


@contextmanager
def gyms(refusals: dict[str, Response] | None = None) -> Iterator[Api]:
    """Serve the gyms while the block runs; each of `refusals` is the answer to the first request for its path."""
    left = dict(refusals or {})
    with running(lambda served: _application(served, left), "gyms", "slug", "/v1/") as api:
        yield api


def busy(status: int) -> Response:
    """Return the answer to who asks too often."""
    return JSONResponse({"message": "You have exceeded a rate limit."}, status, headers={"Retry-After": "0"})


def _application(served: Served, refusals: dict[str, Response]) -> Starlette:
    def answer(request: Request, found: bytes, links: str = "") -> Response:
        etag = f'"{sha256(found).hexdigest()[:16]}"'
        remaining = str(max(0, LIMIT - len(served.asked)))
        headers = {"ETag": etag, "X-RateLimit-Limit": str(LIMIT), "X-RateLimit-Remaining": remaining}
        if links:
            headers["Link"] = links
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(found, headers=headers, media_type="application/json; charset=utf-8")

    def listing(request: Request) -> Response:
        size, page = int(request.query_params.get("per_page", 5)), int(request.query_params.get("page", 1))
        pages = max(1, -(-len(served.documents) // size))
        shown = list(served.documents)[(page - 1) * size : page * size]
        items = [{"slug": slug, "url": str(request.url_for("gym", slug=slug))} for slug in shown]
        url = request.url.remove_query_params("page")
        # As GitHub has it: several links, each with what it is, and no next on the last page.
        targets = {"first": 1, "prev": page - 1, "next": page + 1, "last": pages}
        links = (
            f'<{url.include_query_params(page=target)}>; rel="{rel}"'
            for rel, target in targets.items()
            if 1 <= target <= pages
        )
        return answer(request, json.dumps(items).encode(), ", ".join(links))

    def index() -> bytes:
        """Return all slugs in one answer, and a version that changes with the documents."""
        version = sha256(b"".join(served.documents.values())).hexdigest()[:8]
        return json.dumps({"version": version, "gyms": list(served.documents)}).encode()

    async def asked(request: Request) -> Response:
        served.note(request)
        if (refusal := refusals.pop(request.url.path, None)) is not None:
            return refusal
        slug = request.path_params.get("slug")
        if request.url.path == "/v1/index":
            return answer(request, index())
        if slug is None:
            return listing(request)
        if slug not in served.documents:
            return JSONResponse({"message": "Not Found"}, 404)
        return answer(request, served.documents[slug])

    paths = {"/v1/gyms": "gyms", "/v1/gyms/{slug}": "gym", "/v1/index": "index"}
    return Starlette(routes=[Route(path, asked, name=name) for path, name in paths.items()])
