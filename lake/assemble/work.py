"""Work: the tables that must be built when documents changed, cut into groups."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from lake import tables
from lake.assemble.stored import document_files
from lake.commit import Commit
from lake.schema import RESOURCE, SPECIES_GENERATION, Table
from lake.tables import Catalog


@dataclass(frozen=True, slots=True)
class Work:
    """The work to do: tables to build, by name, and resources whose documents are parsed for all of their tables.

    The rows of every other resource are taken from the parent's table.
    """

    tables: frozenset[str]
    resources: frozenset[str]


@dataclass(frozen=True, slots=True)
class Group:
    """Tables that are built together because the same documents fill them: one unit of work.

    The documents of `parsed` resources are parsed; the rows of `carried` ones are taken from the parent's tables. With
    `reads_again`, other groups parse the same documents as well, count them, and look for paths that no table knows.
    """

    kind: str
    tables: tuple[str, ...]
    parsed: tuple[str, ...]
    carried: tuple[str, ...]
    reads_again: bool

    @property
    def referenced(self) -> set[str]:
        """The resources to which rows of the group may refer."""
        wanted = (table for table in tables.catalog_of(self.kind).tables if table.name in self.tables)
        return {field.references for table in wanted for field in table.fields if field.references}

    @property
    def needs_generations(self) -> bool:
        """Whether a row of the group needs the generation of its species."""
        wanted = (table for table in tables.catalog_of(self.kind).tables if table.name in self.tables)
        return bool(self.parsed) and any(_depends_on_species(table) for table in wanted)


def tables_in(catalog: Catalog, resources: Iterable[str], before: Commit | None) -> list[Table]:
    """Return the tables of a snapshot: those that its resources fill, and those that the snapshot `before` had."""
    names = {table.name for resource in resources for table in catalog.tables_of(resource)}
    names |= before.tables.keys() if before else set()
    return [table for table in catalog.tables if table.name in names]


def plan_work(
    catalog: Catalog,
    resources: Collection[str],
    changed: Collection[str],
    deleted: Collection[str],
    before: Commit | None,
    added: Collection[str] = (),
) -> Work:
    """Choose the tables to build when the documents of `changed` resources differ from those of the snapshot `before`.

    `resources` are all that have documents. A table is built when documents of its resources changed, or when its
    references must be audited again: they point at a resource that lost documents or is new, or some of them pointed
    nowhere and their resource gained documents. Without `before`, or after a change of the code, all tables are built.
    """
    every = tables_in(catalog, resources, before)
    if (
        before is None
        or before.fingerprint != tables.fingerprint(catalog.kind, catalog.settings)
        or before.source.kind != catalog.kind
    ):
        return Work(frozenset(table.name for table in every), frozenset(resources))
    dangling = {entry["subject"] for entry in before.audits if entry["rule"] == "references"}
    unjudged = {*deleted, *(set(added) - document_files(before).keys())}
    parsed, names = set(changed), set()
    for table in every:
        refers = {field.references for field in table.fields}
        is_unjudged = bool(refers & unjudged) or (table.name in dangling and bool(refers & set(added)))
        depends = "pokemon-species" in changed and _depends_on_species(table)
        if is_unjudged:
            names.add(table.name)
        if (is_unjudged or depends) and not _names_resource(table):
            parsed |= set(resources) & set(table.resources)
    names |= {table.name for resource in parsed for table in catalog.tables_of(resource)}
    return Work(frozenset(names), frozenset(parsed))


def also_build(catalog: Catalog, resources: Collection[str], work: Work, names: Collection[str]) -> Work:
    """Return work with more tables, without a row from the parent's tables of these names."""
    if not names:
        return work
    more = {resource for resource in resources if any(table.name in names for table in catalog.tables_of(resource))}
    built = {table.name for resource in more for table in catalog.tables_of(resource)}
    return Work(work.tables | built | set(names), work.resources | more)


def cut_groups(catalog: Catalog, resources: Collection[str], work: Work) -> list[Group]:
    """Cut the work into groups: one for each resource with tables of its own, and one for the tables that many fill.

    The generic table is a group by itself, because it is filled by resources that fill no other table.
    """
    groups: dict[tuple[str, bool], list[Table]] = {}
    for table in catalog.tables:
        if table.name in work.tables:
            owner = "" if _names_resource(table) else table.resources[0]
            groups.setdefault((owner, not table.resources), []).append(table)
    return [_group(catalog, resources, work, tables_) for tables_ in groups.values()]


def _group(catalog: Catalog, resources: Collection[str], work: Work, members: Sequence[Table]) -> Group:
    names = tuple(table.name for table in members)
    filling = {name for name in resources if any(table.name in names for table in catalog.tables_of(name))}
    parsed = filling & work.resources
    reads_again = any(_names_resource(table) and table.resources for table in members)
    return Group(catalog.kind, names, tuple(sorted(parsed)), tuple(sorted(filling - parsed)), reads_again)


def _depends_on_species(table: Table) -> bool:
    return any(SPECIES_GENERATION in field.paths for field in table.fields)


def _names_resource(table: Table) -> bool:
    """Tell whether each row says which resource it comes from, so that several resources fill the table."""
    return any(RESOURCE in field.paths for field in table.fields)
