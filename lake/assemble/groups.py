"""Building the tables of a snapshot: its groups as units of work, and what all of them must know of its documents."""

from collections.abc import Mapping, Sequence

from lake.assemble.build import Advance, BuildResult, BuildUnit, BuiltTable, species_generations
from lake.assemble.index import Index
from lake.assemble.known import Known, stage_known
from lake.assemble.merged import Merging
from lake.assemble.shared import forget_shared
from lake.assemble.stored import open_documents
from lake.assemble.units import RunUnits
from lake.assemble.work import Group
from lake.commit import TableFiles
from lake.publish import ListedFile, SnapshotWriter
from lake.schema import Table
from lake.store import Store
from lake.tables import Catalog
from lake.tables.inferred import Assumption, UnassumedError
from lake.tables.inferred.stored import InferredTable


def build_tables(
    store: Store,
    snapshot: str,
    catalog: Catalog,
    at_hand: Mapping[str, tuple[ListedFile, ...]],
    merging: Merging,
    index: Index,
    groups: Sequence[Group],
    bases: frozenset[str],
    advance: Advance,
    run_units: RunUnits,
    assumed: Mapping[str, Assumption],
) -> list[BuildResult]:
    """Build and write groups of tables, the one with the most bytes of documents first; `at_hand` is the parent's.

    `assumed` is what the tables of some resources follow from, of which not every document was looked at.

    Raises:
        UnassumedError: Some of these resources, which it names, have documents with more than that.
    """
    if not groups:
        return []
    files = {name: item.after for name, item in merging.resources.items() if item.after}
    species = files.get("pokemon-species", ())
    needed = bool(species) and any(group.needs_generations for group in groups)
    generations = species_generations(open_documents(store, species, snapshot), bases) if needed else {}
    referenced = {name for group in groups for name in group.referenced} & merging.resources.keys()
    known = stage_known(store, snapshot, Known({name: index.ids(name) for name in referenced}, generations))

    def unit(number: int, group: Group) -> BuildUnit:
        own = {name: files[name] for name in group.parsed}
        parent = {name: at_hand[name] for name in group.tables if name in at_hand}
        made = [catalog.table(name) for name in group.tables]
        inferred = tuple(InferredTable.of(table) for table in made if table.is_inferred)
        of_own = {name: assumed[name] for name in group.parsed if name in assumed}
        return BuildUnit(number, snapshot, group, own, parent, known, tuple(sorted(bases)), inferred, of_own)

    def size(group: Group) -> int:
        return sum(stored.file.bytes for name in group.parsed for stored in files[name])

    built = list[BuildResult]()
    units = [unit(number, group) for number, group in enumerate(sorted(groups, key=size, reverse=True))]
    for result in run_units(store, units):
        assert isinstance(result, BuildResult), "a unit that builds was given"
        built.append(result)
        advance(result.documents)
    forget_shared(store, [known])
    if unassumed := [name for result in built for name in result.unassumed]:
        raise UnassumedError(*unassumed)
    return sorted(built, key=lambda result: min(result.tables))


def described(writer: SnapshotWriter, table: Table, built: BuiltTable) -> TableFiles:
    """Return what a commit says of a table that was built."""
    return writer.describe(table, table.partition, built.files, built.checked.null_counts)
