"""The type of a column in pandas never depends on its values: not in any table, partition, snapshot or way to read."""

from dataclasses import replace
from hashlib import sha256

import pandas as pd
import pyarrow as pa
import pytest

from lake.documents import DOCUMENT_INDEX, DOCUMENTS
from lake.read import Lake
from lake.schema import GENERATION, Field, Table, conform, pandas_metadata
from lake.store import Store
from lake.tables import TABLES
from tests.lake.read import FIRST, SECOND, publish

WILD = Table(
    name="wild",
    grain="one row per thing",
    resources=("thing",),
    primary_key=("thing_id",),
    fields=(
        Field("thing_id", pa.int32(), "The thing."),
        Field(GENERATION, pa.int16(), "Its generation. 0: unknown."),
        Field("species_id", pa.int32(), "Declared as never null, which upstream may change overnight."),
        Field("is_rare", pa.bool_(), "The same."),
        Field("count", pa.int64(), "A number. Null: none.", nullable=True),
        Field("share", pa.float64(), "A share. Null: none.", nullable=True),
        Field("name", pa.string(), "A text. Null: none.", nullable=True),
    ),
)
VALUES = {"species_id": 5, "is_rare": True, "count": 7, "share": 0.5, "name": "a"}
NULLS = dict.fromkeys(VALUES)
# The type of a text is that of pandas: `str` in 3, `object` in 2.
TEXT = str(pd.Series(pd.array(["a"])).dtype) if pd.__version__ < "3" else "str"
EXPECTED = {
    "thing_id": "int32",
    GENERATION: "int16",
    "species_id": "Int32",
    "is_rare": "boolean",
    "count": "Int64",
    "share": "float64",
    "name": TEXT,
}


def of_earlier_code(table: Table) -> Table:
    """Return a declaration whose files are those of earlier code: plain types where no null was declared."""
    made = replace(table)
    plain = [field.with_nullable(table.field(field.name).nullable) for field in table.schema]
    metadata = {**table.schema.metadata, b"pandas": pandas_metadata(plain).encode()}
    vars(made)["schema"] = pa.schema(
        [field.with_nullable(field.name not in table.primary_key) for field in table.schema], metadata
    )
    return made


def types(frame: pd.DataFrame) -> dict[str, str]:
    """Return the type of each column."""
    return frame.dtypes.astype(str).to_dict()


@pytest.fixture
def lake(store: Store) -> Lake:
    """Open a lake with a snapshot of earlier code and one of this code; no partition has the nulls of another."""
    rows = [
        {"thing_id": number, GENERATION: number, **values} for number, values in ((1, VALUES), (2, NULLS), (3, VALUES))
    ]
    old = of_earlier_code(WILD)
    publish(store, FIRST, [(old, pa.Table.from_pylist(rows, old.schema))])
    publish(store, SECOND, [(WILD, conform(WILD, rows))])
    return Lake(store)


def test_plain_pandas_gives_one_type_in_every_partition(lake: Lake):
    path = lake.path("wild").rstrip("/")
    frames = [pd.read_parquet(f"{path}/generation={number}") for number in (1, 2, 3)]
    assert [types(frame) for frame in frames] == [EXPECTED] * 3
    assert types(pd.read_parquet(path).drop(columns="generation")) == EXPECTED
    assert frames[1].iloc[0, 2:].isna().all()


@pytest.mark.parametrize("snapshot", [FIRST, SECOND])
def test_the_lake_gives_the_same_types_of_snapshots_of_earlier_code(lake: Lake, snapshot: str):
    assert types(lake.read("wild", as_of=snapshot)) == EXPECTED
    assert types(lake.read("wild", [("generation", "==", 2)], as_of=snapshot)) == EXPECTED
    assert types(lake.read("wild", [("generation", "==", 9)], as_of=snapshot)) == EXPECTED
    assert types(lake.read("wild", columns=["generation", "is_rare"], as_of=snapshot)) == {
        "generation": "int32",
        "is_rare": "boolean",
    }
    found = lake.dataset("wild", as_of=snapshot).to_table().to_pandas()
    assert types(found) == {**EXPECTED, "generation": "int32"}


@pytest.mark.parametrize("snapshot", [FIRST, SECOND])
def test_sql_can_hold_nulls_in_every_column_because_a_join_makes_some(lake: Lake, snapshot: str):
    found = types(lake.sql("SELECT * FROM wild", as_of=snapshot))
    assert found == {**EXPECTED, "thing_id": "Int32", GENERATION: "Int16", "generation": "Int32"}


def test_what_changed_between_earlier_code_and_this_is_found(lake: Lake):
    assert lake.diff("wild", FIRST).empty


def test_no_table_has_a_type_that_depends_on_its_values():
    """A table of nulls alone, where a file can hold them, has the types of an empty one."""
    wrong = {}
    for table in (*TABLES, DOCUMENTS, DOCUMENT_INDEX):
        one: dict[pa.DataType, object] = {pa.string(): "a", pa.bool_(): True, pa.float64(): 0.5}
        row = {
            field.name: None
            if field.nullable
            else pd.Timestamp(0, tz="UTC")
            if "time" in str(field.type)
            else one.get(field.type, 1)
            for field in table.schema
        }
        empty, nulls = (
            types(rows.to_pandas()) for rows in (table.schema.empty_table(), pa.Table.from_pylist([row], table.schema))
        )
        if empty != nulls:
            wrong[table.name] = {name: (empty[name], nulls[name]) for name in empty if empty[name] != nulls[name]}
    assert wrong == {}


def test_keys_and_what_partitions_are_made_of_are_plain():
    for table in TABLES:
        found, plain = (
            types(table.schema.empty_table().to_pandas()),
            {*table.primary_key, *([GENERATION] * bool(table.partition))},
        )
        numbers = {
            field.name for field in table.fields if field.type in (pa.int16(), pa.int32(), pa.int64(), pa.bool_())
        }
        assert {name for name in numbers if found[name][0].islower() and found[name] != "boolean"} == plain & numbers


def test_the_documents_of_every_lake_keep_their_bytes():
    """They are carried from snapshot to snapshot, and what is written anew must equal what lies there."""
    said = sha256(DOCUMENTS.schema.metadata[b"pandas"]).hexdigest()
    assert said == "93c95929304c87b9fb0e862ee4d3421fa2f0854f008813ef18d22e4c54c9f7bf"


def test_columns_of_other_types_are_left_to_pandas():
    fields = [
        pa.field("list", pa.list_(pa.int32())),
        pa.field("struct", pa.struct([("a", pa.int32())])),
        pa.field("word", pa.dictionary(pa.int8(), pa.string())),
        pa.field("date", pa.date32()),
        pa.field("time", pa.timestamp("us")),
        pa.field("small", pa.float32()),
        pa.field("bytes", pa.binary()),
        pa.field("large", pa.uint64()),
    ]
    said = pa.schema(fields, metadata={"pandas": pandas_metadata(fields)})
    rows = pa.Table.from_pylist([{}], said)
    assert types(rows.to_pandas()) == {
        **types(rows.to_pandas(ignore_metadata=True)),
        "large": "UInt64",
    }
