"""Doing units of work as another machine would, with nothing but JSON between here and there."""

from collections.abc import Iterator, Sequence

import msgspec

from lake.assemble.units import Result, Unit, do
from lake.store import Store


def by_post(store: Store, units: Sequence[Unit]) -> Iterator[Result]:
    """Do units from the last to the first, each of them twice."""
    for unit in reversed(units):
        sent = msgspec.json.encode(unit)
        assert len(sent) < 20_000
        for _ in range(2):
            result = msgspec.json.encode(do(store.at(store.uri(), store._s3), msgspec.json.decode(sent, type=Unit)))
        yield msgspec.json.decode(result, type=Result)
