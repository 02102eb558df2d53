"""Where documents are cut into parts, and what merging, reading and mending make of several of them."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from lake.assemble import ranges
from lake.assemble.index import index_of_files, read_index
from lake.assemble.ranges import GREATEST_ID, LEAST_ID, Range, plan_ranges
from lake.assemble.staging import Staged
from lake.assemble.stored import StoredFile, document_files, open_documents
from lake.commit import Commit, DataFile
from lake.documents import DOCUMENT_INDEX
from lake.layout import snapshot_folder
from lake.store import Store
from tests.lake.assemble.lakeside import Documents, Lakeside, hashes

NONE = np.array([], np.int64)
OLD = "20260706T040000Z-8be2d1f4"
SIZE = 1000


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a part have ten documents of a thousand bytes."""
    monkeypatch.setattr(ranges, "PART_JSON_BYTES", 10 * SIZE)
    return


def staged(first: int, last: int, json_bytes: int) -> Staged:
    return Staged("key", "0" * 64, last - first + 1, json_bytes, 1, first, last)


def part(number: int, rows: int = 10) -> StoredFile:
    return StoredFile(OLD, DataFile(f"resource=berry/part-{number}.parquet", "berry", rows, 1, f"{number:064d}"))


def bounds(found: list[Range]) -> list[tuple[int, int, int]]:
    return [(one.number, one.low, one.high) for one in found]


def test_a_first_crawl_is_cut_where_its_staged_objects_begin():
    shards = [staged(1, 4, 4000), staged(5, 8, 5000), staged(9, 12, 5000), staged(13, 14, 2000)]
    found = plan_ranges((), [], shards, NONE, NONE)
    assert bounds(found) == [(0, LEAST_ID, 8), (1, 9, GREATEST_ID)]
    assert plan_ranges((), [], list(reversed(shards)), NONE, NONE) == found


def test_a_staged_object_that_is_larger_than_a_part_is_cut_by_its_ids():
    found = plan_ranges((), [], [staged(101, 200, 40_000)], NONE, NONE)
    assert [one.low for one in found] == [LEAST_ID, 126, 151, 176]


def test_what_is_small_stays_one_part():
    assert bounds(plan_ranges((), [], [staged(1, 9, 14_000)], NONE, NONE)) == [(0, LEAST_ID, GREATEST_ID)]
    assert bounds(plan_ranges((part(0),), [], [], NONE, NONE)) == [(0, LEAST_ID, GREATEST_ID)]


def test_the_ranges_of_a_refresh_are_those_of_the_files_it_finds():
    ids = np.arange(1, 31)
    found = plan_ranges((part(0), part(1), part(2)), [11, 21], [staged(1, 30, 30_000)], ids, np.full(30, SIZE))
    assert bounds(found) == [(0, LEAST_ID, 10), (1, 11, 20), (2, 21, GREATEST_ID)]
    assert [one.before for one in found] == [part(0), part(1), part(2)]


def test_a_file_that_has_grown_is_cut_into_equal_pieces_and_the_next_ones_are_numbered_anew():
    ids = np.arange(1, 51)
    found = plan_ranges((part(0, 40), part(1)), [41], [], ids, np.full(50, SIZE))
    assert bounds(found) == [(0, LEAST_ID, 40), (4, 41, GREATEST_ID)]
    assert found[0].cuts == (11, 21, 31)


def berries(count: int, but: dict[int, str] | None = None) -> Documents:
    """Return so many berries, each with a thousand bytes of JSON; some have another name."""
    found: Documents = {"meta": b'{"hash": "a"}'}
    for id_ in range(1, count + 1):
        body = json.dumps({"id": id_, "name": (but or {}).get(id_, "oran")})
        found[f"berry/{id_}"] = f"{body[:-1]}{' ' * (SIZE - len(body))}}}".encode()
    return found


def parts(commit: Commit, resource: str = "berry") -> list[tuple[str, int]]:
    return [(one.file.name, one.file.rows) for one in document_files(commit)[resource]]


def names(*rows: int) -> list[tuple[str, int]]:
    return [(f"resource=berry/part-{number}.parquet", count) for number, count in enumerate(rows)]


def ids_of(store: Store, commit: Commit) -> list[list[int]]:
    return [open_documents(store, [one]).ids().to_pylist() for one in document_files(commit)["berry"]]


def test_one_changed_document_costs_one_part(store: Store):
    lake = Lakeside(store)
    first = lake.fill(berries(40))
    assert parts(first) == names(10, 10, 10, 10)
    second = lake.fill(berries(40, {17: "sitrus"}))
    assert parts(second) == parts(first)
    before, after = hashes(first), hashes(second)
    assert {name for name in after if "berry/" in name and after[name] != before[name]} == {
        "documents/resource=berry/part-1.parquet"
    }
    assert second.changes["berry"] == {"added": 0, "modified": 1, "deleted": 0, "reordered": 0}
    assert b"sitrus" in lake.lake.document("berry", 17)
    assert b"oran" in lake.lake.document("berry", 18)


def test_documents_that_come_go_and_fail_are_found_in_the_parts_they_lie_in(store: Store):
    lake = Lakeside(store)
    lake.fill(berries(30))
    served = berries(45, {45: "sitrus"})
    gone = {path: body for path, body in served.items() if path not in ("berry/5", "berry/11", "berry/12")}
    commit = lake.fill(gone, failing=["berry/29"])
    assert commit.changes["berry"] == {"added": 15, "modified": 0, "deleted": 3, "reordered": 0}
    held = [id_ for id_ in range(1, 46) if id_ not in (5, 11, 12)]
    assert [id_ for ids in ids_of(store, commit) for id_ in ids] == held
    assert [failure.path for failure in commit.stale] == ["berry/29"]
    # What has grown by more than half is cut when it changes the next time.
    assert [rows for _, rows in parts(commit)] == [9, 8, 25]
    last = lake.fill({**gone, "berry/45": served["berry/44"].replace(b"44", b"45")})
    assert [rows for _, rows in parts(last)] == [9, 8, 9, 8, 8]
    assert [id_ for ids in ids_of(store, last) for id_ in ids] == held
    assert last.tables["berries"].rows == commit.tables["berries"].rows == len(held)


def test_a_part_that_loses_all_documents_is_gone(store: Store):
    lake = Lakeside(store)
    lake.fill(berries(30))
    served = {path: body for path, body in berries(30).items() if path == "meta" or not 11 <= int(path[6:]) <= 20}
    commit = lake.fill(served, allow_shrink=["berry"])
    assert parts(commit) == [names(10, 10, 10)[0], names(10, 10, 10)[2]]
    again = lake.fill({**served, "berry/1": berries(1, {1: "sitrus"})["berry/1"]})
    assert parts(again) == names(10, 10)
    assert ids_of(store, again) == [list(range(1, 11)), list(range(21, 31))]


def test_a_file_of_earlier_code_stays_whole_until_its_documents_change(store: Store, monkeypatch: pytest.MonkeyPatch):
    lake = Lakeside(store)
    with monkeypatch.context() as patch:
        patch.setattr(ranges, "PART_JSON_BYTES", 1 << 30)
        first = lake.fill(berries(40))
    assert parts(first) == names(40)
    assert parts(lake.fill({**berries(40), "meta": b'{"hash": "b"}', "nature/1": b'{"id": 1}'})) == names(40)
    assert parts(lake.fill(berries(40, {3: "sitrus"}))) == names(10, 10, 10, 10)


def test_a_part_that_is_lost_is_fetched_anew_with_its_resource(store: Store):
    lake = Lakeside(store)
    first = lake.fill(berries(30))
    store.delete([f"{snapshot_folder(first.snapshot)}documents/resource=berry/part-1.parquet"])
    commit = lake.fill(berries(30), lost=["berry"])
    assert parts(commit) == names(10, 10, 10)
    assert [entry["message"] for entry in commit.audits if entry["rule"] == "damaged"] == [
        f"1 file of {first.snapshot}, missing or damaged in the bucket, fetched anew: resource=berry/part-1.parquet"
    ]


def test_the_index_has_what_the_documents_have(store: Store):
    lake = Lakeside(store)
    lake.fill(berries(30))
    commit = lake.fill({**berries(33, {17: "sitrus"}), "nature/1": b'{"id": 1}'}, failing=["berry/3"])
    index = read_index(store, commit)
    assert index is not None
    assert index.rows.keys() == document_files(commit).keys()
    for resource, files in document_files(commit).items():
        assert index.of_resource(resource).equals(index_of_files(store, files))
        assert index.at_hand(resource) == open_documents(store, files).at_hand()
    rows = lake.lake.read(DOCUMENT_INDEX.name)
    assert len(rows) == sum(map(len, index.rows.values()))


def test_an_index_that_is_lost_is_made_anew_of_the_documents(store: Store):
    lake = Lakeside(store)
    first = lake.fill(berries(30))
    store.delete([f"{snapshot_folder(first.snapshot)}document_index/part-0.parquet"])
    assert read_index(store, first) is None
    commit = lake.fill(berries(30))
    assert commit.snapshot != first.snapshot
    assert hashes(commit) == hashes(first)
