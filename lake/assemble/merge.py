"""The documents of a snapshot: the parent's and a crawl's, merged resource by resource; each resource is one unit."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise, repeat

import pyarrow as pa
import pyarrow.compute as pc

from lake import documents
from lake.assemble.lost import LostRows
from lake.assemble.mend import Mending
from lake.assemble.staging import Manifest, read_staged
from lake.commit import Commit, DataFile, read_file
from lake.documents import DOCUMENTS, DOCUMENTS_PARTITION, DocumentFile
from lake.layout import SnapshotId, file_key
from lake.publish import FileStyle, Finding, TableWriter, audit_table
from lake.resource import IdentityChange
from lake.store import Store
from lake.tables import catalog_of

# Resources that are merged and compressed at the same time; each holds a shard of documents, up to 30 MB.
MERGED_AT_ONCE = 3

# A row group is one page, as long as zstd looks back, so everything in it is compressed together.
DOCUMENTS_STYLE = FileStyle(
    page_bytes=documents.PAGE_BYTES, use_dictionary=False, measured="body", row_group_bytes=documents.PAGE_BYTES
)

# The resource in which a source describes itself, such as its version. It differs in every release, and that alone is
# no change of the data.
SELF_DESCRIPTION = "meta"

_LEAST_ID, _GREATEST_ID = -(2**63), 2**63 - 1

# The kinds of change that a commit counts: each resource's documents against the parent's.
KINDS = ("added", "modified", "deleted", "reordered")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of the table of documents, and the snapshot in whose folder it lies."""

    snapshot: SnapshotId
    file: DataFile


@dataclass(frozen=True, slots=True)
class MergedResource:
    """One resource's documents in the parent and in the snapshot in the making, and how they differ.

    `after` is the parent's file if nothing changed. Either is None if it has no document; so is `before` if its file is
    damaged. `taken` has the path of each document that the crawl brought and that is in `after`, by id.
    """

    resource: str
    before: StoredFile | None
    after: StoredFile | None
    changes: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    deleted: tuple[str, ...] = ()
    identities: tuple[IdentityChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    # Documents that this crawl and another run, which published meanwhile, both changed, so that the other run's are
    # kept, and one more if the other run changed any.
    contested: int = 0
    taken: Mapping[int, str] = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        """Whether a document was added, modified or deleted."""
        return any(self.changes[kind] for kind in ("added", "modified", "deleted"))


def document_files(commit: Commit | None) -> dict[str, StoredFile]:
    """Return the file of every resource's documents in a published snapshot.

    A commit without documents was made by other hands; whoever crawls after it asks for every document anew.
    """
    if commit is None or DOCUMENTS.name not in commit.tables:
        return {}
    files = commit.tables[DOCUMENTS.name].files
    return {str(file.partition): StoredFile(commit.snapshot, file) for file in files if file.partition is not None}


def open_documents(store: Store, stored: StoredFile | None) -> DocumentFile:
    """Return the documents of a file, which is read when they are first asked for; None gives no documents."""
    if stored is None:
        return DocumentFile(None)
    return DocumentFile(lambda: read_file(store, stored.snapshot, DOCUMENTS.name, stored.file))


def merge_documents(
    store: Store,
    snapshot: str,
    parent: Commit | None,
    manifests: Sequence[Manifest],
    kind: str,
    dropped: Collection[str] = (),
    advance: Callable[[int], None] = lambda done: None,
    began: Mapping[str, StoredFile] | None = None,
    mending: Mending | None = None,
) -> dict[str, MergedResource]:
    """Merge a crawl's staged documents into the parent's, without `dropped` resources; changed files are written.

    `began` has the files that the crawl began from, if another run has published since. What `mending` rejects is
    omitted. The resources whose files it knows as damaged are made of staged documents alone.

    Raises:
        StoreError: A staged object is not what its manifest says.
    """
    staged: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in manifests:
        staged[manifest.resource].append(manifest)
    before, mending = document_files(parent), mending or Mending()
    before |= {name: replace(before[name], snapshot=twin) for name, twin in mending.twins.items()}

    def merge(resource: str) -> MergedResource:
        is_lost = resource in mending.resources
        if resource in dropped:
            merged = drop_resource(store, resource, before[resource], is_lost)
        else:
            rejected = mending.rejected.get(resource, ())
            held = None if is_lost else before.get(resource)
            base = None if is_lost else (before if began is None else began).get(resource)
            merged = merge_resource(store, snapshot, resource, held, staged[resource], kind, base, rejected)
        if is_lost and merged.after:
            # They are no news: what they differ in from the lost ones is not known.
            merged = replace(merged, changes={**merged.changes, "added": 0, "modified": merged.changes["added"]})
        advance(merged.after.file.rows if merged.after else 0)
        return merged

    # The largest first, so that none of them is left alone at the end.
    sizes = {name: sum(manifest.json_bytes for manifest in found) for name, found in staged.items()}
    by_size = sorted(before.keys() | staged.keys(), key=lambda name: (-sizes.get(name, 0), name))
    with ThreadPoolExecutor(MERGED_AT_ONCE, thread_name_prefix="merge") as pool:
        return {merged.resource: merged for merged in sorted(pool.map(merge, by_size), key=lambda item: item.resource)}


def changed(merged: Mapping[str, MergedResource]) -> set[str]:
    """Return the resources whose documents changed; none if only the source's self-description did."""
    names = {name for name, item in merged.items() if item.is_changed}
    return set() if names <= {SELF_DESCRIPTION} else names


def merge_resource(
    store: Store,
    snapshot: str,
    resource: str,
    before: StoredFile | None,
    manifests: Sequence[Manifest],
    kind: str,
    began: StoredFile | None,
    rejected: Collection[int] = (),
) -> MergedResource:
    """Merge the staged documents of one resource into those `before`; write them into the snapshot if they changed.

    `began` is the file that the crawl began from; it is another one if another run has published since. Staged
    documents with `rejected` ids are omitted.

    Raises:
        StoreError: A staged object is not what its manifest says.
    """
    gone = [id_ for manifest in manifests for id_ in manifest.gone]
    is_alone = (before and before.file.sha256) == (began and began.file.sha256)
    # What the crawl found unchanged may be what the other run has changed.
    contested = int(bool(manifests) and not is_alone)
    if not gone and not any(manifest.key for manifest in manifests):
        return MergedResource(resource, before, before, contested=contested)
    writer = TableWriter(DOCUMENTS, DOCUMENTS_PARTITION, "resource_name", DOCUMENTS_STYLE)
    catalog = catalog_of(kind)
    ordered, lost = catalog.keeps_order(resource), LostRows(catalog, resource)
    changes = dict.fromkeys(KINDS, 0)
    deleted: list[str] = []
    identities: list[IdentityChange] = []
    base = None if is_alone else open_documents(store, began)
    taken: dict[int, str] = {}
    for rows, staged, base_rows in _ranges(store, open_documents(store, before), base, manifests):
        fetched = staged
        if rejected:
            fetched = fetched.filter(pc.invert(pc.is_in(fetched["id"], pa.array(rejected, pa.int64()))))
        merged = documents.merge(rows, fetched, gone, ordered, base_rows)
        contested += merged.contested
        for change in KINDS:
            changes[change] += getattr(merged, change)
        deleted += rows["path"].filter(pc.invert(pc.is_in(rows["path"], merged.rows["path"]))).to_pylist()
        identities += merged.identities
        taken |= merged.taken
        if merged.modified and resource != SELF_DESCRIPTION:
            lost.add(merged.before, merged.after)
        if merged.rows.num_rows:
            writer.add(merged.rows)
    if not (changes["added"] or changes["modified"] or changes["deleted"]):
        return MergedResource(resource, before, before, changes, contested=contested)
    after = None
    if writer.check.rows:
        [encoded] = writer.close()
        store.create(file_key(snapshot, DOCUMENTS.name, encoded.name), encoded.body)
        after = StoredFile(snapshot, encoded.data_file)
    findings = (*audit_table(writer.check, None, {}), *lost.findings())
    return MergedResource(
        resource, before, after, changes, tuple(deleted), tuple(identities), findings, contested, taken
    )


def drop_resource(store: Store, resource: str, before: StoredFile, is_lost: bool = False) -> MergedResource:
    """Return a resource without its documents: its source no longer lists it, and a person allowed its deletion.

    If its file is lost, nobody knows their paths.
    """
    if is_lost:
        return MergedResource(resource, None, None, {**dict.fromkeys(KINDS, 0), "deleted": before.file.rows})
    paths = tuple(item.path for item in open_documents(store, before).at_hand().values())
    return MergedResource(resource, before, None, {**dict.fromkeys(KINDS, 0), "deleted": len(paths)}, paths)


def _ranges(
    store: Store, parent: DocumentFile, base: DocumentFile | None, manifests: Sequence[Manifest]
) -> Iterator[tuple[pa.Table, pa.Table, pa.Table | None]]:
    """Yield the parent's documents, the fetched ones, and those that the crawl began from, range by range of ids.

    A range ends where a shard of the first round or a row group of the parent does, so none is longer than either. The
    documents of the second round lie anywhere.
    """
    shards = sorted((manifest for manifest in manifests if manifest.round == 1), key=lambda manifest: manifest.number)
    second = pa.concat_tables(
        [
            documents.SCHEMA.empty_table(),
            *(read_staged(store, manifest) for manifest in manifests if manifest.round == 2),
        ]
    )
    # Documents of the parent with higher ids than the last shard's belong to that shard's ranges.
    ends = [manifest.last_id for manifest in shards[:-1]]
    cuts = sorted({end + 1 for end in ends} | set(parent.starts()[1:]))
    bounds = [(low, high - 1) for low, high in pairwise([_LEAST_ID, *cuts, _GREATEST_ID + 1])]
    loaded, staged = -1, second
    began = base.between(bounds) if base else repeat(None, len(bounds))
    for (low, high), rows, base_rows in zip(bounds, parent.between(bounds), began, strict=True):
        shard = bisect_left(ends, low)
        if shard != loaded:
            loaded, staged = shard, read_staged(store, shards[shard])
        yield rows, pa.concat_tables([_inside(staged, low, high), _inside(second, low, high)]), base_rows


def _inside(rows: pa.Table, low: int, high: int) -> pa.Table:
    """Return the rows of a range of ids, both ends included; no copy if that is all rows, because bodies are large."""
    inside = pc.and_(pc.greater_equal(rows["id"], low), pc.less_equal(rows["id"], high))
    return rows if pc.all(inside).as_py() is not False else rows.filter(inside)
