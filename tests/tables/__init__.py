"""Tests of the tables; each sample document lies in ``tests/samples`` beside the rows that it must become."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from lake.tables import Drift, build

SAMPLES = Path(__file__).parents[1] / "samples"

# The generations of the species that the sampled Pokémon belong to; Alolan Raichu's is not known.
GENERATIONS = {25: 1}

Document = dict[str, Any]
Rows = list[dict[str, Any]]


def sample(name: str) -> Document:
    """Return a sample document such as ``pokemon-25``, to be changed at will."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def bodies(*documents: Document | str) -> pa.StringArray:
    return pa.array([item if isinstance(item, str) else json.dumps(item) for item in documents], pa.string())


def tables(resource: str, *documents: Document | str) -> dict[str, Rows]:
    """Return the rows of every table that the documents fill."""
    built = build(resource, bodies(*documents), GENERATIONS)
    return {item.table.name: item.rows.to_pylist() for item in built}


def drifts(resource: str, *documents: Document | str) -> list[Drift]:
    """Return everything that was reported on the way."""
    return [drift for item in build(resource, bodies(*documents), GENERATIONS) for drift in item.drifts]
