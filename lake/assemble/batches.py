"""A resource's documents in batches, parsed by threads while the batches before them are written."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import BoundedSemaphore

import pyarrow as pa

from lake import tables
from lake.documents import DocumentFile
from lake.schema import Table
from lake.tables import Built, Catalog
from lake.tables.inferred import Assumed

# Batches that are parsed while another one is written; each holds a row group of documents. Parsing takes several times
# its size in memory for a moment.
BATCHES_AHEAD = 2

# Batches that this process parses at the same time, whatever number of groups it builds. Arrow parses one with several
# threads.
PARSED_AT_ONCE = 2

_PARSING = BoundedSemaphore(PARSED_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Batch:
    """A row group of documents, parsed: the rows of every table, the paths that no table knows, and its own rows."""

    built: list[Built]
    unknown: Mapping[str, int]
    rows: int


def parsed_ahead(
    catalog: Catalog,
    resource: str,
    file: DocumentFile,
    filled: Sequence[Table],
    generations: Mapping[int, int],
    seeks_unknown: bool,
    bases: frozenset[str] | None,
    assumed: Assumed | None,
) -> Iterator[Batch]:
    """Yield a resource's documents batch by batch, parsed ahead by threads."""
    only = {table.name for table in filled}

    def parse(rows: pa.Table) -> Batch:
        with _PARSING:
            built = tables.build(catalog, resource, rows, generations, only, bases, assumed)
            bodies = rows["body"].combine_chunks() if seeks_unknown else pa.array([], pa.string())
            return Batch(built, tables.unknown_paths(catalog, resource, bodies), rows.num_rows)

    with ThreadPoolExecutor(BATCHES_AHEAD, thread_name_prefix="build") as pool:
        pending: list[Future[Batch]] = []
        for rows in file.row_groups():
            pending.append(pool.submit(parse, rows))
            if len(pending) > BATCHES_AHEAD:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()
