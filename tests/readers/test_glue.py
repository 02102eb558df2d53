"""A lake that is registered in Glue, as awswrangler finds it there; `make readers` runs this beside awswrangler."""

from collections.abc import Iterator

import awswrangler as wr
import boto3
import pandas as pd
import pytest

from lake import Lake
from lake.catalog import drop, register
from lake.store import Store

DATABASE = "pokemon"


@pytest.fixture(scope="module")
def lake() -> Iterator[Lake]:
    """Return the lake that `make readers` has filled, registered."""
    store = Store("readers", "pokelake")
    register(store, DATABASE)
    yield Lake(store)
    drop(store, DATABASE)


def test_every_table_is_listed_and_its_folder_is_there(lake: Lake):
    tables = lake.tables()
    names = set(tables["table"] if "kind" not in tables else tables.loc[tables["kind"] == "table", "table"])
    found = {table["Name"]: table for table in wr.catalog.get_tables(database=DATABASE)}
    assert set(found) == names
    assert set(wr.catalog.tables(database=DATABASE, limit=1000)["Table"]) == names
    current = lake.commit().snapshot
    for name in found:
        location = wr.catalog.get_table_location(database=DATABASE, table=name)
        assert location == f"s3://readers/pokelake/snapshots/{current}/{name}/"
        assert wr.s3.list_objects(location), name
        # All files lie in folders that Athena computes; a number that a table lacks is a folder without files.
        keys = [key["Name"] for key in found[name]["PartitionKeys"]]
        folders = list(folders_of(found[name]["Parameters"], keys)) if keys else [location]
        assert sum(len(wr.s3.list_objects(folder)) for folder in folders) == len(wr.s3.list_objects(location))


def folders_of(properties: dict[str, str], keys: list[str]) -> Iterator[str]:
    """Yield the folders of a table's partitions as Athena computes them from its properties."""
    for key in keys:
        kind = f"projection.{key}"
        if properties[f"{kind}.type"] == "integer":
            first, last = map(int, properties[f"{kind}.range"].split(","))
            projected = [str(number) for number in range(first, last + 1)]
        else:
            projected = properties[f"{kind}.values"].split(",")
        yield from (properties["storage.location.template"].replace(f"${{{key}}}", value) for value in projected)


def test_columns_are_described_with_their_types_and_meanings(lake: Lake):
    described = wr.catalog.table(database=DATABASE, table="pokemon")
    assert described["Column Name"].tolist() == lake.columns("pokemon")["name"].tolist()
    assert described["Partition"].tolist() == [*[False] * (len(described) - 1), True]
    of = described.set_index("Column Name")
    assert of.loc["height_dm", ["Type", "Comment"]].tolist() == ["int", "Height. Unit: decimetre."]
    assert (of.loc["name", "Type"], of.loc["is_default", "Type"], of.loc["generation", "Type"]) == (
        *("string", "boolean", "int"),
    )
    types = wr.catalog.get_table_types(database=DATABASE, table="documents")
    assert (types["id"], types["fetched_at"], types["resource"]) == ("bigint", "timestamp", "string")


@pytest.mark.parametrize("table", ["pokemon", "moves", "item_prices", "documents"])
def test_a_table_is_read_by_its_name(lake: Lake, table: str):
    found = wr.s3.read_parquet_table(database=DATABASE, table=table)
    expected = lake.read(table)
    described = lake.columns(table)
    assert (len(found), set(found.columns)) == (len(expected), set(described["name"]))
    for column in described.attrs["primary_key"]:
        ours, theirs = (sorted(frame[column].astype(str)) for frame in (expected, found))
        assert ours == theirs


def test_after_another_publish_the_tables_show_that(lake: Lake):
    """Here the other way round: an earlier snapshot is registered, and the current one again."""
    [current, first] = lake.snapshots()["snapshot"]

    def weight() -> int:
        found: pd.DataFrame = wr.s3.read_parquet_table(database=DATABASE, table="pokemon")
        return int(found.loc[found["pokemon_id"] == 25, "weight_hg"].iloc[0])

    after = weight()
    register(lake.store, DATABASE, lake.commit(first))
    assert (weight(), after) == (60, 61)
    register(lake.store, DATABASE)
    assert weight() == 61
    place = wr.catalog.get_table_location(database=DATABASE, table="pokemon")
    assert current in place


def test_drop_leaves_nothing_behind(lake: Lake):
    register(lake.store, "other")
    assert "other" in wr.catalog.databases()["Database"].tolist()
    drop(lake.store, "other")
    assert [one["Name"] for one in boto3.client("glue").get_databases()["DatabaseList"]] == [DATABASE]
