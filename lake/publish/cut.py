"""Cuts the rows of a table into parts of bounded size, at places that the rows alone decide."""

from collections.abc import Iterator
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lake.schema import Table

# As Arrow holds the rows, which take an eighth of it in a file. All of PokeAPI has one table that is cut.
PART_BYTES = 8 << 20

# Rows that wait for the end of their part are packed, so many bytes at a time: they need a part of their memory then.
# A large table has one part in the making for each of its partitions.
PACKED_BYTES = 256 << 10

# A batch has some kilobytes beside its rows, and often few rows, so no more of them wait one by one.
LOOSE_BATCHES = 8

_PACKING = pa.ipc.IpcWriteOptions(compression="lz4")

# Multipliers that spread the bits of a number, as in splitmix64.
_SPREAD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))


class Cutter:
    """Cuts rows that come in batches, in the order of their keys; holds the rows of the part in the making.

    A part ends between two documents, and has more than half of `most` bytes and at most `most`, unless one document
    alone has more. Of all such ends it takes the one before the document whose key has the least hash. So neither
    batches nor earlier snapshots decide, and after a change the cuts soon are the same as before it.
    """

    def __init__(self, table: Table, most: int) -> None:
        self._document = table.primary_key[: table.primary_key.index(table.owner) + 1]
        self._most = most
        self._packed: list[pa.Buffer] = []
        self._fresh: list[pa.Table] = []
        self._bytes = self._fresh_bytes = 0

    def add(self, rows: pa.Table) -> Iterator[pa.Table]:
        """Take the next rows, and yield the parts that end in them."""
        self._hold(rows)
        if self._bytes > self._most:
            pending = self._taken()
            begin = 0
            for place in self._places(pending):
                yield pending.slice(begin, place - begin)
                begin = place
            self._hold(pending.slice(begin))
        if self._fresh_bytes > PACKED_BYTES:
            self._packed.append(_packed(pa.concat_tables(self._fresh)))
            self._fresh, self._fresh_bytes = [], 0
        elif len(self._fresh) > LOOSE_BATCHES:
            self._fresh = [pa.concat_tables(self._fresh).combine_chunks()]

    def rest(self) -> pa.Table | None:
        """Return the rows of the last part, None if no rows came."""
        return self._taken() if self._packed or self._fresh else None

    def _hold(self, rows: pa.Table) -> None:
        size = int(row_bytes(rows).sum())
        self._fresh.append(rows)
        self._fresh_bytes += size
        self._bytes += size

    def _taken(self) -> pa.Table:
        """Return the rows that are held, which then are not."""
        held = [*map(_unpacked, self._packed), *self._fresh]
        self._packed, self._fresh = [], []
        self._bytes = self._fresh_bytes = 0
        return pa.concat_tables(held)

    def _places(self, rows: pa.Table) -> list[int]:
        """Return the numbers of the rows before which parts end that cannot go on."""
        ends = np.cumsum(row_bytes(rows))
        keys = rows.select(self._document).combine_chunks()
        starts = _starts(keys)
        sizes, hashes = ends[starts - 1], _hashes(keys.take(pa.array(starts)))
        places, cut = list[int](), 0
        while ends[-1] - cut > self._most:
            low, high = np.searchsorted(sizes, (cut + self._most / 2, cut + self._most), side="right")
            if low == high == len(sizes):
                break
            chosen = low + int(np.argmin(hashes[low:high])) if low < high else high
            places.append(int(starts[chosen]))
            cut = int(sizes[chosen])
        return places


def _packed(rows: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=_PACKING) as writer:
        writer.write_table(rows.combine_chunks())
    return sink.getvalue()


def _unpacked(body: pa.Buffer) -> pa.Table:
    return pa.ipc.open_stream(body).read_all()


def row_bytes(rows: pa.Table) -> npt.NDArray[np.int64]:
    """Return how many bytes Arrow needs for each row; nulls and batches make no difference."""
    found = np.zeros(rows.num_rows, np.int64)
    for column in rows.columns:
        if pa.types.is_string(column.type):
            found += pc.fill_null(pc.binary_length(column), 0).to_numpy().astype(np.int64) + 4
        else:
            found += max(1, column.type.bit_width // 8)
    return found


def _starts(keys: pa.Table) -> npt.NDArray[np.int64]:
    """Return the numbers of the rows with another key than the row before."""
    is_new = np.zeros(max(0, keys.num_rows - 1), np.bool_)
    for column in keys.columns:
        is_new |= pc.not_equal(column[1:], column[:-1]).to_numpy().astype(np.bool_)
    return np.flatnonzero(is_new) + 1


def _hashes(keys: pa.Table) -> npt.NDArray[np.uint64]:
    """Return a number for each key that looks like chance."""
    found = np.zeros(keys.num_rows, np.uint64)
    for column in keys.columns:
        if pa.types.is_string(column.type):
            encoded = column.combine_chunks().dictionary_encode()
            texts = np.array([crc32(text.encode()) for text in encoded.dictionary.to_pylist()], np.uint64)
            values = texts[encoded.indices.to_numpy()] if len(texts) else found
        else:
            values = column.cast(pa.int64()).to_numpy().astype(np.int64).view(np.uint64)
        for factor in _SPREAD:
            found = (found ^ values) * factor
            found ^= found >> np.uint64(29)
    return found
