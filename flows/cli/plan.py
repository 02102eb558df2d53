"""The plan of a refresh: its requests, and what it would build and write; found by reading listings alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from flows.steps.parameters import LakeLocation, SourceChoice
from flows.steps.start import Start, look
from flows.steps.upstream import probe, read_all
from lake.assemble.infer import known_catalog
from lake.assemble.stored import document_files
from lake.assemble.work import plan_work, tables_in
from lake.crawl import Listing, believed


@dataclass(frozen=True, slots=True)
class ResourcePlan:
    """One resource in the plan: its documents listed, new, at hand but no longer listed, and the requests for them.

    `refusal` says why its listing cannot be had; then its documents stay as they are.
    """

    resource: str
    listed: int
    new: int
    vanished: int
    requests: int
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a refresh: it ends at once if the version is known, or makes these requests and may build tables.

    `requests` counts those of a refresh in which nothing fails. It makes fewer if a discover has read the listings
    before it, or a killed run some documents. `sure_tables` are built whatever the source answers, `possible_tables`
    only if it answers with changed documents; `table_count` is the number of tables of a snapshot. `bytes_written` is
    the size of the current snapshot, because every snapshot is complete; None before the first one.
    """

    version: str | None
    known_version: str | None
    is_known: bool
    resources: tuple[ResourcePlan, ...]
    requests: int
    seconds: float
    sure_tables: tuple[str, ...]
    possible_tables: tuple[str, ...]
    table_count: int
    bytes_written: int | None

    def lines(self) -> list[str]:
        """Return the plan as lines for a person."""
        if self.is_known:
            return [f"upstream is still at {self.version}: a refresh would make {self.requests} requests, and end"]
        new, vanished = (sum(getattr(item, kind) for item in self.resources) for kind in ("new", "vanished"))
        upstream = f"upstream is at {self.version}" if self.version else "upstream gives no version of itself"
        rate = f", at least {self.seconds:,.0f} s at the allowed rate" if self.seconds else ""
        is_first = self.bytes_written is None
        lake = f"the lake at {self.known_version}" if self.known_version else "the lake is at no single version"
        sure, possible = len(self.sure_tables), len(self.possible_tables)
        rest = ("all other" if sure else "all") if sure + possible == self.table_count else None
        built = [
            f"tables built for sure: {_named(self.sure_tables, 'all' if not possible and rest else None)}",
            f"tables built if their documents changed: {_named(self.possible_tables, rest)}",
        ]
        return [
            f"{upstream}, {'nothing was published yet' if is_first else lake}",
            f"requests: {self.requests:,}{rate}",
            f"documents: {new:,} new, {vanished:,} no longer listed; the others come only if they changed",
            *(built if self.table_count else ["tables: the documents will say which there are"]),
            f"bytes written if something changed: {'unknown' if is_first else f'about {self.bytes_written:,}'}",
            *(f"{item.resource}: its listing is refused ({item.refusal})" for item in self.resources if item.refusal),
        ]

    def json(self) -> str:
        """Return the plan as a JSON object."""
        return msgspec.json.encode(self).decode()


def plan(lake: LakeLocation, source: SourceChoice) -> Plan:
    """Return the plan of a refresh; this asks the source for its version and its listings, and writes nothing."""
    settings, store = source.resolve(lake), lake.open()
    # These are plain calls and no tasks, because a plan is not recorded as a run.
    upstream, requests = probe(settings)
    begun = look(store, settings, upstream)
    if begun.is_known():
        return _plan(begun, (), requests, is_known=True)
    begun = begun.of_changes()
    listings, listed = read_all(settings, begun.upstream, begun.resources)
    # Documents that come within their listing are fetched by reading that once more.
    again = listed if any(listing.is_inline for listing in listings) else 0
    return _plan(begun, [_resource(begun, listing) for listing in listings], requests + listed + again)


def _resource(begun: Start, listing: Listing) -> ResourcePlan:
    at_hand = begun.at_hand(listing.resource)
    listing = believed(listing, at_hand)
    listed = {reference.id for reference in listing.references}
    asked = sum(len(shard.wanted) for shard in begun.cut(listing, at_hand) if not shard.is_inline)
    is_complete = listing.refusal is None and listing.resource not in begun.since
    vanished = len(at_hand.keys() - listed) if is_complete else 0
    return ResourcePlan(listing.resource, len(listed), len(listed - at_hand.keys()), vanished, asked, listing.refusal)


def _plan(begun: Start, resources: Sequence[ResourcePlan], requests: int, is_known: bool = False) -> Plan:
    parent, rate = begun.parent, begun.source.requests_per_second
    catalog = known_catalog(begun.store, parent, begun.source)
    requests += sum(item.requests for item in resources)
    new, vanished = ([item.resource for item in resources if getattr(item, k)] for k in ("new", "vanished"))
    held = {*document_files(parent), *new}
    sure = possible = frozenset[str]()
    if not is_known:
        sure = plan_work(catalog, held, new, (), parent, new).tables
        asked = [item.resource for item in resources if item.refusal is None]
        possible = plan_work(catalog, held, asked, vanished, parent, new).tables - sure
    return Plan(
        version=begun.upstream.version,
        known_version=parent.source.version if parent else None,
        is_known=is_known,
        resources=tuple(resources),
        requests=requests,
        seconds=requests / rate if rate else 0,
        sure_tables=tuple(sorted(sure)),
        possible_tables=tuple(sorted(possible)),
        table_count=len(tables_in(catalog, held, parent)),
        bytes_written=sum(table.bytes for table in parent.tables.values()) if parent else None,
    )


def _named(names: Sequence[str], every: str | None) -> str:
    """Name the tables; with `every`, say that word and their number instead."""
    return f"{every} {len(names)} tables" if every and names else ", ".join(names) or "none"
