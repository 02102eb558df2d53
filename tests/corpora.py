"""The real corpora as batches of documents, opened once a session."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pyarrow as pa

from flows.local.replica import Corpus

ENCOUNTERS = "pokemon-encounters"


@cache
def opened(path: Path) -> Corpus:
    """Return the corpus at a path."""
    return Corpus.open(path)


def resources(corpus: Corpus) -> list[str]:
    """Return all resources of a corpus, `meta` and the encounters of Pokémon included."""
    return sorted({path.partition("/")[0] for path in corpus.paths() if path} | {ENCOUNTERS})


def documents_of(corpus: Corpus, resource: str) -> pa.Table:
    """Return ids and bodies of a resource's documents, in the order of their ids."""
    bodies = {id_: corpus.document(path).decode() for id_, path in sorted(_paths(corpus, resource))}
    return pa.table({"id": pa.array(bodies.keys(), pa.int64()), "body": pa.array(bodies.values(), pa.string())})


def _paths(corpus: Corpus, resource: str) -> Iterator[tuple[int, str]]:
    for path in corpus.paths():
        match path.split("/"):
            case [name] if name == resource:
                yield 0, path
            case [name, id_] if name == resource:
                yield int(id_), path
            case ["pokemon", id_, "encounters"] if resource == ENCOUNTERS:
                yield int(id_), path
