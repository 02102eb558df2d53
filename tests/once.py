"""What pure functions answered: in `make check`, the same documents are parsed once, and the same rows encoded once.

Documents in, Arrow out, and the same bytes for the same rows: so the lake may be filled with the same few documents
hundreds of times, and each answer is still what the code gives. `make test` asks the code each time.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import settings

from lake import tables
from lake.publish import parquet
from lake.tables import POKEAPI, Catalog
from lake.tables.inferred import Assumed

# Larger files are few, and would fill the memory.
KEPT_BYTES = 256 << 10

_ANSWERS: dict[Hashable, Any] = {}


@contextmanager
def once() -> Iterator[None]:
    """Ask the functions that make tables, and files of their rows, once for the same arguments, in `make check`."""
    with pytest.MonkeyPatch.context() as patch:
        if settings.get_current_profile_name() == "dev":
            patch.setattr(tables, "build", partial(_asked, tables.build))
            patch.setattr(tables, "unknown_paths", partial(_asked, tables.unknown_paths))
            patch.setattr(parquet, "_File", partial(_File, parquet._File))
        yield


def _asked(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return a copy of what a function answered to the same arguments before."""
    key = (function, *map(_identity, arguments))
    if key not in _ANSWERS:
        _ANSWERS[key] = function(*arguments)
    return _ANSWERS[key].copy()


class _File:
    """A Parquet file in the making, which is encoded unless the same batches of rows were before."""

    def __init__(self, encoder: Callable[[pa.Schema, parquet.FileStyle], Any], *given: Any) -> None:
        self._encoder, self._given = encoder, given
        self._batches: list[pa.Table] = []
        self.rows = 0

    def add(self, rows: pa.Table) -> None:
        self._batches.append(rows)
        self.rows += rows.num_rows

    def close(self) -> bytes:
        key = (self._encoder, *map(_identity, self._given), *map(_identity, self._batches))
        if key in _ANSWERS:
            return _ANSWERS[key]
        file = self._encoder(*self._given)
        for rows in self._batches:
            file.add(rows)
        body: bytes = file.close()
        if len(body) <= KEPT_BYTES:
            _ANSWERS[key] = body
        return body


def _identity(argument: Any) -> Hashable:
    """Return what is equal for equal arguments alone."""
    if isinstance(argument, pa.Table):
        with pa.ipc.new_stream(sink := pa.BufferOutputStream(), argument.schema) as stream:
            stream.write_table(argument)
        return sha256(sink.getvalue()).digest()
    if isinstance(argument, pa.Array):
        return _identity(pa.table({"": argument}))
    if isinstance(argument, pa.Schema):
        return argument.serialize().to_pybytes()
    if isinstance(argument, Catalog):
        return argument.kind if argument.kind == POKEAPI else argument.tables
    if isinstance(argument, Assumed):
        return msgspec.json.encode(argument.assumption, order="deterministic")
    if isinstance(argument, dict):
        return frozenset(argument.items())
    if isinstance(argument, set):
        return frozenset(argument)
    return argument
