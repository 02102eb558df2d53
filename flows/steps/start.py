"""The start of every crawling flow: ask the source what it has; before a crawl, prove that the lake can be written."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

import msgspec
from prefect import get_run_logger

from blocks.knobs import requests_per_run
from blocks.limit import require_limit
from flows.steps.numbers import phase
from flows.steps.parameters import LakeLocation
from flows.steps.results import Results, prove_results, unpack_listings
from flows.steps.upstream import are_listings_of, ask_upstream, lean, read_listings
from lake.address import same_address
from lake.assemble.asked import Asking
from lake.assemble.held import HeldDraft, held_drafts, waiting
from lake.assemble.index import Index, read_index
from lake.assemble.infer import fingerprint_of
from lake.assemble.mend import Mending, damaged_files
from lake.assemble.staging import forget_results
from lake.assemble.stored import document_files, open_documents
from lake.bucket import require_plain
from lake.commit import Commit, SourceFacts, head
from lake.crawl import Listing, Shard, Source, Upstream, believed, chosen, cut, cut_changes, only_changed
from lake.errors import ConflictError, DamagedObjectError, MissingObjectError, SourceError
from lake.layout import LISTING_RESULTS, check_key
from lake.resource import AtHand
from lake.store import PARALLEL_REQUESTS, Store
from lake.text import counted


@dataclass(frozen=True)
class Start:
    """The start of a crawl: the lake, its current commit, the source's settings, and the source's answer.

    A forced crawl asks for everything anew, as if the lake had no ETags and no listing had been kept.
    """

    store: Store
    parent: Commit | None
    source: Source
    upstream: Upstream
    resources: tuple[str, ...]
    is_forced: bool = False
    # Since when each collection is listed of which only what changed is.
    since: Mapping[str, datetime] = field(default_factory=dict)

    def of_changes(self) -> "Start":
        """Return the start of a crawl that lists only what has changed of the collections of which that is enough.

        Everything is listed of one whose documents at hand are lost, and while a draft waits: it may have deletions.
        """
        since = self.asking.since(self.resources, datetime.now(UTC))
        if not since or self._index is None or held_drafts(self.store):
            return self
        since = {name: at for name, at in since.items() if name not in self._lost}
        return replace(self, upstream=only_changed(self.source, self.upstream, since), since=since)

    def is_known(self) -> bool:
        """Tell whether the parent already holds, whole, everything that the source has at this version.

        A file that is missing in the bucket, or has another size, makes it not whole.
        """
        parent, version = self.parent, self.upstream.version
        if parent is None or version is None or self.is_forced:
            return False
        is_same = (
            parent.fingerprint == fingerprint_of(self.source)
            and same_address(parent.source.base_url, self.source.base_url)
            and parent.source.version == version
            and set(self.resources) <= set(parent.source.resources)
            and not (parent.stale or parent.missing or self.uncrawled(parent.source))
        )
        key, record = self._record(parent)
        is_recorded = is_same or self.store.find(key) == record
        return is_recorded and not damaged_files(self.store, parent, is_read=False)

    def held(self) -> HeldDraft | None:
        """Return the draft that waits for a verdict if it is what a refresh from here would hold; else None."""
        version, found = self.upstream.version, waiting(self.store)
        if version is None or found is None or found.is_partial or found.is_rebuild or found.picked:
            return None
        is_same = (
            (found.parent and found.parent.snapshot) == (self.parent and self.parent.snapshot)
            and found.fingerprint == fingerprint_of(self.source)
            and same_address(found.source.base_url, self.source.base_url)
            and found.version == version
            and set(self.resources) <= set(found.source.resources)
        )
        return found if is_same else None

    def uncrawled(self, facts: SourceFacts) -> set[str]:
        """Return the collections that were not crawled, without the entries that no run can crawl."""
        return facts.refused.keys() - self.upstream.odd.keys()

    def note_equal(self) -> None:
        """Record that a crawl of this version changed nothing; then the next run needs only a probe to know it."""
        if self.parent is not None and self.upstream.version is not None:
            try:
                self.store.create(*self._record(self.parent))
            except ConflictError as error:
                # An object that is no record only costs the next run its requests.
                get_run_logger().warning("remove %s: it is not the record that Pokélake writes there", error.uri)

    def _record(self, parent: Commit) -> tuple[str, bytes]:
        facts = {
            "snapshot": parent.snapshot,
            "base_url": self.source.base_url,
            "version": self.upstream.version,
            "resources": self.resources,
            "fingerprint": fingerprint_of(self.source),
        }
        body = msgspec.json.encode(facts)
        return check_key(parent.snapshot, body.decode()), body

    def listings(self, results: Results, is_fresh: bool = False) -> list[Listing]:
        """Return the listing of every resource; one that was read for this version is used until its TTL ends.

        With `is_fresh`, a source without a version is asked anew, because its listings may have changed.
        """
        read = read_listings.with_options(
            result_storage=results,
            cache_expiration=timedelta(seconds=self.source.listing_ttl_seconds),
            refresh_cache=self.is_forced or (is_fresh and self.upstream.version is None),
        )
        asked = (self.source, self.upstream, self.resources)
        with phase("listings", f"reading {counted(len(self.resources), 'listing')}"):
            found = unpack_listings(read(*asked))
            if are_listings_of(self.source, self.resources, found):
                return lean(found)
            get_run_logger().warning("the kept listings are not of %s; they are read anew", self.source.base_url)
            return lean(unpack_listings(read.with_options(refresh_cache=True)(*asked)))

    def at_hand(self, resource: str) -> dict[int, AtHand]:
        """Return ETag and path of each document of a resource that the parent holds, by id; none if they are lost."""
        return self._at_hand(resource) or {}

    def _at_hand(self, resource: str) -> dict[int, AtHand] | None:
        """Return ETag and path of each document at hand, None if a file is missing in the bucket or damaged.

        The index says them without a request for each file. A forced crawl reads every file, and finds also those that
        are as long as they should be and not as they were.
        """
        if self._index is not None:
            return None if resource in self._lost else self._index.at_hand(resource)
        try:
            return open_documents(self.store, document_files(self.parent).get(resource, ())).at_hand()
        except (DamagedObjectError, MissingObjectError):
            return None

    def cut(self, listing: Listing, at_hand: Mapping[int, AtHand], is_new_only: bool = False) -> list[Shard]:
        """Return the shards of a resource's documents that are to be asked for."""
        if listing.resource in self.since:
            return cut_changes(self.source, self.upstream, listing, at_hand)
        return cut(self.source, listing, at_hand, is_new_only, self.asking.again(listing))

    @cached_property
    def asking(self) -> Asking:
        """What earlier runs asked for; nothing if this one is forced to ask for everything."""
        return Asking.read(self.store, None if self.is_forced else self.parent, self.source)

    @cached_property
    def _index(self) -> Index | None:
        return None if self.is_forced else read_index(self.store, self.parent)

    @cached_property
    def _lost(self) -> set[str]:
        """The resources of whose documents a file is missing or has another size, as one listing tells."""
        return Mending(damaged=damaged_files(self.store, self.parent, is_read=False)).resources

    def shards(
        self, listings: Sequence[Listing], is_new_only: bool = False
    ) -> tuple[list[Listing], list[Shard], list[str], frozenset[str]]:
        """Return the listings, the shards to fetch, the paths of documents at hand that are no longer listed, and more.

        The last are the resources whose documents at hand are lost, so that every document is fetched.

        A listing that cannot be true counts as refused. The next run reads listings anew if one was refused.
        """
        believed_, shards, vanished, anew = list[Listing](), list[Shard](), list[str](), set[str]()
        with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
            # An index is taken apart one resource after the other, because this form of it takes much memory.
            known = map if self._index is not None else pool.map
            for listing, held in zip(listings, known(self._at_hand, (one.resource for one in listings)), strict=True):
                at_hand = held or {}
                if held is None:
                    anew.add(listing.resource)
                if self.is_forced:
                    at_hand = {id_: AtHand(None, known.path) for id_, known in at_hand.items()}
                listing = believed(listing, at_hand)
                believed_.append(listing)
                shards += self.cut(listing, at_hand, is_new_only)
                if listing.refusal is None and listing.resource not in self.since:
                    listed = {reference.id for reference in listing.references}
                    vanished += [at_hand[id_].path for id_ in sorted(at_hand.keys() - listed)]
        if any(listing.refusal for listing in believed_):
            forget_results(self.store, LISTING_RESULTS)
        return believed_, shards, vanished, frozenset(anew)


@phase("ask", "asking the source")
def start(lake: LakeLocation, source: Source, is_forced: bool = False) -> Start:
    """Ask the source for its version and its resources.

    If the operator set a budget of requests, it replaces the source's.

    Raises:
        LakeError: The operator's budget is not a number of requests.
        StoreError: The lake cannot be read.
        SourceError: The source cannot be reached, or is of another kind than the lake's.
        UnknownNameError: The settings name a resource that neither it nor the lake has, or a global limit that does not
            exist.
    """
    if source.global_limit:
        require_limit(source.global_limit)
    if (budget := requests_per_run()) is not None:
        source = replace(source, requests_per_run=budget)
    return replace(look(lake.open(), source, ask_upstream(source)), is_forced=is_forced)


@phase("prove", "proving that the lake can be written")
def proven_results(lake: LakeLocation) -> Results:
    """Return Prefect's results in the lake, after proving that both can be written, which only a crawl needs.

    Raises:
        StoreError: The lake or its results cannot be written.
    """
    store, results = lake.open(), lake.results()
    store.probe(lambda: prove_results(results, store))
    return results


def look(store: Store, source: Source, upstream: Upstream) -> Start:
    """Return the start of a crawl from a source that has answered.

    Raises:
        StoreError: There is no lake yet, and readers could not take its address as it is.
        SourceError: The lake holds documents of another kind of source.
        UnknownNameError: The settings name a resource that neither the source nor the lake has.
    """
    parent = head(store)
    if parent is None:
        require_plain(store.bucket, store.prefix)
    held = parent.source.kind if parent else source.kind
    if held != source.kind:
        raise SourceError(
            f"{store.uri()}: expected a source of kind {held!r}, whose documents it holds, found {source.base_url} of"
            f" kind {source.kind!r}; give it a lake of its own: `pokelake setup --prefix P`, or --bucket and --prefix"
            " (the parameters lake.bucket and lake.prefix of a deployment)",
            may_pass=False,
        )
    return Start(store, parent, source, upstream, resources_of(source, upstream, parent))


def resources_of(source: Source, upstream: Upstream, parent: Commit | None) -> tuple[str, ...]:
    """Return the resources to crawl, without those that the lake has and the source no longer lists.

    Raises:
        UnknownNameError: The settings name one that neither has.
    """
    vanished = document_files(parent).keys() - upstream.resources.keys()
    named = tuple(name for name in source.resources if name not in vanished)
    if source.resources and not named:
        return ()
    return chosen(replace(source, resources=named), upstream)
