"""What a frame keeps of the table that it was read from."""

import io
import json

import pandas as pd
import pyarrow as pa
import pytest

from lake.read import Lake
from lake.schema import Field, Table, conform
from lake.store import Store
from tests.lake.read import FIRST, publish

SIZES = Table(
    name="sizes",
    grain="one row per thing",
    resources=("thing",),
    primary_key=("thing_id",),
    fields=(
        Field("thing_id", pa.int32(), "The thing."),
        Field("height_dm", pa.int32(), "Height. Null: unknown.", unit="decimetre", nullable=True),
        Field("name", pa.string(), "Its name."),
    ),
)
ATTRS = {
    "table": "sizes",
    "snapshot": FIRST,
    "units": {"height_dm": "decimetre"},
    "descriptions": {"thing_id": "The thing.", "height_dm": "Height. Null: unknown.", "name": "Its name."},
}


@pytest.fixture
def lake(store: Store) -> Lake:
    """Open a lake with one table of sizes."""
    rows = [{"thing_id": number, "height_dm": None, "name": "a"} for number in (1, 2)]
    publish(store, FIRST, [(SIZES, conform(SIZES, rows))])
    return Lake(store)


def test_a_frame_says_its_table_snapshot_units_and_descriptions(lake: Lake):
    assert lake.read("sizes").attrs == ATTRS
    assert lake.read("sizes", [("thing_id", "==", 9)]).attrs == ATTRS
    assert lake.read("sizes", columns=["name"]).attrs == {**ATTRS, "units": {}, "descriptions": {"name": "Its name."}}


def test_the_frame_of_a_query_says_its_snapshot_alone(lake: Lake):
    assert lake.sql("SELECT height_dm FROM sizes").attrs == {"snapshot": FIRST}


def test_they_are_json_and_small(lake: Lake):
    """pandas copies them with every frame that is made of another."""
    attrs = lake.read("documents").attrs
    assert json.loads(json.dumps(attrs)) == attrs
    assert len(json.dumps(attrs)) < 4000


def test_they_survive_what_pandas_does_with_frames(lake: Lake):
    frame = lake.read("sizes")
    file = io.BytesIO()
    frame.to_parquet(file)
    assert pd.read_parquet(file).attrs == ATTRS
    assert frame[frame["thing_id"] > 1].attrs == frame.copy().attrs == ATTRS
    assert pd.concat([frame, lake.read("sizes")]).attrs == ATTRS
    assert len(frame.merge(lake.read("documents"), left_on="thing_id", right_on="id", how="left")) == 2
    assert len(pd.concat([frame, lake.read("documents")])) == 2


def test_nobody_shares_them_with_another_frame(lake: Lake):
    lake.read("sizes").attrs["units"]["name"] = "changed"
    assert lake.read("sizes").attrs == ATTRS
