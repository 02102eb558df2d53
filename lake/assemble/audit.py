"""All audits of a snapshot before its commit, and the findings of its parent's audits that still hold."""

from collections.abc import Collection, Mapping, Set

import pyarrow as pa

from lake.assemble.build import Found
from lake.assemble.merge import MergedResource
from lake.assemble.work import Work
from lake.commit import Commit, SourceFacts
from lake.publish import Finding, Level, audit_collections, audit_identity, audit_run, audit_table
from lake.source import Tolerances
from lake.tables import POKEAPI, catalog_of

# Rules about rows and documents as they are: their findings hold while those are carried over. Others judge a change.
_TABLE_RULES = {"nulls", "references"}
_RESOURCE_RULES = {"new-field", "drift", "left-out"}


def audit(
    parent: Commit | None,
    source: SourceFacts,
    merged: Mapping[str, MergedResource],
    ids: Mapping[str, pa.Array],
    found: Found,
    vanished: Set[str],
    allow_shrink: Collection[str],
    tolerances: Tolerances,
) -> list[Finding]:
    """Return the findings about a snapshot that is written but not committed.

    `ids` are the ids of the snapshot's documents, at least of every resource to which a built row refers; `vanished`
    are the resources that the source no longer lists.
    """
    findings = [finding for item in merged.values() for finding in item.findings]
    for name, check in found.checks.items():
        findings += audit_table(check, parent.tables.get(name) if parent else None, ids, allow_shrink, tolerances)
    findings += found.findings
    findings += audit_run(
        source.answers,
        {name: item.deleted for name, item in merged.items()},
        {name: item.before.file.rows if item.before else 0 for name, item in merged.items()},
        allow_shrink,
        tolerances,
    )
    findings += audit_identity(change for item in merged.values() for change in item.identities)
    catalog = catalog_of(source.kind)
    undeclared = {
        name
        for name, item in merged.items()
        if item.after and catalog.kind == POKEAPI and not catalog.is_declared(name)
    }
    return [*findings, *audit_collections(undeclared, vanished - set(allow_shrink), source.refused)]


def kept_findings(parent: Commit | None, work: Work) -> list[Finding]:
    """Return the parent's findings about rows and documents that are carried over."""
    kept = []
    for entry in parent.audits if parent else ():
        carried_table = entry["rule"] in _TABLE_RULES and entry["subject"] not in work.tables
        carried_resource = entry["rule"] in _RESOURCE_RULES and entry["subject"] not in work.resources
        if carried_table or carried_resource:
            kept.append(Finding(Level(entry["level"]), entry["rule"], entry["subject"], entry["message"]))
    return kept
