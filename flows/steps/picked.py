"""A crawl of single documents, and of those that belong to them; everything else in the lake stays as it is."""

from collections.abc import Sequence
from dataclasses import replace

from flows.steps.connected import Crawl
from flows.steps.crawl import fetch_all
from flows.steps.results import Results
from flows.steps.start import Start
from lake.assemble.draft import Crawled
from lake.assemble.settle import settle
from lake.assemble.staging import Manifest, read_staged
from lake.crawl import Listing, Picked, Shard, believed, chosen, cut, followed, in_order, narrowed, with_encounters


def narrow(begun: Start, picked: Picked) -> Start:
    """Return the start of a crawl that reads no more listings than picked documents need.

    Raises:
        UnknownNameError: The source has no such resource.
    """
    chosen(replace(begun.source, resources=tuple(picked)), begun.upstream)
    return replace(begun, resources=tuple(in_order(picked, begun.upstream.resources)))


def crawl_picked(
    begun: Start, picked: Picked, crawl: Crawl, results: Results, listings: Sequence[Listing]
) -> tuple[Crawled, list[Manifest]]:
    """Fetch picked documents anew, then those that they name; return the result of the crawl.

    Raises:
        UnknownNameError: Neither the source nor the lake has one of them.
        SourceError: The source fails, or this would be the first snapshot.
    """
    settings, parent = begun.source, begun.parent
    wanted = with_encounters(picked)
    narrow_listings, shards, manifests = list[Listing](), list[Shard](), list[Manifest]()
    for listing in listings:
        at_hand = begun.at_hand(listing.resource)
        ids, named = wanted.get(listing.resource, set()), picked.get(listing.resource, set())
        listing, known = narrowed(believed(listing, at_hand), at_hand, ids, named)
        narrow_listings.append(listing)
        found = cut(settings, listing, known)
        fetched = fetch_all(crawl, found, results) if found else []
        shards += found
        manifests += fetched
        for manifest in fetched:
            bodies = (body.as_buffer().to_pybytes() for body in read_staged(begun.store, manifest.staged)["body"])
            for resource, id_ in followed(listing.resource, bodies):
                wanted.setdefault(resource, set()).add(id_)
    crawled = settle(settings, begun.upstream, narrow_listings, shards, manifests, parent, is_partial=True)
    facts = crawled.source
    if parent is not None and parent.source.version == facts.version:
        # Everything else was crawled at this version, too.
        kept = {**parent.source.refused, **facts.refused}
        facts = replace(facts, resources=parent.source.resources, refused=kept)
    else:
        facts = replace(facts, version=None)
    return replace(crawled, source=facts, picked=wanted), manifests
