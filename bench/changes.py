"""A refresh after 13 documents have changed upstream: what it asks of S3, and what it sends."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.archive import path_of
from bench.change import change
from bench.crawls import refresh
from bench.rows import Row
from bench.world import World


def changed(world: World, runs: int) -> Iterator[Row]:
    """Change the source, refresh the lake that a first crawl has filled, and change it back."""
    with TemporaryDirectory(prefix="pokelake-bench-") as folder:
        target = Path(folder, "changed.tar")
        documents = len(change(path_of(world.corpus), target))
        world.serve(str(target))
        world.s3_counts()
        ended = refresh(world, "all-0", "published")
        counts = world.s3_counts()
        world.serve(world.corpus)
    yield Row(f"{documents} documents changed: S3 requests", [counts.total], (), "at most", 450)
    for kind, count in sorted(counts.requests.items()):
        yield Row(f"  {kind}", [count])
    yield Row("  MB sent to S3", [counts.bytes_sent / 1e6], (), "at most", 3)
    yield Row("  the whole process, s", [ended.seconds])
