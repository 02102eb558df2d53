"""Inferred tables hold every value of the documents that they were inferred from."""

from datetime import datetime
from typing import Any

import pyarrow as pa
from hypothesis import given

from lake.decode import Digits, decode
from lake.schema import Field
from lake.tables.inferred import NOTHING, Key, declare, grown
from lake.tables.paths import steps
from lake.tables.rows import rows_of
from tests.lake.tables.inferred import Odd, bodies, randoms


def is_document(text: str) -> bool:
    try:
        return isinstance(decode(text), dict)
    except ValueError:
        return False


def values_at(value: Any, path: list[tuple[str, bool]]) -> list[Any]:
    """Return the values at a path, one for each element of the lists on the way."""
    if not path:
        return [value]
    (name, is_list), *rest = path
    inner = value.get(name) if isinstance(value, dict) else None
    if is_list:
        return [found for element in inner or () for found in values_at(element, rest)]
    return values_at(inner, rest)


def as_column(value: Any, field: Field) -> Any:
    """Return a value as its column holds it; a number that no machine holds stands in none."""
    if value is None or field.is_json:
        return value
    if pa.types.is_timestamp(field.type):
        return datetime.fromisoformat(value)
    return None if isinstance(value, Digits) else value


@given(randoms)
def test_each_value_lands_where_it_was_inferred(random):
    texts = [text for text in Odd(random).documents() if is_document(text)]
    ids = range(1, len(texts) + 1)
    documents = pa.table(
        {"id": pa.array(ids, pa.int64()), "path": [f"trainer/{id_}" for id_ in ids], "body": bodies(*texts)}
    )
    shape = grown(NOTHING, documents["body"].combine_chunks())
    tables = declare({"trainer": shape}, {"trainer": Key("id", pa.int64())}, (), {}).tables
    for table, (rows, drifts) in zip(tables, rows_of(tables, "trainer", documents), strict=True):
        assert [drift for drift in drifts if "Digits" not in drift.found] == []
        for field in table.fields:
            if not field.path.startswith("@"):
                found = rows[field.name].to_pylist()
                expected = [value for text in texts for value in values_at(decode(text), steps(field.path))]
                read = [decode(text) if text is not None and field.is_json else text for text in found]
                assert read == [as_column(value, field) for value in expected], (table.name, field)
