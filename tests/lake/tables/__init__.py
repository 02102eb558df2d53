"""Tests of the tables; each sample document lies in ``tests/samples`` beside the rows that it must become."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from lake.tables import POKEAPI, TABLES, Drift, build, catalog_of, fingerprint
from lake.tables.installed import installed_tables
from lake.tables.wrap import WRAPPED

CATALOG = catalog_of(POKEAPI)

SAMPLES = Path(__file__).parents[2] / "samples"

# Each is named after its resource and its id.
NAMES = sorted(path.stem for path in SAMPLES.glob("*.json") if not path.stem.endswith(".rows"))
RESOURCES = sorted({resource for table in TABLES for resource in table.resources})

# The generations of the species that the sampled Pokémon belong to; Alolan Raichu's is not known.
GENERATIONS = {25: 1}

Document = dict[str, Any]
Rows = list[dict[str, Any]]


def sample(name: str) -> Document:
    """Return a sample document such as ``pokemon-25``, to be changed at will."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def resource_of(name: str) -> str:
    """Return the resource that a sample is of."""
    return name.rpartition("-")[0]


def bodies(*documents: Document | str) -> pa.StringArray:
    return pa.array([item if isinstance(item, str) else json.dumps(item) for item in documents], pa.string())


def received(resource: str, *documents: Document | str) -> pa.Table:
    """Return documents as they are received: without the wrapping in which samples of some resources stand."""
    ids = [25 if isinstance(item, str) else item["id"] for item in documents]
    inner = [
        item if isinstance(item, str) or resource not in WRAPPED else item[WRAPPED[resource]] for item in documents
    ]
    return pa.table({"id": pa.array(ids, pa.int64()), "body": bodies(*inner)})


def filled(resource: str, *documents: Document | str) -> tuple[dict[str, Rows], list[Drift]]:
    """Return the rows of every table that the documents fill, and everything that was reported on the way."""
    built = build(CATALOG, resource, received(resource, *documents), GENERATIONS)
    rows = {item.table.name: item.rows.to_pylist() for item in built}
    return rows, [drift for item in built for drift in item.drifts]


def tables(resource: str, *documents: Document | str) -> dict[str, Rows]:
    """Return the rows of every table that the documents fill."""
    return filled(resource, *documents)[0]


def drifts(resource: str, *documents: Document | str) -> list[Drift]:
    """Return everything that was reported on the way."""
    return filled(resource, *documents)[1]


@cache
def tables_of_sample(name: str) -> dict[str, Rows]:
    """Return the rows of every table that a sample fills; all who ask share them, and none may change them."""
    return tables(resource_of(name), sample(name))


def forget_installed() -> None:
    """Forget which packages declare tables, because those of a process do not change but in tests."""
    for found in (installed_tables, catalog_of, fingerprint):
        found.cache_clear()
