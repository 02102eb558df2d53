"""Units of work: small, JSON both ways, and with the same outcome anywhere, in any order, and done twice."""

from collections.abc import Iterator, Sequence

import pytest

from flows.local.replica import demo_documents
from lake.assemble import stored
from lake.assemble.units import Result, Unit, in_threads
from lake.commit import DataFile, read_file
from lake.errors import StoreError
from lake.layout import snapshot_folder, units_folder
from lake.store import Store
from tests.lake import keys
from tests.lake.assemble.lakeside import Documents, Lakeside, changed, hashes, only
from tests.lake.assemble.posting import by_post

SNAPSHOT = "20260808T041200Z-1f3a9c02"


def some_documents() -> Documents:
    return only(demo_documents(), "pokemon", "pokemon-species", "item", "type")


def test_units_give_the_same_files_and_commit_wherever_they_are_done(store: Store):
    lake = Lakeside(store)
    lake.fill(some_documents())
    after = changed(changed(some_documents(), "item/4", cost=201), "pokemon-species/25", gender_rate=0)
    crawled = lake.crawl(after)
    here = lake.draft(crawled)
    there = lake.draft(crawled, name=SNAPSHOT, run_units=by_post)
    assert here is not None
    assert there is not None
    assert hashes(there.commit) == hashes(here.commit)
    assert (there.findings, there.commit.changes) == (here.findings, here.commit.changes)
    assert keys(store, snapshot_folder(SNAPSHOT)) == set(there.commit.keys())
    assert keys(store, units_folder(SNAPSHOT)) == set()


def test_what_units_found_is_the_same_by_post(store: Store):
    """Faults, drifts, references to nothing and lost rows are what a result tells beside its files."""
    lake = Lakeside(store)
    odd = changed(some_documents(), "item/4", cost="much", category={"url": "/api/v2/item-category/999/"}, names=None)
    lake.fill(some_documents())
    crawled = lake.crawl(odd)
    here = lake.draft(crawled)
    there = lake.draft(crawled, name=SNAPSHOT, run_units=by_post)
    assert here is not None
    assert there is not None
    assert {"drift", "lost-rows"} <= {finding.rule for finding in there.findings}
    assert there.findings == here.findings


def test_a_unit_that_fails_ends_the_others_before_they_begin(store: Store, monkeypatch: pytest.MonkeyPatch):
    done: list[int] = []

    def fail(store: Store, unit: Unit) -> Result:
        done.append(unit.number)
        raise StoreError("no")

    units: list[Unit] = []

    def note(store: Store, given: Sequence[Unit]) -> Iterator[Result]:
        units.extend(given)
        return in_threads(store, given)

    lake = Lakeside(store)
    lake.draft(lake.crawl(some_documents()), run_units=note)
    monkeypatch.setattr("lake.assemble.units.do", fail)
    with pytest.raises(StoreError):
        list(in_threads(store, units))
    assert len(done) < len(units)


def test_documents_are_read_once_for_all_units_of_a_process(store: Store, monkeypatch: pytest.MonkeyPatch):
    lake = Lakeside(store)
    lake.fill(some_documents())
    crawled = lake.crawl(changed(some_documents(), "pokemon-species/25", gender_rate=0))
    read: list[tuple[str, str]] = []

    def note(store: Store, snapshot: str, table: str, file: DataFile) -> bytes:
        read.append((snapshot, file.name))
        return read_file(store, snapshot, table, file)

    monkeypatch.setattr(stored, "read_file", note)
    draft = lake.draft(crawled)
    assert draft is not None
    assert "resource=pokemon/part-0.parquet" in {name for _, name in read}
    assert len(read) == len(set(read))
    # What was merged is held for the tables that are built of it.
    assert draft.commit.snapshot not in {snapshot for snapshot, _ in read}
