"""The documents of a snapshot: the parent's and a crawl's, merged in units of some ranges of ids of some resources."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lake.assemble.lost import lost_findings
from lake.assemble.mend import Mending
from lake.assemble.piece import KINDS, SELF_DESCRIPTION, MergedPiece, MergeResult, MergeUnit, Piece
from lake.assemble.staging import Manifest
from lake.assemble.stored import StoredFile, document_files, open_documents
from lake.assemble.units import RunUnits, in_threads
from lake.commit import Commit
from lake.publish import Finding
from lake.resource import IdentityChange
from lake.store import Store

# Small ranges are merged together until the JSON that was staged for them has so many bytes.
UNIT_BYTES = 16 << 20

LEAST_ID, GREATEST_ID = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class MergedResource:
    """One resource's documents in the parent and in the snapshot in the making, and how they differ.

    `before` and `after` are its files; what did not change is the parent's file in both. `before` has none if one of
    its files is damaged.
    """

    resource: str
    before: tuple[StoredFile, ...]
    after: tuple[StoredFile, ...]
    changes: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    deleted: tuple[str, ...] = ()
    identities: tuple[IdentityChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    # Documents that this crawl and another run, which published meanwhile, both changed, so that the other run's are
    # kept, and one more if the other run changed any.
    contested: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether a document was added, modified or deleted."""
        return any(self.changes[kind] for kind in ("added", "modified", "deleted"))

    @property
    def rows_before(self) -> int:
        """How many documents it had in the parent."""
        return sum(stored.file.rows for stored in self.before)

    @property
    def rows(self) -> int:
        """How many documents it has."""
        return sum(stored.file.rows for stored in self.after)

    @property
    def replaced(self) -> tuple[tuple[StoredFile, ...], tuple[StoredFile, ...]]:
        """The files before that are no longer there after, and the files after that were not there before."""
        old, new = ({stored.file.sha256 for stored in files} for files in (self.before, self.after))
        gone = tuple(stored for stored in self.before if stored.file.sha256 not in new)
        return gone, tuple(stored for stored in self.after if stored.file.sha256 not in old)


def merge_documents(
    store: Store,
    snapshot: str,
    parent: Commit | None,
    manifests: Sequence[Manifest],
    kind: str,
    dropped: Collection[str] = (),
    advance: Callable[[int], None] = lambda done: None,
    began: Mapping[str, tuple[StoredFile, ...]] | None = None,
    mending: Mending | None = None,
    run_units: RunUnits = in_threads,
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
    mending = mending or Mending()
    before = {
        name: tuple(replace(one, snapshot=mending.twins.get(one.file.name, one.snapshot)) for one in files)
        for name, files in document_files(parent).items()
    }
    merged: dict[str, MergedResource] = {}
    pieces: list[Piece] = []
    for resource in sorted(before.keys() | staged.keys()):
        is_lost = resource in mending.resources
        held = () if is_lost else before.get(resource, ())
        if resource in dropped:
            merged[resource] = drop_resource(store, resource, before[resource], is_lost)
            continue
        base = () if is_lost else (before if began is None else began).get(resource, ())
        is_alone = [one.file.sha256 for one in held] == [one.file.sha256 for one in base]
        # What the crawl found unchanged may be what the other run has changed.
        contested = int(bool(staged[resource]) and not is_alone)
        merged[resource] = MergedResource(resource, held, held, contested=contested)
        rejected = mending.rejected.get(resource, ())
        pieces += plan_pieces(resource, held, staged[resource], None if is_alone else base, rejected)
    planned = {piece.resource for piece in pieces}
    advance(sum(item.rows for name, item in merged.items() if name not in planned))
    found: dict[str, list[MergedPiece]] = defaultdict(list)
    for result in run_units(store, cut_units(snapshot, kind, pieces)):
        assert isinstance(result, MergeResult), "a unit that merges was given"
        for piece in result.pieces:
            found[piece.resource].append(piece)
            advance(sum(stored.file.rows for stored in piece.after))
    for resource, parts in found.items():
        merged[resource] = joined(merged[resource], sorted(parts, key=lambda part: part.number))
    for resource in mending.resources & merged.keys() - set(dropped):
        if merged[resource].after:
            # They are no news: what they differ in from the lost ones is not known.
            changes = merged[resource].changes
            news = {"added": 0, "modified": changes["added"]}
            merged[resource] = replace(merged[resource], changes={**changes, **news})
    return merged


def plan_pieces(
    resource: str,
    before: tuple[StoredFile, ...],
    manifests: Sequence[Manifest],
    began: tuple[StoredFile, ...] | None,
    rejected: Collection[int] = (),
) -> list[Piece]:
    """Return the ranges of a resource's documents to merge; none if nothing came and nothing is gone."""
    gone = tuple(sorted({id_ for manifest in manifests for id_ in manifest.gone}))
    staged = tuple(manifest.staged for manifest in manifests if manifest.staged)
    if not gone and not staged:
        return []
    return [Piece(resource, 0, LEAST_ID, GREATEST_ID, before, began, staged, gone, tuple(sorted(rejected)))]


def cut_units(snapshot: str, kind: str, pieces: Sequence[Piece]) -> list[MergeUnit]:
    """Join the ranges to merge into units, the largest first, so that none of those is left alone at the end."""
    units: list[list[Piece]] = []
    room = 0
    for piece in sorted(pieces, key=lambda piece: (-piece.staged_bytes, piece.resource, piece.number)):
        if not units or piece.staged_bytes > room:
            units.append([])
            room = UNIT_BYTES
        units[-1].append(piece)
        room -= piece.staged_bytes
    return [MergeUnit(number, snapshot, kind, tuple(joined)) for number, joined in enumerate(units)]


def joined(resource: MergedResource, pieces: Sequence[MergedPiece]) -> MergedResource:
    """Return a resource as its merged ranges leave it."""
    return replace(
        resource,
        after=tuple(stored for piece in pieces for stored in piece.after),
        changes={kind: sum(piece.changes[kind] for piece in pieces) for kind in KINDS},
        deleted=tuple(path for piece in pieces for path in piece.deleted),
        identities=tuple(change for piece in pieces for change in piece.identities),
        findings=(
            *(finding for piece in pieces for finding in piece.findings),
            *lost_findings(resource.resource, [lost for piece in pieces for lost in piece.lost]),
        ),
        contested=resource.contested + sum(piece.contested for piece in pieces),
    )


def changed(merged: Mapping[str, MergedResource]) -> set[str]:
    """Return the resources whose documents changed; none if only the source's self-description did."""
    names = {name for name, item in merged.items() if item.is_changed}
    return set() if names <= {SELF_DESCRIPTION} else names


def drop_resource(store: Store, resource: str, before: tuple[StoredFile, ...], is_lost: bool = False) -> MergedResource:
    """Return a resource without its documents: its source no longer lists it, and a person allowed its deletion.

    If a file of it is lost, nobody knows their paths.
    """
    deleted = {**dict.fromkeys(KINDS, 0), "deleted": sum(stored.file.rows for stored in before)}
    if is_lost:
        return MergedResource(resource, (), (), deleted)
    paths = tuple(open_documents(store, before).read("path")["path"].to_pylist())
    return MergedResource(resource, before, (), deleted, paths)
