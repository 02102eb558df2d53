"""Everything that is audited before a snapshot is committed, and what its parent's audits still say."""

from collections.abc import Collection, Mapping, Set
from typing import Any

from lake import tables
from lake.assemble.build import Found, Work
from lake.assemble.merge import Merged
from lake.commit import Commit
from lake.publish import Finding, Level, audit_collections, audit_identity, audit_run, audit_table

# Rules about rows as they are; they hold for as long as the rows stay. The others are about a change.
_TABLE_RULES = {"nulls", "references"}
_RESOURCE_RULES = {"new-field", "drift"}


def audit(
    parent: Commit | None,
    source: Mapping[str, Any],
    merged: Mapping[str, Merged],
    found: Found,
    vanished: Set[str],
    allow_shrink: Collection[str],
) -> list[Finding]:
    """Return what is wrong, odd or new in a snapshot that is written but not committed.

    `source` is what its commit says of the crawl, `vanished` are resources that the source does not list any longer.
    """
    findings = [finding for item in merged.values() if item.check for finding in audit_table(item.check, None, {})]
    ids = {name: item.documents.ids() for name, item in merged.items()}
    for name, check in found.checks.items():
        findings += audit_table(check, parent.tables.get(name) if parent else None, ids, allow_shrink)
    findings += found.findings
    findings += audit_run(
        source["answers"],
        {name: item.deleted for name, item in merged.items()},
        {name: len(item.parent.ids()) for name, item in merged.items()},
        allow_shrink,
    )
    findings += audit_identity(
        (change.resource, change.id, change.before_name, change.after_name, change.is_reused)
        for item in merged.values()
        for change in item.identities
    )
    kind = source["kind"]
    there = {name for name, item in merged.items() if item.file}
    undeclared = {name for name in there if kind == tables.POKEAPI and not tables.is_declared(name)}
    return [
        *findings,
        *audit_collections(undeclared, vanished - set(allow_shrink), source["refused"]),
    ]


def kept_findings(parent: Commit | None, work: Work) -> list[Finding]:
    """Return what the parent's audits found of rows and documents that are carried over."""
    kept = []
    for entry in parent.audits if parent else ():
        carried_table = entry["rule"] in _TABLE_RULES and entry["subject"] not in work.tables
        carried_resource = entry["rule"] in _RESOURCE_RULES and entry["subject"] not in work.resources
        if carried_table or carried_resource:
            kept.append(Finding(**{**entry, "level": Level(entry["level"])}))
    return kept
