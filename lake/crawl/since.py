"""Listings that have only what changed since a time, of a source that knows a query parameter for it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lake.address import with_query
from lake.crawl.cut import cut
from lake.crawl.listing import Listing, Upstream
from lake.crawl.shard import Shard
from lake.resource import AtHand
from lake.source import Rest, Source

# A source may show a change some minutes after the time that it gives it: its databases follow each other, and long
# writes end after their times. What changed within this is listed twice.
OVERLAP = timedelta(minutes=10)

_DAY = timedelta(days=1)


def written(rest: Rest, since: datetime) -> str:
    """Return a time as the source takes it, in whole units, none of them later than the time.

    >>> written(Rest(), datetime(2026, 8, 8, 12, 0, 0, 999, UTC))
    '2026-08-08T12:00:00Z'
    >>> written(Rest(since_format="unix"), datetime(1970, 1, 1, 0, 1, tzinfo=UTC))
    '60'

    Some sources list what changed after the day that they are given, so that is the one before:

    >>> written(Rest(since_format="date"), datetime(2026, 8, 8, 12, tzinfo=UTC))
    '2026-08-07'
    """
    if rest.since_format == "unix":
        return str(int(since.timestamp() // 1))
    if rest.since_format == "date":
        return f"{since.astimezone(UTC) - _DAY:%Y-%m-%d}"
    return f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def only_changed(source: Source, upstream: Upstream, since: Mapping[str, datetime]) -> Upstream:
    """Return a source whose listings of some resources have only what changed since a time."""
    rest = source.rest
    assert rest is not None, "only a source of kind rest names such a parameter"
    resources = dict(upstream.resources)
    for name, at in since.items():
        resources[name] = with_query(resources[name], {rest.since_parameter: written(rest, at)})
    return replace(upstream, resources=resources)


def cut_changes(source: Source, upstream: Upstream, listing: Listing, at_hand: Mapping[int, AtHand]) -> list[Shard]:
    """Cut what a listing of changes has into shards; the documents at hand that it lacks are as they were."""
    listed = {reference.id for reference in listing.references}
    known = {id_: one for id_, one in at_hand.items() if id_ in listed}
    url = upstream.resources[listing.resource]
    return [replace(one, changes=url) if one.is_inline else one for one in cut(source, listing, known)]
