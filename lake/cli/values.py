"""Rows as text for programs: JSON, CSV and lines of cells between tabs, each value with all its digits."""

import json
import math
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lake.cli.say import NO_LIMIT
from lake.errors import LakeError
from lake.text import shown

Rows: TypeAlias = "pd.DataFrame | pa.Table"

# Rows of which the values are in memory at a time.
_BATCH = 10_000

_quoted = partial(json.dumps, ensure_ascii=False)


def names_of(rows: Rows) -> list[str]:
    """Return the names of the columns."""
    return rows.column_names if isinstance(rows, pa.Table) else [str(name) for name in rows.columns]


def first(rows: Rows, count: int) -> Rows:
    """Return the first so many rows; all of them for 0."""
    if not count:
        return rows
    return rows.slice(0, count) if isinstance(rows, pa.Table) else rows.head(count)


def batches(rows: Rows) -> Iterator[list[list[Any]]]:
    """Yield some rows at a time, each column as a list of Python's values; null is None.

    Raises:
        LakeError: Python has nothing that can hold a value, such as a list with a day in the year 290,000.
    """
    for start in range(0, len(rows), _BATCH):
        if isinstance(rows, pa.Table):
            yield [_values(column) for column in rows.slice(start, _BATCH).columns]
        else:
            some = rows.iloc[start : start + _BATCH]
            yield [[_known(value) for value in some.iloc[:, place].tolist()] for place in range(rows.shape[1])]


def _values(column: pa.ChunkedArray) -> list[Any]:
    kind = column.type
    try:
        if pa.types.is_temporal(kind) and not (pa.types.is_interval(kind) or pa.types.is_duration(kind)):
            # Python's own moments end with the year 9999, and have no nanoseconds.
            text = column.cast(pa.string())
            if pc.any(pc.starts_with(text, "<")).as_py():
                raise ValueError(f"a moment of the type {kind} lies too far away")
            column = pc.replace_substring(text, " ", "T") if pa.types.is_timestamp(kind) else text
        values: list[Any] = column.to_pylist(maps_as_pydicts="strict")
        return values
    except (pa.ArrowException, ValueError, OverflowError, KeyError) as error:
        raise LakeError(f"expected values that can be printed: {error}; cast them, name::VARCHAR") from error


def _known(value: Any) -> Any:
    """Return a cell of a frame; None for what pandas puts in the place of null."""
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


def json_rows(rows: Rows) -> Iterator[str]:
    """Yield the text of a JSON array piece by piece: one object for each row, in a line of its own."""
    heads = [f"{_quoted(name)}:" for name in names_of(rows)]
    before = "["
    for columns in batches(rows):
        texts = [[head + json_of(value) for value in column] for head, column in zip(heads, columns, strict=True)]
        yield before + ",\n".join(f"{{{','.join(row)}}}" for row in zip(*texts, strict=True))
        before = ",\n"
    yield "[]" if before == "[" else "]"


def json_of(value: Any) -> str:
    """Return a value as JSON from which the same value can be read; what is no number there is text.

    >>> json_of([2**53 + 1, 0.1, Decimal("1.10"), float("nan"), date(2026, 8, 8), None])
    '[9007199254740993,0.1,1.10,"NaN","2026-08-08",null]'
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    match value:
        case None | bool() | str():
            return _quoted(value)
        case pa.MonthDayNano():
            return _quoted(_interval(value))
        case int():
            return str(value)
        case float() | Decimal() if math.isfinite(value):
            return repr(value) if isinstance(value, float) else f"{value:f}"
        case dict():
            return "{" + ",".join(f"{_quoted(text_of(name))}:{json_of(one)}" for name, one in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(map(json_of, value)) + "]"
    return _quoted(text_of(value))


def text_of(value: Any) -> str:
    """Return a value as the text of a cell; a list or an object is JSON, null is empty."""
    match value:
        case None:
            return ""
        case str():
            return value
        case float() | Decimal() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case pa.MonthDayNano():
            return _interval(value)
        case bool() | int() | float() | Decimal() | dict() | list() | tuple() | np.ndarray() | np.generic():
            return json_of(value)
    return str(value)


def _interval(value: Any) -> str:
    """Return an interval as ISO 8601 has it.

    >>> _interval(pa.MonthDayNano([14, -3, 1_500_000_000])), _interval(pa.MonthDayNano([0, 0, 0]))
    ('P14M-3DT1.5S', 'PT0S')
    """
    dated = "".join(f"{count}{unit}" for count, unit in ((value.months, "M"), (value.days, "D")) if count)
    seconds = f"T{Decimal(value.nanoseconds) / 10**9:f}S" if value.nanoseconds or not dated else ""
    return f"P{dated}{seconds}"


def tab_rows(rows: Rows) -> Iterator[str]:
    r"""Yield a line of names, then one for each row, between tabs; what is no part of a line is escaped, as ``\t``."""
    yield from _lines(rows, "\t", "\n", lambda value: shown(text_of(value).replace("\\", "\\\\"), NO_LIMIT))


def csv_rows(rows: Rows) -> Iterator[str]:
    """Yield the lines of CSV as RFC 4180 has it: null is empty, and an empty text is a pair of quotes."""
    yield from _lines(rows, ",", "\r\n", _csv)


def _csv(value: Any) -> str:
    text = text_of(value)
    if value is None or (text and not set(text) & set(',"\r\n')):
        return text
    return '"' + text.replace('"', '""') + '"'


def _lines(rows: Rows, between: str, end: str, cell: Any) -> Iterator[str]:
    yield between.join(map(cell, names_of(rows))) + end
    for columns in batches(rows):
        cells = [map(cell, column) for column in columns]
        yield "".join(between.join(row) + end for row in zip(*cells, strict=True))
