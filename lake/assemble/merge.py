"""The documents of a snapshot: the parent's and a crawl's, merged resource by resource into their files."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from lake import documents
from lake.assemble.staging import Manifest
from lake.commit import Commit, DataFile, read_file
from lake.documents import DOCUMENTS, DocumentFile, IdentityChange
from lake.errors import StoreError
from lake.publish import EncodedFile, FileStyle, KeyCheck, TableWriter
from lake.store import Store

# Resources that are merged and compressed at the same time; each holds a shard of documents, up to 30 MB.
MERGED_AT_ONCE = 3

# One page a row group: what is compressed together is as much as zstd looks back.
DOCUMENTS_STYLE = FileStyle(
    page_bytes=documents.PAGE_BYTES, use_dictionary=False, measured="body", row_group_bytes=documents.PAGE_BYTES
)

# What a source says of itself, such as its version, is other than before in every one of them: by itself that is no
# change of its data.
SELF_DESCRIPTION = "meta"

_LEAST_ID, _GREATEST_ID = -(2**63), 2**63 - 1


# What a commit counts of each resource's documents, against the parent's.
KINDS = ("added", "modified", "deleted", "reordered")


@dataclass(frozen=True)
class Merged:
    """One resource's documents in the snapshot to be, and how they differ from the parent's.

    `encoded` is the new file, None where the parent's is carried over, or where no document is left.
    """

    resource: str
    parent: DocumentFile
    encoded: EncodedFile | None = None
    carried: DataFile | None = None
    changes: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    deleted: tuple[str, ...] = ()
    identities: tuple[IdentityChange, ...] = ()
    check: KeyCheck | None = None

    @property
    def is_changed(self) -> bool:
        """Whether any document is new, other than before, or gone."""
        return any(self.changes[kind] for kind in ("added", "modified", "deleted"))

    @property
    def file(self) -> EncodedFile | DataFile | None:
        """What the snapshot holds of the resource; None where no document is left."""
        return self.encoded or self.carried

    @cached_property
    def documents(self) -> DocumentFile:
        """The documents as they hold in the snapshot to be."""
        return self.parent if self.carried else DocumentFile(self.encoded.body if self.encoded else None)


def document_file(store: Store, commit: Commit | None, resource: str) -> DocumentFile:
    """Return one resource's documents in a snapshot, read when they are asked for; none where it has none."""
    file = document_files(commit).get(resource)
    if commit is None or file is None:
        return DocumentFile(None)
    return DocumentFile(lambda: read_file(store, commit.snapshot, DOCUMENTS.name, file))


def document_files(commit: Commit | None) -> dict[str, DataFile]:
    """Return the file of every resource's documents in a snapshot."""
    files = commit.tables[DOCUMENTS.name].files if commit else ()
    return {str(file.partition): file for file in files if file.partition is not None}


def merge_documents(
    store: Store,
    parent: Commit | None,
    manifests: Sequence[Manifest],
    kind: str,
    dropped: Collection[str] = (),
    advance: Callable[[int], None] = lambda done: None,
) -> dict[str, Merged]:
    """Merge what a crawl of a source of this kind has staged into the parent's documents, without `dropped` resources.

    Raises:
        StoreError: A staged object is not what its manifest says.
    """
    staged: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in manifests:
        staged[manifest["resource"]].append(manifest)
    at_hand = document_files(parent)

    def make(resource: str) -> Merged:
        before = document_file(store, parent, resource)
        if resource in dropped:
            paths = tuple(path for _, path in before.at_hand().values())
            return Merged(resource, before, changes={**dict.fromkeys(KINDS, 0), "deleted": len(paths)}, deleted=paths)
        found, changes = staged[resource], dict.fromkeys(KINDS, 0)
        if any(manifest["key"] or manifest["gone"] for manifest in found):
            merged = _merge(store, resource, before, found, kind)
            if merged.is_changed:
                advance(merged.encoded.rows if merged.encoded else 0)
                return merged
            changes = dict(merged.changes)
        advance(at_hand[resource].rows if resource in at_hand else 0)
        return Merged(resource, before, carried=at_hand.get(resource), changes=changes)

    # The largest first, so that none of them is left alone at the end.
    sizes = {name: sum(manifest["json_bytes"] for manifest in found) for name, found in staged.items()}
    by_size = sorted(at_hand.keys() | staged.keys(), key=lambda name: (-sizes.get(name, 0), name))
    with ThreadPoolExecutor(MERGED_AT_ONCE, thread_name_prefix="merge") as pool:
        made = {merged.resource: merged for merged in pool.map(make, by_size)}
    return dict(sorted(made.items()))


def changed(merged: Mapping[str, Merged]) -> set[str]:
    """Return the resources whose documents changed; of nothing but what the source says of itself, none."""
    names = {name for name, item in merged.items() if item.is_changed}
    return set() if names <= {SELF_DESCRIPTION} else names


def _merge(store: Store, resource: str, parent: DocumentFile, manifests: Sequence[Manifest], kind: str) -> Merged:
    writer = TableWriter(DOCUMENTS, documents.PARTITION, "resource_name", DOCUMENTS_STYLE)
    gone = [id_ for manifest in manifests for id_ in manifest["gone"]]
    changes = dict.fromkeys(KINDS, 0)
    deleted: list[str] = []
    identities: list[IdentityChange] = []
    for rows, fetched in _ranges(store, parent, manifests):
        merged = documents.merge(rows, fetched, gone, kind)
        for change in KINDS:
            changes[change] += getattr(merged, change)
        deleted += rows["path"].filter(pc.invert(pc.is_in(rows["path"], merged.rows["path"]))).to_pylist()
        identities += merged.identities
        if merged.rows.num_rows:
            writer.add(merged.rows)
    encoded = writer.close()[0] if writer.check.rows else None
    return Merged(
        resource,
        parent,
        encoded,
        None,
        changes,
        tuple(deleted),
        tuple(identities),
        writer.check,
    )


def _ranges(store: Store, parent: DocumentFile, manifests: Sequence[Manifest]) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield the parent's documents and the fetched ones, range by range of ids; none is longer than a row group."""
    # The shards that asked once more cut across the ranges of the others.
    late = pa.concat_tables(
        [documents.SCHEMA.empty_table(), *(_staged(store, manifest) for manifest in manifests if manifest["again"])]
    )
    shards = sorted((m for m in manifests if not m["again"]), key=lambda manifest: manifest["number"])
    starts = {manifest["last_id"] + 1: manifest for manifest in shards[:-1]}
    cuts = sorted(starts.keys() | set(parent.starts()[1:]))
    bounds = list(zip([_LEAST_ID, *cuts], [*(cut - 1 for cut in cuts), _GREATEST_ID], strict=True))
    following = iter(shards)
    staged = _staged(store, next(following))
    for (low, high), rows in zip(bounds, parent.between(bounds), strict=True):
        if low in starts:
            staged = _staged(store, next(following))
        yield rows, pa.concat_tables([_inside(staged, low, high), _inside(late, low, high)])


def _inside(rows: pa.Table, low: int, high: int) -> pa.Table:
    """Return the rows of a range of ids, both ends included; bodies are large, so all of them are not copied."""
    inside = pc.and_(pc.greater_equal(rows["id"], low), pc.less_equal(rows["id"], high))
    return rows if pc.all(inside).as_py() is not False else rows.filter(inside)


def _staged(store: Store, manifest: Manifest) -> pa.Table:
    if manifest["key"] is None:
        return documents.SCHEMA.empty_table()
    rows = documents.unpack(store.get(manifest["key"]))
    if rows.num_rows != manifest["documents"]:
        raise StoreError(
            f"{store.uri(manifest['key'])}: expected {manifest['documents']} whole documents, found"
            f" {rows.num_rows}; run again, and they are fetched anew"
        )
    return rows
