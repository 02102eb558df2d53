"""Audits before the commit: they list everything they find, with rows; a finding blocks, asks a human, or warns."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from lake.commit import TableFiles
from lake.publish.check import SHOWN_ROWS, KeyCheck

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
    before: TableFiles | None,
    known_ids: Mapping[str, pa.Array],
    allow_shrink: Collection[str] = (),
) -> list[Finding]:
    """Return what is wrong with one table: keys, nulls, references, and what it lost since the snapshot `before`.

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
    findings += _null_findings(check, before)
    for name, (resource, ids) in check.referenced().items():
        if resource in known_ids:
            unresolved = ids.filter(pc.invert(pc.is_in(ids.cast(pa.int64()), known_ids[resource].cast(pa.int64()))))
            if len(unresolved):
                findings.append(
                    Finding(
                        Level.WARN,
                        "references",
                        table.name,
                        f"{len(unresolved)} values of {name} point at no {resource}: {_some(unresolved.to_pylist())}",
                    )
                )
    rows_before = before.rows if before else 0
    tolerated = max(SHRINK_TOLERANCE_ROWS, rows_before * SHRINK_TOLERANCE)
    if rows_before - check.rows > tolerated and table.name not in allow_shrink:
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


def _null_findings(check: KeyCheck, before: TableFiles | None) -> Iterator[Finding]:
    """Yield the columns that lost all their values, and those that have nulls where the declaration expects none."""
    table = check.table
    values_before = {}
    for entry in before.fields if before else ():
        # Commits of earlier versions do not count nulls.
        if before and "nulls" in entry:
            values_before[entry["name"]] = before.rows - entry["nulls"]
    for field in table.fields:
        nulls = check.null_counts[field.name]
        if not nulls or field.name in table.primary_key:
            continue
        if nulls == check.rows and values_before.get(field.name, 0):
            yield Finding(
                Level.WARN,
                "emptied-field",
                table.name,
                f"{field.name} had {values_before[field.name]:,} values the last time and has none: the source no"
                " longer gives it; it stays as a null column",
            )
        elif not field.nullable:
            yield Finding(
                Level.WARN,
                "nulls",
                table.name,
                f"{nulls:,} of {check.rows:,} rows without {field.name}, which is declared as never null",
            )


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
                    f" ({_some(paths)}); pass --allow-shrink {resource} if that is right",
                )
            )
    return findings


def audit_identity(changes: Iterable[tuple[str, int, str, str, bool]]) -> list[Finding]:
    """Return which documents are called otherwise, or are about another thing than their ids were before.

    A change is (resource, id, name before, name after, whether the id is reused).
    """
    found: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for resource, id_, before, after, is_reused in changes:
        found[resource, is_reused].append(f"{id_} {before} -> {after}")
    return [
        Finding(Level.WARN, "reused-id", resource, f"{len(shown)} ids now stand for something else: {_some(shown)}")
        if is_reused
        else Finding(Level.WARN, "renamed", resource, f"{len(shown)} renamed: {_some(shown)}")
        for (resource, is_reused), shown in found.items()
    ]


def audit_fields(resource: str, unknown: Mapping[str, int], documents: int) -> list[Finding]:
    """Return the fields that no table knows; `unknown` says of each path in how many of the documents it stands."""
    if not unknown:
        return []
    shown = [f"{path} (in {count:,})" for path, count in sorted(unknown.items())]
    message = f"{len(unknown)} fields that no table has, in {documents:,} documents: {_some(shown)}"
    return [
        Finding(Level.WARN, "new-field", resource, f"{message}; they stay in the documents until they are declared")
    ]


def audit_collections(new: Collection[str], vanished: Collection[str], refused: Mapping[str, str]) -> list[Finding]:
    """Return the collections that came, that went, and whose listing was refused, with the reason for that."""
    return [
        *(
            Finding(
                Level.WARN,
                "new-collection",
                name,
                "a new collection; it is kept as documents and in document_values until its tables are declared",
            )
            for name in sorted(new)
        ),
        *(
            Finding(
                Level.WARN,
                "vanished-collection",
                name,
                "the source lists this collection no longer; its documents are kept as they were;"
                f" pass --allow-shrink {name} to let them go",
            )
            for name in sorted(vanished)
        ),
        *(
            Finding(
                Level.WARN,
                "refused-listing",
                name,
                f"its listing was refused: {why}; its documents are kept as they were",
            )
            for name, why in sorted(refused.items())
        ),
    ]


def _some(found: Sequence[object]) -> str:
    """Name the first of what was found, and show whether there are more."""
    return ", ".join(map(str, found[:SHOWN_ROWS])) + (", …" if len(found) > SHOWN_ROWS else "")
