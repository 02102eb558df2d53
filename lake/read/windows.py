"""The rows of both sides of a comparison, in windows of ascending keys; of each partition one part is in memory."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# The key of a row.
Key = tuple[Any, ...]

# Returns the rows of a file.
Load = Callable[[], pa.Table]


class UnorderedError(Exception):
    """The parts of a partition do not follow each other by their keys: other hands have made them."""


class Stream:
    """The parts of one partition of one side, by ascending keys; holds the rows of one, and fetches the next meanwhile.

    `rows` are those that were not yet taken; `shape` gives them the columns that both sides have.
    """

    def __init__(self, pool: Executor, key: Sequence[str], parts: Sequence[Load]) -> None:
        self._pool, self._key = pool, key
        self._parts = iter(parts)
        self._next: Future[pa.Table] | None = None
        self.shape: Callable[[pa.Table], pa.Table] = lambda rows: rows
        self.last: Key | None = None
        self._fetch()
        self.rows: pa.Table = pa.table({})

    def _fetch(self) -> None:
        load = next(self._parts, None)
        self._next = self._pool.submit(load) if load is not None else None

    @property
    def has_more(self) -> bool:
        """Whether parts follow that are not in memory."""
        return self._next is not None

    def schema(self) -> pa.Schema:
        """Return the columns of the first part."""
        assert self._next is not None, "a stream has a part, and none was taken yet"
        return self._next.result().schema

    def load(self) -> None:
        """Take the next part into memory, once all rows of the last one were taken.

        Raises:
            UnorderedError: It has a key that the last part should have had.
        """
        assert self._next is not None, "there is a part to load"
        rows = self.shape(self._next.result()).sort_by([(name, "ascending") for name in self._key])
        self._fetch()
        if rows.num_rows:
            if self.last is not None and not self.last < self.key_of(rows, 0):
                raise UnorderedError
            self.last = self.key_of(rows, -1)
        self.rows = rows.combine_chunks()

    def key_of(self, rows: pa.Table, number: int) -> Key:
        """Return the key of a row."""
        return tuple(rows[name][number].as_py() for name in self._key)

    def take(self, bound: Key | None) -> pa.Table:
        """Return the rows up to a key, all of them for None, and let go of them."""
        count = self.rows.num_rows if bound is None else _count(self.rows, self._key, bound)
        taken, self.rows = self.rows.slice(0, count), self.rows.slice(count)
        return taken


def _count(rows: pa.Table, key: Sequence[str], bound: Key) -> int:
    """Return how many of these rows, which ascend, have a key up to this one."""
    within: Any = pa.scalar(True)
    for name, value in zip(reversed(key), reversed(bound), strict=True):
        scalar = pa.scalar(value, rows[name].type)
        less, equal = pc.less(rows[name], scalar), pc.equal(rows[name], scalar)
        within = pc.or_(less, pc.and_(equal, within))
    return int(pc.sum(within).as_py() or 0)


def windows(streams: Sequence[Stream]) -> Iterator[list[pa.Table]]:
    """Yield the rows of every stream, window by window: a key that one has is in the same window of all.

    Raises:
        UnorderedError: The parts of a stream do not follow each other.
    """
    while True:
        for stream in streams:
            while stream.has_more and not stream.rows.num_rows:
                stream.load()
        if not any(stream.rows.num_rows for stream in streams):
            return
        # What lies above the last key of one that goes on may still come in it.
        bound = min((stream.last for stream in streams if stream.has_more and stream.last is not None), default=None)
        yield [stream.take(bound) for stream in streams]
