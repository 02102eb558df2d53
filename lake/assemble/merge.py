"""The documents of a snapshot: the parent's and a crawl's, merged in units of some ranges of ids of some resources."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import msgspec

from lake.assemble.index import SCHEMA, Index, read_index, starts_of
from lake.assemble.mend import Mending
from lake.assemble.merged import MergedResource, Merging, joined
from lake.assemble.piece import KINDS, MergedPiece, MergeResult, MergeUnit, Piece
from lake.assemble.ranges import GREATEST_ID, LEAST_ID, PART_JSON_BYTES, Range, plan_ranges
from lake.assemble.staging import Manifest, Staged
from lake.assemble.stored import StoredFile, document_files, open_documents
from lake.assemble.units import RunUnits, in_threads
from lake.commit import Commit
from lake.store import Store
from lake.tables.inferred.stored import InferredTable

# A whole crawl is merged in about so many units, none of them smaller than one part or larger than eight.
UNITS, UNIT_BYTES, MOST_UNIT_BYTES = 12, PART_JSON_BYTES, 8 * PART_JSON_BYTES


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
    inferred: Callable[[], Collection[InferredTable]] = tuple,
) -> Merging:
    """Merge a crawl's staged documents into the parent's, without `dropped` resources; changed files are written.

    `began` has the files that the crawl began from, if another run has published since. What `mending` rejects is
    omitted. The resources whose files it knows as damaged are made of staged documents alone. `inferred` returns
    the parent's tables that nobody declared.

    Raises:
        StoreError: A staged object is not what its manifest says.
    """
    of_resource: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in manifests:
        of_resource[manifest.resource].append(manifest)
    mending, index = mending or Mending(), read_index(store, parent)
    before = {
        name: tuple(replace(one, snapshot=mending.twins.get(one.file.name, one.snapshot)) for one in files)
        for name, files in document_files(parent).items()
    }
    merged, ranges, pieces = dict[str, MergedResource](), dict[str, list[Range]](), list[Piece]()
    for resource in sorted(before.keys() | of_resource.keys()):
        is_lost = resource in mending.resources
        held = () if is_lost else before.get(resource, ())
        if resource in dropped:
            merged[resource] = drop_resource(store, index, resource, before[resource], is_lost)
            continue
        base = () if is_lost else (before if began is None else began).get(resource, ())
        is_alone = [one.file.sha256 for one in held] == [one.file.sha256 for one in base]
        # What the crawl found unchanged may be what the other run has changed.
        contested = int(bool(of_resource[resource]) and not is_alone)
        merged[resource] = MergedResource(resource, held, held, contested=contested)
        staged = staged_of(of_resource[resource])
        gone = {id_ for manifest in of_resource[resource] for id_ in manifest.gone}
        if staged or gone:
            known = index.of_resource(resource) if index and held else SCHEMA.empty_table()
            ids, sizes = (known[name].to_numpy() for name in ("id", "bytes"))
            ranges[resource] = plan_ranges(held, starts_of(store, index, resource, held), staged, ids, sizes)
            rejected = mending.rejected.get(resource, ())
            pieces += plan_pieces(resource, ranges[resource], staged, gone, None if is_alone else base, rejected)
    planned = {piece.resource for piece in pieces}
    advance(sum(item.rows for name, item in merged.items() if name not in planned))
    found: dict[str, dict[int, MergedPiece]] = defaultdict(dict)
    staged_index = []
    for result in run_units(store, cut_units(snapshot, kind, pieces, inferred() if pieces else ())):
        assert isinstance(result, MergeResult), "a unit that merges was given"
        staged_index += [result.index] if result.index else []
        for piece in result.pieces:
            found[piece.resource][piece.number] = piece
            advance(sum(stored.file.rows for stored in piece.after))
    for resource, parts in found.items():
        merged[resource] = joined(merged[resource], ranges[resource], dict(sorted(parts.items())))
    for resource in mending.resources & merged.keys() - set(dropped):
        if merged[resource].after:
            # They are no news: what they differ in from the lost ones is not known.
            changes = merged[resource].changes
            news = {"added": 0, "modified": changes["added"]}
            merged[resource] = replace(merged[resource], changes={**changes, **news})
    return Merging(store, parent, dict(sorted(merged.items())), index, tuple(staged_index))


def staged_of(manifests: Sequence[Manifest]) -> list[Staged]:
    """Return what was staged of a resource; of what earlier code staged, only its last ids are known."""
    found, low = list[Staged](), LEAST_ID
    first = sorted((one for one in manifests if one.round == 1), key=lambda one: one.number)
    for manifest in first:
        staged = manifest.staged
        if staged is not None and manifest.span is None:
            # The listing of an inline shard is read once more, and may have more documents by then.
            last = GREATEST_ID if manifest is first[-1] else manifest.last_id
            staged = msgspec.structs.replace(staged, first_id=low, last_id=last)
        found += [staged] if staged else []
        low = manifest.last_id + 1
    return [*found, *(one.staged for one in manifests if one.round == 2 and one.staged)]


def plan_pieces(
    resource: str,
    ranges: Sequence[Range],
    staged: Sequence[Staged],
    gone: Collection[int],
    began: tuple[StoredFile, ...] | None,
    rejected: Collection[int] = (),
) -> list[Piece]:
    """Return the ranges of a resource's documents to merge: those of which something came, or is gone."""
    pieces = []
    for one in ranges:
        came = tuple(item for item in staged if one.meets(item.first_id, item.last_id))
        left = tuple(sorted(id_ for id_ in gone if one.meets(id_, id_)))
        if came or left:
            before = (one.before,) if one.before else ()
            out = tuple(sorted(id_ for id_ in rejected if one.meets(id_, id_)))
            pieces.append(Piece(resource, one.number, one.low, one.high, before, began, came, left, out, one.cuts))
    return pieces


def cut_units(
    snapshot: str, kind: str, pieces: Sequence[Piece], inferred: Collection[InferredTable] = ()
) -> list[MergeUnit]:
    """Join the ranges to merge into units, each of neighbours; the largest first, so that none is left at the end.

    `inferred` are the parent's tables that nobody declared.
    """
    total = sum(piece.staged_bytes for piece in pieces)
    most = min(max(UNIT_BYTES, total // UNITS), MOST_UNIT_BYTES)
    units: list[list[Piece]] = []
    room = 0
    for piece in sorted(pieces, key=lambda piece: (piece.resource, piece.number)):
        if not units or piece.staged_bytes > room:
            units.append([])
            room = most
        units[-1].append(piece)
        room -= piece.staged_bytes
    units.sort(key=lambda unit: -sum(piece.staged_bytes for piece in unit))

    def unit(number: int, joined: Sequence[Piece]) -> MergeUnit:
        resources = {piece.resource for piece in joined}
        own = tuple(table for table in inferred if table.resource in resources)
        return MergeUnit(number, snapshot, kind, tuple(joined), own)

    return [unit(number, joined) for number, joined in enumerate(units)]


def drop_resource(
    store: Store, index: Index | None, resource: str, before: tuple[StoredFile, ...], is_lost: bool = False
) -> MergedResource:
    """Return a resource without its documents: its source no longer lists it, and a person allowed its deletion.

    If a file of it is lost, nobody knows their paths.
    """
    deleted = {**dict.fromkeys(KINDS, 0), "deleted": sum(stored.file.rows for stored in before)}
    if is_lost:
        return MergedResource(resource, (), (), deleted)
    rows = index.of_resource(resource) if index else open_documents(store, before).read("path")
    return MergedResource(resource, before, (), deleted, tuple(rows["path"].to_pylist()))
