"""Staging: a crawl puts documents into the bucket before anything is published, with a manifest of each shard."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lake.assemble.bundle import SMALL_BYTES, Bundle
from lake.assemble.packed import Packer, unpack
from lake.commit import SourceFacts
from lake.crawl import CUT_SHORT, Fetched, Listing, Shard, Source, Upstream, Wanted, crawler
from lake.documents import SCHEMA, digest, to_arrow
from lake.errors import StoreError
from lake.layout import RESULTS, is_staging_key, staging_key
from lake.resource import Failure, Moment, Reference
from lake.store import Store

# A source that gives each answer a version of its own would fill the commit, with up to 1,000 characters for each.
_MOST_VERSIONS = 100

# Returns the content of an object, None if there is none.
Find = Callable[[str], bytes | None]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The account of one fetched shard. As JSON it is the task's small result, which makes a crawl resumable.

    `key` names the staged object with the documents that came, and is None if none came; they are `packed_bytes` of it
    from `start` on. Documents that failed in the first round are asked for in a second one, at the end of the crawl.
    """

    resource: str
    number: int
    last_id: int
    documents: int
    json_bytes: int
    unchanged: int
    gone: tuple[int, ...]
    failed: tuple[Failure, ...]
    requests: int
    versions: dict[str, int]
    key: str | None = None
    sha256: str | None = None
    round: Literal[1, 2] = 1
    # The least and the greatest id of the documents that came. Earlier code said neither this nor their bytes.
    span: tuple[int, int] | None = None
    packed_bytes: int = 0
    start: int = 0
    # When the first of its documents was asked for, by the source's clock. Earlier code did not say it.
    began: Moment | None = None

    @property
    def staged(self) -> "Staged | None":
        """What was staged, None if no document came; what earlier code staged may have any ids."""
        if self.key is None or self.sha256 is None:
            return None
        first, last = self.span or (-(2**63), 2**63 - 1)
        size = self.documents, self.json_bytes, self.packed_bytes
        return Staged(self.key, self.sha256, *size, first, last, self.start)

    @property
    def anywhere(self) -> "Staged | None":
        """The same as if it might have any ids."""
        return msgspec.structs.replace(self, span=None).staged

    @property
    def answered(self) -> int:
        """How many documents the source answered: with a body, as unchanged, or as gone."""
        return self.documents + self.unchanged + len(self.gone)

    @property
    def cut_short(self) -> int:
        """How many documents were not waited for, because the crawl was told to stop."""
        return sum(failure.reason == CUT_SHORT for failure in self.failed)

    @property
    def final_failures(self) -> tuple[Failure, ...]:
        """The documents that could not be fetched when they were asked for a second time."""
        return self.failed if self.round == 2 else ()


class Staged(msgspec.Struct, frozen=True):
    """The staged documents of a shard: the key of their object, their hash, how many, and the range of their ids.

    They are `packed_bytes` of the object from `start` on; all of it if the bytes are not known.
    """

    key: str
    sha256: str
    documents: int
    json_bytes: int
    packed_bytes: int
    first_id: int
    last_id: int
    start: int = 0

    @property
    def is_small(self) -> bool:
        """Whether it may share its object with other shards."""
        return 0 < self.packed_bytes <= SMALL_BYTES


class Staging:
    """One shard on its way into a staged object; its documents are packed portion by portion, as they come."""

    def __init__(self, store: Store, crawl: str, shard: Shard) -> None:
        self._store, self._crawl, self._shard = store, crawl, shard
        self._packer: Packer | None = None
        self._all, self._documents, self._json_bytes = Fetched(), 0, 0
        self._span: tuple[int, int] | None = None

    def add(self, fetched: Fetched) -> None:
        """Take in a portion, whose documents are not kept."""
        if fetched.received:
            rows = to_arrow(fetched.received)
            self._documents += len(rows)
            self._json_bytes += sum(len(item.body) for item in fetched.received)
            fetched.received.clear()
            ids = pc.min_max(rows["id"]).as_py()
            span = self._span or (ids["min"], ids["max"])
            self._span = min(span[0], ids["min"]), max(span[1], ids["max"])
            self._packer = self._packer or Packer()
            self._packer.add(rows)
        self._all.add(fetched)

    def end(self, bundle: Bundle | None = None) -> Manifest:
        """Stage the documents that came, and return the manifest.

        They become one object in the bucket, or a part of a bundle, which is to be written, if they are few.
        """
        shard, found = self._shard, self._all
        manifest = Manifest(
            resource=shard.resource,
            number=shard.number,
            last_id=shard.wanted[-1].reference.id,
            documents=self._documents,
            json_bytes=self._json_bytes,
            unchanged=len(found.unchanged),
            gone=tuple(reference.id for reference in found.gone),
            failed=tuple(
                Failure(reference.resource, reference.id, reference.path, reason) for reference, reason in found.failed
            ),
            requests=found.requests,
            versions=dict(found.versions),
            began=found.began,
        )
        if self._packer is None:
            return manifest
        body, key, start = self._packer.close(), staging_key(self._crawl, shard.resource, shard.number), 0
        if bundle is not None and len(body) <= SMALL_BYTES:
            key, start = bundle.add(key, body)
        else:
            self._store.create(key, body)
        facts = {"key": key, "start": start, "packed_bytes": len(body), "sha256": digest(body), "span": self._span}
        return msgspec.structs.replace(manifest, **facts)


def stage(store: Store, crawl: str, shard: Shard, fetched: Fetched) -> Manifest:
    """Stage a shard's received documents at once, and return its manifest."""
    staging = Staging(store, crawl, shard)
    staging.add(fetched)
    return staging.end()


def is_whole(store: Store, source: Source, crawl: str, shard: Shard, manifest: Manifest) -> bool:
    """Tell whether a manifest that was kept is this shard's, and its staged object holds what such a shard may bring.

    Both come from the bucket, so they are believed no more than what the source sends.
    """
    wanted = {item.reference.id: item for item in shard.wanted}
    others = (*manifest.gone, *(failure.id for failure in manifest.failed))
    is_complete_listing = shard.is_inline and not shard.changes
    is_own = (
        (manifest.resource, manifest.number, manifest.round) == (shard.resource, shard.number, 1)
        and manifest.last_id == shard.wanted[-1].reference.id
        and (manifest.key is None or is_staging_key(manifest.key, crawl))
        # A document that the source still lists is never gone.
        and all(id_ in wanted and (is_complete_listing or not wanted[id_].is_listed) for id_ in manifest.gone)
        and all(_named(wanted, failure.id) == (failure.resource, failure.path) for failure in manifest.failed)
    )
    if not is_own:
        return False
    known, found = crawler(source.kind), list[int]()
    try:
        rows = read_staged(store, manifest.staged).select(["resource_name", "id", "path", "body"])
        for resource, id_, path, body in zip(*rows.columns, strict=True):
            of = Reference(resource.as_py(), id_.as_py(), "", path.as_py())
            # The listing of an inline shard is read once more, and may have more documents by then.
            is_new = shard.is_inline and of.id not in wanted
            if (of.resource, of.path) != ((shard.resource, of.path) if is_new else _named(wanted, of.id)):
                return False
            if known.problem(of, body.as_buffer().to_pybytes()) is not None:
                return False
            found.append(of.id)
    except (StoreError, ValueError):
        return False
    every = [*found, *others]
    is_complete = shard.is_inline or manifest.unchanged == len(wanted) - len(every)
    return is_complete and len(set(every)) == len(every)


def _named(wanted: Mapping[int, Wanted], id_: int) -> tuple[str, str] | None:
    """Return resource and path of a wanted document, None if it is not wanted."""
    return (wanted[id_].reference.resource, wanted[id_].reference.path) if id_ in wanted else None


def part_of(body: bytes, staged: Staged) -> bytes | None:
    """Return a shard's part of the content of its staged object; None if it does not have its hash."""
    part = body[staged.start : staged.start + staged.packed_bytes] if staged.packed_bytes else body
    return part if digest(part) == staged.sha256 else None


def read_staged(store: Store, staged: Staged | None, find: Find | None = None) -> pa.Table:
    """Return the staged documents of a shard, which lie in the bucket for a day; none for None.

    `find` returns the content of an object, None if there is none; default: the store's.

    Raises:
        StoreError: Their object is gone, or is not what the manifest says.
    """
    if staged is None:
        return SCHEMA.empty_table()
    body = (find or store.find)(staged.key)
    packed = None if body is None else part_of(body, staged)
    try:
        rows = None if packed is None else unpack(packed)
    except (pa.ArrowException, ValueError, OSError):
        rows = None
    if rows is not None and rows.num_rows and not _is_inside(rows["id"], staged.first_id, staged.last_id):
        rows = None
    if rows is None or rows.num_rows != staged.documents:
        found = "none" if body is None else "others" if rows is None else rows.num_rows
        raise StoreError(
            f"{store.uri(staged.key)}: expected {staged.documents} whole documents, found {found}; run again, and"
            " they are fetched anew",
            may_pass=True,
        )
    return rows


def _is_inside(ids: pa.ChunkedArray, first: int, last: int) -> bool:
    found = pc.min_max(ids).as_py()
    return bool(first <= found["min"] and found["max"] <= last)


def final_failures(manifests: Iterable[Manifest]) -> list[Failure]:
    """Return the documents that a whole crawl could not fetch."""
    return [failure for manifest in manifests for failure in manifest.final_failures]


def second_round(manifests: Sequence[Manifest], shards: Sequence[Shard]) -> list[Shard]:
    """Return the shards of the second round: one for each resource that has failed documents."""
    failed = {(failure.resource, failure.id) for manifest in manifests for failure in manifest.failed}
    wanted: dict[tuple[str, bool, str], list[Wanted]] = {}
    for shard in shards:
        for item in shard.wanted:
            if (shard.resource, item.reference.id) in failed:
                wanted.setdefault((shard.resource, shard.is_inline, shard.changes), []).append(item)
    return [
        Shard(resource, len(shards), tuple(items), is_inline, changes)
        for (resource, is_inline, changes), items in wanted.items()
    ]


def source_facts(
    source: Source, upstream: Upstream, listings: Sequence[Listing], manifests: Sequence[Manifest]
) -> SourceFacts:
    """Describe the source and its crawl as a commit does; a crawl that met several versions belongs to none.

    Of very many versions the commonest are counted.
    """
    answers = Counter[str]()
    for manifest in manifests:
        answers.update(manifest.versions)
    versions = answers.keys() | ({upstream.version} if upstream.version and answers else set())
    return SourceFacts(
        base_url=source.base_url,
        kind=source.kind,
        version=None if len(versions) > 1 else upstream.version,
        answers=dict(answers.most_common(_MOST_VERSIONS)),
        listed=tuple(sorted(upstream.resources)),
        resources=tuple(listing.resource for listing in listings),
        refused={listing.resource: listing.refusal for listing in listings if listing.refusal},
        requests=sum(manifest.requests for manifest in manifests),
        declared=source.declared,
    )


def forget_results(store: Store, *folders: str) -> None:
    """Delete what crawls have kept below some folders of Prefect's results, so that the next one asks the source."""
    store.delete([item.key for folder in folders for item in store.list(f"{RESULTS}{folder}")])
