"""All audits of a snapshot before its commit, and the findings of its parent's audits that still hold."""

from collections.abc import Collection, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace

from lake.assemble.build import BuildResult
from lake.assemble.merged import MergedResource
from lake.assemble.named import identities_of, names_elsewhere
from lake.assemble.work import Work
from lake.commit import Commit, SourceFacts, TableFiles
from lake.errors import DamagedObjectError, MissingObjectError
from lake.fields import encoded, read_fields
from lake.publish import Finding, Level, audit_collections, audit_identity, audit_run, audit_table
from lake.schema import Table, dictionary_of
from lake.source import Tolerances
from lake.store import Store
from lake.tables import POKEAPI, Catalog

# Rules about rows and documents as they are: their findings hold while those are carried over. Others judge a change.
_TABLE_RULES = {"nulls", "references"}
_RESOURCE_RULES = {"new-field", "drift", "left-out"}


def audit(
    store: Store,
    catalog: Catalog,
    parent: Commit | None,
    source: SourceFacts,
    merged: Mapping[str, MergedResource],
    built: Sequence[BuildResult],
    vanished: Set[str],
    allow_shrink: Collection[str],
    tolerances: Tolerances,
) -> list[Finding]:
    """Return the findings about a snapshot that is written but not committed.

    `built` are the outcomes of building its tables; `vanished` are the resources that the source no longer lists.
    """
    findings = [finding for item in merged.values() for finding in item.findings]
    declared = {table.name: table for table in catalog.tables}
    for name, table in ((name, table) for result in built for name, table in result.tables.items()):
        before = _before(store, parent, declared[name])
        findings += audit_table(declared[name], table.checked, before, allow_shrink, tolerances)
    # A finding that two units have about the same documents stays once.
    findings += dict.fromkeys(finding for result in built for finding in result.findings)
    findings += audit_run(
        source.answers,
        {name: item.deleted for name, item in merged.items()},
        {name: item.rows_before for name, item in merged.items()},
        allow_shrink,
        tolerances,
        lambda resource: names_elsewhere(store, merged[resource]),
    )
    findings += audit_identity(change for item in merged.values() for change in identities_of(store, item))
    undeclared = {
        name
        for name, item in merged.items()
        if item.after and catalog.kind == POKEAPI and not catalog.is_declared(name)
    }
    return [*findings, *audit_collections(undeclared, vanished - set(allow_shrink), source.refused)]


def _before(store: Store, parent: Commit | None, table: Table) -> TableFiles | None:
    """Return a table as the parent has it; with its fields, if they are not those of now."""
    before = parent.tables.get(table.name) if parent else None
    if before is None or before.schema in (None, encoded(dictionary_of(table))[0]):
        return before
    with suppress(MissingObjectError, DamagedObjectError):
        return replace(before, fields=read_fields(store, before.schema))
    return before


def kept_findings(parent: Commit | None, work: Work) -> list[Finding]:
    """Return the parent's findings about rows and documents that are carried over."""
    kept = []
    for entry in parent.audits if parent else ():
        carried_table = entry["rule"] in _TABLE_RULES and entry["subject"] not in work.tables
        carried_resource = entry["rule"] in _RESOURCE_RULES and entry["subject"] not in work.resources
        if carried_table or carried_resource:
            kept.append(Finding(Level(entry["level"]), entry["rule"], entry["subject"], entry["message"]))
    return kept
