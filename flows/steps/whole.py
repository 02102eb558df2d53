"""A crawl of everything that the source lists, and of what the lake has at hand."""

from collections.abc import Sequence
from dataclasses import replace

from flows.steps.connected import Crawl
from flows.steps.crawl import fetch_all
from flows.steps.results import Results
from flows.steps.start import Start
from lake.assemble.asked import Asking
from lake.assemble.draft import Crawled
from lake.assemble.settle import settle
from lake.assemble.staging import Manifest
from lake.crawl import Listing


def crawl_all(
    begun: Start, crawl: Crawl, results: Results, listings: Sequence[Listing], allow_shrink: Sequence[str]
) -> tuple[Crawled, list[Manifest], Asking]:
    """Fetch every document that may have changed; return the result of the crawl, and what was asked for by then.

    Raises:
        SourceError: The source fails, or a collection could not be crawled, and this would be the first snapshot.
        StoppedError: An operator told the run to stop.
    """
    listings, shards, _, anew = begun.shards(listings)
    manifests = fetch_all(crawl, shards, results)
    crawled = settle(begun.source, begun.upstream, listings, shards, manifests, begun.parent, allow_shrink)
    refused = crawled.source.refused
    since = {name: at.isoformat(timespec="seconds") for name, at in begun.since.items() if name not in refused}
    asking = begun.asking.after(listings, manifests, refused, begun.since)
    return replace(crawled, anew=anew, source=replace(crawled.source, since=since)), manifests, asking
