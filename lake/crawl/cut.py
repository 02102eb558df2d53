"""Cuts a resource's documents into shards."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from lake.crawl.crawler import crawler
from lake.crawl.listing import Listing
from lake.crawl.shard import Shard, Wanted
from lake.resource import AtHand, Reference
from lake.source import Source

# A killed run loses only the shards that it was fetching. With 128 documents per shard, all of PokeAPI makes 160 task
# runs, and a shard of the longest documents stays below 30 MB.
SHARD_DOCUMENTS = 128


def cut(
    source: Source,
    listing: Listing,
    at_hand: Mapping[int, AtHand],
    is_new_only: bool = False,
    again: Collection[int] | None = None,
) -> list[Shard]:
    """Cut a resource's documents into shards: those that are listed, and those that the lake has at hand.

    A document at hand that is no longer listed is wanted as well, because only a 404 proves that it is gone. With
    `is_new_only`, only the listed documents that are not at hand are wanted. An inline listing is one shard, or none if
    no document is wanted. A refused listing is no shard, because it says nothing about its documents. Of the listed
    documents that are at hand without an ETag, only those in `again` are wanted if that is given.
    """
    if listing.refusal is not None:
        return []
    resource, url = listing.resource, crawler(source.kind).url
    listed = {reference.id for reference in listing.references}
    if is_new_only and (listed <= at_hand.keys() or not listing.is_inline):
        new = tuple(reference for reference in listing.references if reference.id not in at_hand)
        listing, at_hand, listed = replace(listing, references=new), {}, set()
    wanted = []
    for reference in listing.references:
        known = at_hand.get(reference.id)
        if again is None or listing.is_inline or known is None or known.etag or reference.id in again:
            etag = None if known is None else known.etag
            wanted.append(Wanted(reference, etag, problem=listing.odd.get(reference.id)))
    for id_ in at_hand.keys() - listed:
        path = at_hand[id_].path
        wanted.append(Wanted(Reference(resource, id_, url(source, resource, path), path), None, is_listed=False))
    wanted.sort(key=lambda item: item.reference.id)
    if listing.is_inline:
        return [Shard(resource, 0, tuple(wanted), is_inline=True)] if wanted else []
    return [
        Shard(resource, number, tuple(wanted[start : start + SHARD_DOCUMENTS]))
        for number, start in enumerate(range(0, len(wanted), SHARD_DOCUMENTS))
    ]


def believed(listing: Listing, at_hand: Mapping[int, AtHand]) -> Listing:
    """Return a listing, as a refused one if it became an object: an error page, which must not become a document."""
    is_object = [reference.path for reference in listing.references] == [listing.resource]
    others = [item.path for item in at_hand.values() if item.path != listing.resource]
    if not (is_object and others):
        return listing
    refusal = (
        f"listing of {listing.resource}: expected a listing, as before, found one object at"
        f" {listing.references[0].url}; nothing was done about the {len(others)} documents at hand"
    )
    return Listing(listing.resource, refusal=refusal)
