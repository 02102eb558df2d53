"""``python -P bench/in_dlt.py extract FOLDER FILE``, then ``load FOLDER``: documents in dlt, by the Python that has it.

What `load` does, normalizing and loading, is measured: typed tables with child tables, as Parquet in a folder. A folder
is the fastest destination, because nothing listens in between. The settings are those of dlt's documentation on speed,
and the best of what was tried on two cores: one, two and three processes that normalize, files of an eighth of the
documents for them, and buffers of 1,000, 5,000, 20,000 and 50,000 rows; those of 5,000 are dlt's own.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from itertools import islice

PAGE = FILE_MAX_ITEMS = 12_500

SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "SOURCES__DATA_WRITER__FILE_MAX_ITEMS": str(FILE_MAX_ITEMS),
    "SOURCES__DATA_WRITER__DISABLE_COMPRESSION": "true",
    "NORMALIZE__WORKERS": str(os.cpu_count()),
}


def main(act: str, folder: str, *file: str) -> None:
    """Extract, or normalize and load; print the seconds of that, and the rows of each table, as JSON."""
    os.environ.update(SETTINGS)
    import dlt
    import pyarrow.parquet  # noqa: F401, because dlt loads it when it first needs it
    from dlt.destinations import filesystem

    pipeline = dlt.pipeline(
        "bench", f"{folder}/state", destination=filesystem(bucket_url=f"{folder}/loaded"), dataset_name="bench"
    )
    started, before = time.perf_counter(), _cpu()
    if act == "extract":
        pipeline.extract(dlt.resource(_pages(*file), name="orders"), loader_file_format="parquet")
        rows: dict[str, int] = {}
    else:
        normalized = pipeline.normalize()
        pipeline.load()
        rows = {name: count for name, count in normalized.row_counts.items() if not name.startswith("_dlt")}
    print(json.dumps({"seconds": time.perf_counter() - started, "cpu": _cpu() - before, "rows": rows}))


def _cpu() -> float:
    """Return the seconds of CPU of this process and of those that it has started and that have ended."""
    return sum(os.times()[:4])


def _pages(file: str) -> Iterator[list[object]]:
    import orjson

    with open(file, "rb") as lines:
        while page := list(islice(lines, PAGE)):
            yield [orjson.loads(line) for line in page]


if __name__ == "__main__":
    main(*sys.argv[1:])
