"""Audits before the commit: they list everything they find, with rows; a finding blocks, asks a human, or warns."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from lake.publish.keys import SHOWN_ROWS, KeyCheck

# Rows that a table may lose at once unasked, and the share of them: the greater of the two decides. The worst real
# update in 19 months removed 8 documents.
SHRINK_TOLERANCE_ROWS = 20
SHRINK_TOLERANCE = 0.02

# Documents of one resource that may vanish at once unasked, and the share of them: the greater of the two decides.
DELETION_TOLERANCE_DOCUMENTS = 20
DELETION_TOLERANCE = 0.02


class Level(StrEnum):
    """What a finding does to a publication."""

    BLOCK = "block"
    ASK = "ask"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an audit found: what it does, the rule, the table or resource, and the facts in a sentence."""

    level: Level
    rule: str
    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"


def audit_table(
    check: KeyCheck,
    rows_before: int | None,
    known_ids: Mapping[str, pa.Array],
    allow_shrink: Collection[str] = (),
) -> list[Finding]:
    """Return what is wrong with one table: keys, nulls, references, and rows lost since the parent snapshot.

    `known_ids` holds the ids of every crawled resource; references to other resources are not judged.
    """
    table = check.table
    findings = []
    if check.bad_key_count:
        shown = ", ".join(check.bad_keys)
        findings.append(
            Finding(
                Level.BLOCK,
                "primary-key",
                table.name,
                f"{check.bad_key_count} rows whose key ({', '.join(table.primary_key)})"
                f" is null or there twice: {shown}",
            )
        )
    for name, count in check.nulls.items():
        if name not in table.primary_key:
            findings.append(
                Finding(Level.WARN, "nulls", table.name, f"{count} rows without {name}, which every row had before")
            )
    for name, (resource, ids) in check.referenced().items():
        if resource in known_ids:
            unresolved = ids.filter(pc.invert(pc.is_in(ids, known_ids[resource].cast(ids.type))))
            if len(unresolved):
                shown = ", ".join(str(value) for value in unresolved[:SHOWN_ROWS].to_pylist())
                findings.append(
                    Finding(
                        Level.WARN,
                        "references",
                        table.name,
                        f"{len(unresolved)} values of {name} point at no {resource}: {shown}",
                    )
                )
    tolerated = max(SHRINK_TOLERANCE_ROWS, (rows_before or 0) * SHRINK_TOLERANCE)
    if rows_before is not None and rows_before - check.rows > tolerated and table.name not in allow_shrink:
        findings.append(
            Finding(
                Level.ASK,
                "shrink",
                table.name,
                f"{check.rows:,} rows, {rows_before:,} the last time;"
                f" pass --allow-shrink {table.name} if that is right",
            )
        )
    return findings


def audit_run(
    versions: Mapping[str, int],
    deleted: Mapping[str, Sequence[str]],
    documents_before: Mapping[str, int],
    allow_shrink: Collection[str] = (),
) -> list[Finding]:
    """Return what is wrong with a crawl as a whole: several upstream versions, many documents lost at once.

    `versions` counts answers by upstream version; `deleted` names the vanished documents of each resource.
    """
    findings = []
    if len(versions) > 1:
        counted = ", ".join(f"{count} of {version}" for version, count in sorted(versions.items()))
        findings.append(
            Finding(Level.WARN, "versions", "source", f"upstream changed during the crawl: answers {counted}")
        )
    for resource, paths in deleted.items():
        tolerated = max(DELETION_TOLERANCE_DOCUMENTS, documents_before.get(resource, 0) * DELETION_TOLERANCE)
        if len(paths) > tolerated and resource not in allow_shrink:
            findings.append(
                Finding(
                    Level.ASK,
                    "deletions",
                    resource,
                    f"{len(paths)} of {documents_before.get(resource, 0)} documents vanished at once"
                    f" ({', '.join(paths[:SHOWN_ROWS])}, …); pass --allow-shrink {resource} if that is right",
                )
            )
    return findings
