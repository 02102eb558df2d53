"""Building only what changed gives the tables, and the findings about them, that building everything gives."""

import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flows.local.replica import demo_documents
from lake import tables
from lake.assemble.audit import kept_findings
from lake.assemble.batches import PARSED_AT_ONCE
from lake.assemble.build import Found, ParentRows, build_group, species_generations
from lake.assemble.carried import ParentTables
from lake.assemble.work import Work, cut_groups, plan_work
from lake.commit import Commit, DataFile, SourceFacts, TableFiles
from lake.documents import DOCUMENTS, DocumentFile, digest, to_arrow
from lake.layout import new_snapshot_id, part_name, table_folder
from lake.publish import EncodedFile, Finding, ListedFile, audit_table, cut
from lake.resource import Document
from lake.schema import Table
from lake.store import Store
from lake.traffic import requests_to_s3
from tests.lake import pack

CATALOG = tables.catalog_of(tables.POKEAPI)
NOW = datetime(2026, 8, 8, tzinfo=UTC)
FEW = (
    *("pokemon/25", "pokemon-species/25", "pokemon-species/132", "type/13", "type/1", "item/80", "item/82"),
    *("language/9", "language/5", "egg-group/5", "stat/1"),
)
Documents = dict[str, bytes]
Facts = set[tuple[str, str, str]]


def few_documents() -> Documents:
    """Return the documents of the demo corpus at those paths."""
    documents = demo_documents()
    return {path: documents[path] for path in FEW}


def retext(document: dict, number: int) -> None:
    document["names"] = [{**entry, "name": f"{entry['name']} {number}"} for entry in document.get("names", ())]


def regenerate(document: dict, number: int) -> None:
    document["generation"] = {"name": "a", "url": f"/api/v2/generation/{number}/"}


def retype(document: dict, number: int) -> None:
    document["names"] = [{"name": number, "language": {"name": "x", "url": f"/api/v2/language/{number}/"}}]


def widen(document: dict, number: int) -> None:
    document[f"field_{number}"] = number


CHANGES = (retext, regenerate, retype, widen, None)
EDITS = st.lists(st.tuples(st.sampled_from(FEW), st.sampled_from(CHANGES), st.integers(1, 3)), max_size=4)


def edited(documents: Documents, edits: list) -> Documents:
    """Return the documents with some of them changed, and those without a change deleted."""
    found = dict(documents)
    for path, change, number in edits:
        if change is None:
            found.pop(path, None)
        elif path in found:
            document = json.loads(found[path])
            change(document, number)
            found[path] = json.dumps(document).encode()
    return found


def files_of(documents: Documents) -> dict[str, DocumentFile]:
    by_resource = defaultdict(list)
    for path, body in documents.items():
        resource, id_ = path.split("/")
        by_resource[resource].append(Document(resource, int(id_), path, None, NOW, body))
    return {resource: DocumentFile(pack(to_arrow(found))) for resource, found in by_resource.items()}


@dataclass
class Snapshot:
    """Tables that were built, some of them maybe carried over, and the facts that were found about their rows."""

    files: dict[str, list[EncodedFile]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def note(self, table: Table, file: EncodedFile) -> None:
        self.files.setdefault(table.name, []).append(file)

    @property
    def hashes(self) -> dict[str, dict[str, str]]:
        return {name: {file.name: file.sha256 for file in found} for name, found in self.files.items()}

    @property
    def facts(self) -> Facts:
        return {(item.rule, item.subject, item.message) for item in self.findings}


def build(documents: Documents, work: Work, parent_rows=None) -> Snapshot:
    files, built = files_of(documents), Snapshot()
    found, generations = Found(), species_generations(files.get("pokemon-species", DocumentFile()))
    for group in cut_groups(CATALOG, files, work):
        one = build_group(CATALOG, group, files, generations, built.note, parent_rows)
        found.files |= one.files
        found.checks |= one.checks
        # As `audit` does: a finding that two groups have about the same documents stays once.
        found.findings += [finding for finding in one.findings if finding not in found.findings]
        found.faults |= one.faults
    for name, described in found.files.items():
        assert sorted(file.name for file in described) == sorted(file.name for file in built.files[name])
    ids = {resource: file.ids() for resource, file in files.items()}
    built.findings = [*found.findings]
    for check in found.checks.values():
        built.findings += audit_table(check.table, check.checked(ids), None)
    return built


def published_rows(store: Store, parent: Commit) -> ParentRows:
    files = {
        name: tuple(ListedFile(parent.snapshot, file, "") for file in table.files)
        for name, table in parent.tables.items()
    }
    return ParentTables(store, files).rows


def everything(documents: Documents) -> Snapshot:
    return build(documents, plan_work(CATALOG, files_of(documents), (), (), None))


def published(store: Store, documents: Documents, snapshot: Snapshot) -> Commit:
    """Return the commit of a snapshot; of its files only those are put that a part of may be taken."""
    name, described = new_snapshot_id(NOW), {}
    for table, files in snapshot.files.items():
        data = [file.data_file for file in files]
        described[table] = TableFiles(None, tuple(data), ())
        if {"resource_name"} <= set(tables.registry.table_named(table).schema.names):
            for file in files:
                store.create(f"{table_folder(name, table)}/{file.name}", file.body)
    resources = {path.split("/")[0] for path in documents}
    data = [DataFile(part_name("resource", resource), resource, 0, 0, digest(b"")) for resource in sorted(resources)]
    described[DOCUMENTS.name] = TableFiles("resource", tuple(data), ())
    return Commit(
        seq=1,
        snapshot=name,
        parent=None,
        committed_at="",
        tables=described,
        source=SourceFacts(),
        run={},
        fingerprint=tables.fingerprint(),
        audits=tuple(asdict(finding) for finding in snapshot.findings),
    )


# Each example builds three snapshots.
@settings(max_examples=settings.default.max_examples // 10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=EDITS, second=EDITS)
@example(first=[], second=[("type/13", None, 1)])
@example(first=[("type/13", None, 1)], second=[])
@example(first=[("type/13", None, 1), ("type/1", None, 1)], second=[])
def test_what_changed_and_what_is_carried_over_make_a_full_build(store: Store, first: list, second: list):
    start = few_documents()
    # Both edits start from the same documents, so that the second may undo what the first did.
    before, after = edited(start, first), edited(start, second)
    old, whole = everything(before), everything(after)
    parent = published(store, before, old)

    def resources(paths: set[str]) -> set[str]:
        return {path.split("/")[0] for path in paths}

    added, deleted = resources(after.keys() - before.keys()), resources(before.keys() - after.keys())
    altered = resources({path for path in before.keys() & after.keys() if before[path] != after[path]})
    work = plan_work(CATALOG, files_of(after), altered | added | deleted, deleted, parent, added)
    new = build(after, work, published_rows(store, parent))

    together = {**old.hashes, **new.hashes}
    assert {name: together[name] for name in whole.hashes} == whole.hashes
    # A table that no document is left for stays, without rows.
    emptied = together.keys() - whole.hashes.keys()
    assert {name: sum(file.rows for file in new.files[name]) for name in emptied} == dict.fromkeys(emptied, 0)
    kept = {(item.rule, item.subject, item.message) for item in kept_findings(parent, work)}
    assert kept | new.facts == whole.facts


def test_nothing_is_built_where_nothing_changed(store: Store):
    documents = few_documents()
    parent = published(store, documents, everything(documents))
    assert plan_work(CATALOG, files_of(documents), (), (), parent) == Work(frozenset(), frozenset())


def test_a_resource_that_is_new_is_looked_up_by_the_tables_that_refer_to_it(store: Store):
    """Nobody could tell before whether what they point at is there."""
    documents = few_documents()
    before = {path: body for path, body in documents.items() if not path.startswith("stat/")}
    parent = published(store, before, everything(before))
    work = plan_work(CATALOG, files_of(documents), {"stat"}, (), parent, {"stat"})
    assert {"stats", "pokemon_stats"} <= work.tables
    assert "items" not in work.tables


def test_the_rows_of_one_resource_come_from_the_published_table(store: Store):
    documents = few_documents()
    parent = published(store, documents, everything(documents))
    names = next(table for table in tables.TABLES if table.name == "names")
    rows = pa.concat_tables(published_rows(store, parent)(names, ["type"]))
    assert rows.schema.equals(names.schema, check_metadata=True)
    assert set(rows["resource_id"].to_pylist()) == {1, 13}
    assert rows["resource_name"].unique() == pa.array(["type"])


def test_a_part_of_the_published_table_is_read_again_only_where_it_has_rows(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    """Rows are asked for whenever the documents of another resource have been parsed."""
    monkeypatch.setattr(cut, "PART_BYTES", 300)
    documents = few_documents()
    parent = published(store, documents, everything(documents))
    names = next(table for table in tables.TABLES if table.name == "names")
    parts = len(parent.tables["names"].files)
    rows, counts, before = published_rows(store, parent), [], requests_to_s3()
    for resource in ("pokemon-species", "stat", "type", "type"):
        assert set(pa.concat_tables(rows(names, [resource]))["resource_name"].to_pylist()) == {resource}
        counts.append((requests_to_s3() - before)["GetObject"])
    assert counts[0] == parts > 3
    assert counts[-1] < 2 * parts


def test_groups_that_are_built_side_by_side_parse_few_batches_at_once(monkeypatch: pytest.MonkeyPatch):
    """A batch takes several times its size while it is parsed."""
    counting, now, most = Lock(), 0, 0
    build_one = tables.build

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal now, most
        with counting:
            now += 1
            most = max(most, now)
        try:
            return build_one(*arguments, **named)
        finally:
            with counting:
                now -= 1

    monkeypatch.setattr(tables, "build", counted)
    [group] = cut_groups(CATALOG, {"type"}, Work(frozenset({"types"}), frozenset({"type"})))
    # Each file is a batch.
    found = [Document("type", id_, f"type/{id_}", None, NOW, b'{"id":%d}' % id_) for id_ in range(1, 30)]
    files = {"type": DocumentFile(*(pack(to_arrow([one])) for one in found))}
    with ThreadPoolExecutor(3) as threads:
        list(
            threads.map(
                lambda _: build_group(CATALOG, group, files, {}, lambda table, file: None, lambda *_: []), range(3)
            )
        )
    assert 1 <= most <= PARSED_AT_ONCE
