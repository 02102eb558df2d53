"""Audits before the commit. They list everything they find, with rows; the `Level` of a finding says what follows."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from lake.commit import TableFiles
from lake.fields import encoded
from lake.publish.check import Checked
from lake.publish.finding import QUOTED_CHARACTERS, Finding, Level, allowing, some
from lake.resource import IdentityChange
from lake.schema import PARTITION, UNKNOWN_GENERATION, Table, dictionary_of
from lake.source import TOLERANCES, Tolerances
from lake.text import counted, shown


def audit_table(
    table: Table,
    check: Checked,
    before: TableFiles | None,
    allow_shrink: Collection[str] = (),
    tolerances: Tolerances = TOLERANCES,
) -> list[Finding]:
    """Audit one table: its keys, nulls and references, and the rows that it lost since the snapshot `before`."""
    findings = []
    if check.bad_key_count:
        named = ", ".join(shown(key) for key in check.bad_keys)
        findings.append(
            Finding(
                Level.BLOCK,
                "primary-key",
                table.name,
                f"{counted(check.bad_key_count, 'row')} whose key ({', '.join(table.primary_key)})"
                f" is null or there twice: {named}",
            )
        )
    findings += [*_null_findings(table, check, before), *_generation_findings(table, check, before)]
    findings += [
        Finding(
            Level.WARN,
            "references",
            table.name,
            f"{counted(found.count, 'value')} of {found.field} {_verb(found.count, 'point')}"
            f" at no {found.resource}: {some(found.examples)}",
        )
        for found in check.unresolved
    ]
    rows_before = before.rows if before else 0
    if table.name not in allow_shrink and not tolerances.may_lose_rows(rows_before, check.rows):
        findings.append(_loss(table, check.rows, rows_before, before.grain if before else ""))
    return findings


def _loss(table: Table, rows: int, rows_before: int, grain_before: str) -> Finding:
    """Return what is said of a loss of rows: newer code may count other things, and then nothing is lost."""
    said = f"{counted(rows, 'row')}, {rows_before:,} the last time"
    if grain_before in ("", table.grain):
        return Finding(Level.ASK, "shrink", table.name, said, rows_before, rows)
    return Finding(Level.WARN, "new-grain", table.name, f"{said}; a row is something else than then: {table.grain}")


def _null_findings(table: Table, check: Checked, before: TableFiles | None) -> Iterator[Finding]:
    """Find columns that lost all their values, and columns with nulls that are declared as never null."""
    values_before = _values_before(table, before)
    for field in table.fields:
        nulls = check.null_counts[field.name]
        if not nulls or field.name in table.primary_key:
            continue
        if nulls == check.rows and values_before.get(field.name, 0):
            yield Finding(
                Level.WARN,
                "emptied-field",
                table.name,
                f"{field.name} had {counted(values_before[field.name], 'value')} the last time and has none:"
                " the source no longer gives it; it stays as a null column",
            )
        elif not field.nullable:
            yield Finding(
                Level.WARN,
                "nulls",
                table.name,
                f"{nulls:,} of {counted(check.rows, 'row')} without {field.name}, which is declared as never null",
            )


def _values_before(table: Table, before: TableFiles | None) -> dict[str, int]:
    """Return how many values each field had, of those that are known to have been there and counted."""
    if before is None:
        return {}
    is_same = before.schema == encoded(dictionary_of(table))[0]
    named = (field.name for field in table.fields) if is_same else (entry["name"] for entry in before.fields)
    if before.nulls is not None:
        return {name: before.rows - before.nulls.get(name, 0) for name in named}
    # The earliest commits do not count nulls.
    return {entry["name"]: before.rows - entry["nulls"] for entry in before.fields if "nulls" in entry}


def _generation_findings(table: Table, check: Checked, before: TableFiles | None) -> Iterator[Finding]:
    """Find documents without a generation where there were fewer before, unless nobody knew any: no species, say.

    Tables of lists need not say again what the table of their documents says.
    """
    if before is None or table.rows:
        return
    unknown = sum(file.rows for file in before.files if file.partition == UNKNOWN_GENERATION)
    if unknown < min(check.unknown_generations, before.rows):
        yield Finding(
            Level.WARN,
            "unknown-generation",
            table.name,
            f"{counted(check.unknown_generations, 'row')} of unknown generation, in the partition"
            f" {PARTITION}={UNKNOWN_GENERATION}; {unknown:,} the last time",
        )


def audit_run(
    versions: Mapping[str, int],
    deleted: Mapping[str, Sequence[str]],
    documents_before: Mapping[str, int],
    allow_shrink: Collection[str] = (),
    tolerances: Tolerances = TOLERANCES,
    names_elsewhere: Callable[[str], tuple[int, int]] = lambda resource: (0, 0),
) -> list[Finding]:
    """Audit a crawl as a whole: did upstream change meanwhile, and did many documents vanish at once?

    `versions` counts answers by upstream version; `deleted` names the vanished documents of each resource. Of a
    resource that lost many, `names_elsewhere` returns how many of them had a name, and how many of those stand under
    other ids: if all do, the documents were numbered anew.
    """
    findings = []
    if len(versions) > 1:
        answers = ", ".join(f"{count} of {shown(version)}" for version, count in sorted(versions.items()))
        findings.append(
            Finding(Level.WARN, "versions", "source", f"upstream changed during the crawl: answers {answers}")
        )
    for resource, paths in deleted.items():
        before = documents_before.get(resource, 0)
        if resource not in allow_shrink and not tolerances.may_lose_documents(before, len(paths)):
            findings.append(
                Finding(
                    Level.ASK,
                    "deletions",
                    resource,
                    f"{len(paths)} of {before} documents vanished at once ({some(paths)})"
                    f"{_elsewhere(*names_elsewhere(resource))}",
                    before,
                    before - len(paths),
                )
            )
    return findings


def _elsewhere(named: int, elsewhere: int) -> str:
    """Say how many names of vanished documents stand under other ids; nothing if no document had one."""
    if not named:
        return ""
    if not elsewhere:
        return "; none of their names stands under another id"
    return f"; {elsewhere:,} of their {counted(named, 'name')} {_verb(elsewhere, 'stand')} under other ids"


def audit_identity(changes: Iterable[IdentityChange]) -> list[Finding]:
    """Find documents that were renamed, and ids that now stand for another thing."""
    found: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for change in changes:
        names = (shown(name, QUOTED_CHARACTERS) for name in (change.before_name, change.after_name))
        found[change.resource, change.is_reused].append(f"{change.id} {' -> '.join(names)}")
    return [
        Finding(
            Level.WARN,
            "reused-id",
            resource,
            f"{counted(len(named), 'id')} now {_verb(len(named), 'stand')} for something else: {some(named)}",
        )
        if is_reused
        else Finding(Level.WARN, "renamed", resource, f"{len(named):,} renamed: {some(named)}")
        for (resource, is_reused), named in found.items()
    ]


def audit_fields(resource: str, unknown: Mapping[str, int], documents: int) -> list[Finding]:
    """Find fields that no table has; `unknown` counts, for each path, the documents that have it."""
    if not unknown:
        return []
    named = [f"{shown(path, QUOTED_CHARACTERS)} (in {count:,})" for path, count in sorted(unknown.items())]
    message = f"{counted(len(unknown), 'field')} that no table has, in {counted(documents, 'document')}: {some(named)}"
    return [
        Finding(Level.WARN, "new-field", resource, f"{message}; they stay in the documents until they are declared")
    ]


def audit_collections(new: Collection[str], vanished: Collection[str], refused: Mapping[str, str]) -> list[Finding]:
    """Find collections that are new, vanished, or whose listing was refused; `refused` gives the reason of each."""
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
                f" to let them go, {allowing([name])}",
            )
            for name in sorted(vanished)
        ),
        *(
            Finding(
                Level.WARN,
                "refused-listing",
                name,
                f"it could not be crawled: {why}; its documents are kept as they were",
            )
            for name, why in sorted(refused.items())
        ),
    ]


def _verb(count: int, verb: str) -> str:
    """Return a verb as it follows a number of things."""
    return f"{verb}s" if count == 1 else verb
