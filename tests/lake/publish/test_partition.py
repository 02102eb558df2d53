"""Partitions by a column that a source's settings name: its values, or its years, become folders, and no text does."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from lake.errors import LakeError
from lake.publish import TableWriter
from lake.publish.partition import MOST_PARTITIONS
from lake.schema import KEY, Field, Table

TIME = pa.timestamp("us", "UTC")


def table(name: str, type_: pa.DataType) -> Table:
    fields = Field("id", pa.int64(), "…", KEY), Field(name, type_, "…", name, nullable=True)
    return Table("shop", "one row per shop", ("shop",), ("id",), fields, is_inferred=True, partition_by=name)


def folders(type_: pa.DataType, *values: Any, name: str = "town") -> dict[str, int]:
    """Return the rows in each folder of a table with these values."""
    of = table(name, type_)
    writer = TableWriter(of, of.partition, of.by)
    writer.add(pa.table({"id": range(len(values)), name: pa.array(values, type_)}, schema=of.schema))
    return {file.name.rpartition("/")[0]: file.rows for file in writer.close()}


def test_a_text_becomes_a_short_name():
    texts = "Pallet Town", "pallet-town", "../../etc", "É", None, "3", "=", "a" * 99
    assert folders(pa.string(), *texts) == {
        "town_part=pallet-town": 2,
        "town_part=etc": 1,
        "town_part=e": 1,
        "town_part=none": 2,
        "town_part=x-3": 1,
        f"town_part={'a' * 60}": 1,
    }


def test_a_number_stays_one_and_a_time_has_its_year():
    assert folders(pa.int64(), 7, None, -3, 7, name="floor_2") == {
        "floor_2_part=7": 2,
        "floor_2_part=0": 1,
        "floor_2_part=-3": 1,
    }
    at = [datetime(2024, 2, 29, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), None]
    assert folders(TIME, *at, name="at") == {"at_year=2024": 1, "at_year=2026": 1, "at_year=0": 1}


def test_a_table_without_rows_has_one_file():
    assert folders(pa.int64()) == {"town_part=0": 0}
    assert folders(pa.string()) == {"": 0}


def test_too_many_partitions_and_too_large_ones_are_refused():
    with pytest.raises(LakeError, match=r"table shop: expected at most 1,000 partitions, found more of town; name"):
        folders(pa.int64(), *range(MOST_PARTITIONS + 1))
    with pytest.raises(
        LakeError, match=r"table shop: expected partitions of 32 bits, found town from 1 to 2147483648;"
    ):
        folders(pa.int64(), 1, 2**31)
