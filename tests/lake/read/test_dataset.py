"""Tables as pyarrow datasets, and what other libraries make of them."""

import pickle
from collections.abc import Callable

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from lake.errors import LakeError, UnknownNameError
from lake.layout import table_folder
from lake.read import Lake
from lake.store import Store
from tests.lake.read import FIRST, MOVES, SECOND, document, learnt, moves, publish


@pytest.fixture
def lake(store: Store) -> Lake:
    """Open a lake with two snapshots."""
    documents = [document("pokemon", 25, '{"id": 25}'), document("type", 1, '{"id": 1}')]
    publish(store, FIRST, [moves((1, 1, 40), (2, 1, None), (3, 2, 50))], documents)
    publish(store, SECOND, [moves((1, 1, 45), (2, 1, None), (3, 2, 50))], documents)
    return Lake(store)


def without_generation_2(store: Store) -> None:
    """Take a file away, so that whoever touches it fails."""
    store.delete([f"{table_folder(SECOND, 'moves')}/generation=2/part-0.parquet"])


def test_a_dataset_holds_the_rows_of_all_files_and_their_partition(lake: Lake):
    rows = lake.dataset("moves").to_table().sort_by("move_id")
    assert rows.to_pydict() == {
        "move_id": [1, 2, 3],
        "generation_id": [1, 1, 2],
        "power": [45, None, 50],
        "generation": [1, 1, 2],
    }


def test_a_dataset_is_of_any_snapshot(lake: Lake):
    rows = lake.dataset("moves", as_of="2026-07-06").to_table(filter=ds.field("move_id") == 1)
    assert rows["power"].to_pylist() == [40]


def test_a_dataset_has_the_schema_that_was_declared(lake: Lake):
    schema = lake.dataset("moves").schema
    assert schema.remove(3).equals(MOVES.schema, check_metadata=True)
    assert schema.field("generation").type == pa.int32()


def test_documents_are_partitioned_by_resource(lake: Lake):
    rows = lake.dataset("documents").to_table(filter=ds.field("resource") == "type", columns=["path", "resource"])
    assert rows.to_pydict() == {"path": ["type/1"], "resource": ["type"]}


def test_a_table_without_a_partition_is_one_file(store: Store):
    publish(store, FIRST, [learnt(("ditto", 1, "egg", True))])
    dataset = Lake(store).dataset("learnt")
    assert dataset.to_table().to_pylist() == [{"pokemon": "ditto", "move_id": 1, "method": "egg", "is_hidden": True}]
    assert len(dataset.files) == 1


def test_integers_that_can_be_null_read_back_as_such(lake: Lake):
    frame = lake.dataset("moves").to_table().to_pandas()
    assert frame.dtypes.astype(str).to_dict() == {
        "move_id": "int32",
        "generation_id": "int16",
        "power": "Int32",
        "generation": "int32",
    }


def test_a_partition_filter_fetches_only_its_files(lake: Lake, store: Store):
    dataset = lake.dataset("moves")
    without_generation_2(store)
    assert dataset.to_table(filter=ds.field("generation") == 1).num_rows == 2
    with pytest.raises(OSError, match="generation=2"):
        dataset.to_table()


def test_an_unknown_table_is_answered_with_those_that_exist(lake: Lake):
    with pytest.raises(UnknownNameError, match="no table 'move'; there are: documents, moves"):
        lake.dataset("move")


def test_a_file_that_is_gone_is_named(lake: Lake, store: Store):
    store.delete([f"{table_folder(SECOND, 'moves')}/generation=1/part-0.parquet"])
    with pytest.raises(LakeError, match=f"s3://lake/pokelake/snapshots/{SECOND}/moves/generation=1/part-0.parquet"):
        lake.dataset("moves")


def test_a_dataset_travels_to_other_processes(lake: Lake):
    assert pickle.loads(pickle.dumps(lake.dataset("moves"))).count_rows() == 3


def test_polars_scans_it_and_its_filters_reach_the_files(lake: Lake, store: Store):
    without_generation_2(store)
    frame = pl.scan_pyarrow_dataset(lake.dataset("moves")).filter(pl.col("generation") == 1).select("move_id").collect()
    assert frame["move_id"].to_list() == [1, 2]


@pytest.fixture
def on_its_way(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """Return a function that flips a bit at a place of every second file that is fetched whole, and notes each."""
    get = Store.get

    def spoil(at: int) -> list[str]:
        fetched: list[str] = []

        def spoilt(store: Store, key: str, limit: int | None = None) -> bytes:
            body = bytearray(get(store, key, limit))
            if key.endswith(".parquet"):
                fetched.append(key)
                body[at % len(body)] ^= len(fetched) % 2
            return bytes(body)

        monkeypatch.setattr(Store, "get", spoilt)
        return fetched

    return spoil


def places(lake: Lake) -> range:
    """Return a few places of the smallest file of moves, from the header of its first page to its footer."""
    size = min(file.bytes for file in lake.commit().tables["moves"].files)
    return range(5, size, size // 4)


def test_a_bit_that_flips_on_the_way_changes_no_answer(lake: Lake, on_its_way: Callable[[int], list[str]]):
    """In the header of a page or in the footer it lost rows, or renamed a column."""
    rows, columns = lake.dataset("moves").to_table(), lake.columns("moves")
    for at in places(lake):
        fetched = on_its_way(at)
        assert lake.dataset("moves").to_table().equals(rows), at
        # One file was kept since the dataset was opened.
        assert len(fetched) == 4
        assert lake.sql("SELECT sum(power) AS n FROM moves")["n"].tolist() == [95]
        assert lake.columns("moves").equals(columns)


def test_what_is_damaged_in_the_bucket_is_named(lake: Lake, store: Store):
    dataset, key = lake.dataset("moves"), f"{table_folder(SECOND, 'moves')}/generation=2/part-0.parquet"
    body = store.get(key)
    store.delete([key])
    store.create(key, body.replace(b"power", b"qower"))
    with pytest.raises(OSError, match=rf"s3://lake/pokelake/{key}: expected the content with SHA-256"):
        dataset.to_table()
    with pytest.raises(LakeError, match=rf"^sql: .*{key}: expected the content with SHA-256"):
        lake.sql("SELECT * FROM moves")


@pytest.mark.parametrize("limit", ["WHOLE_BYTES", "SCANNED_WHOLE_BYTES"])
def test_large_files_and_many_are_fetched_in_parts(
    lake: Lake, on_its_way: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch, limit: str
):
    rows = lake.dataset("moves").to_table()
    monkeypatch.setattr(f"lake.read.dataset.{limit}", 0)
    dataset, fetched = lake.dataset("moves"), on_its_way(-1)
    assert dataset.to_table().equals(rows)
    assert fetched == []
