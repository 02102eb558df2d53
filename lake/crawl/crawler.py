"""Crawlers: the functions that tell the crawl about a sort of API, and the registry of the known sorts."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Protocol

from lake.crawl import pokeapi, rest
from lake.crawl.client import Client
from lake.crawl.listing import Listing, Upstream
from lake.errors import UnknownNameError
from lake.resource import Reference
from lake.source import Source
from lake.table_settings import TABLE_ENTRY_POINTS

# Other packages name their crawlers under this: a module, or any object, with the functions of `Crawler`.
ENTRY_POINTS = "pokelake.crawlers"


class Crawler(Protocol):
    """The functions that differ between one sort of API and another: how it lists things, and how its documents look.

    An API whose documents have URLs of their own needs only these four. Documents that come within their listing
    (`Listing.is_inline`) are for the crawler ``rest`` alone: it makes such listings and reads them again.
    """

    async def probe(self, client: Client) -> Upstream:
        """Return the source's version, if it has one, and its resources, in a request or two."""

    async def discover(self, client: Client, upstream: Upstream, resource: str) -> Listing:
        """Return every document of a resource that the source lists; `SourceError` for a listing not to be believed."""

    def url(self, source: Source, resource: str, path: str) -> str:
        """Return the URL of a document that is known by its path alone, because no listing names it."""

    def problem(self, reference: Reference, body: bytes) -> str | None:
        """Say what is wrong with a document's body, None when it is whole, valid and the one that was asked for."""


_BUILT_IN: Mapping[str, Crawler] = {"pokeapi": pokeapi, "rest": rest}


def crawler(kind: str) -> Crawler:
    """Return the crawler of a kind of source.

    Raises:
        UnknownNameError: There is none, here or among the installed packages' entry points.
    """
    if kind in _BUILT_IN:
        return _BUILT_IN[kind]
    installed, declared = entry_points(group=ENTRY_POINTS), entry_points(group=TABLE_ENTRY_POINTS).names
    if kind in installed.names:
        found: Crawler = installed[kind].load()
        return found
    # A source of which somebody declared nothing but the tables is read as those of `rest` are.
    if kind in declared:
        return rest
    raise UnknownNameError("crawler", kind, sorted({*_BUILT_IN, *installed.names, *declared}))
