"""The peak memory of a first crawl whose corpus has ten times as many Pokémon, beside that of the corpus itself."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.archive import path_of
from bench.crawls import refresh
from bench.grow import grow
from bench.rows import Row
from bench.world import World

TIMES = 10


def grown(world: World, runs: int) -> Iterator[Row]:
    """Crawl the corpus and the grown one into new lakes."""
    small = refresh(world, "grown-1", "published")
    with TemporaryDirectory(prefix="pokelake-bench-") as folder:
        target = Path(folder, "grown.tar")
        documents = grow(path_of(world.corpus), target, TIMES)
        world.serve(str(target))
        large = refresh(world, f"grown-{TIMES}", "published")
        world.serve(world.corpus)
    yield Row(f"peak memory, {documents:,} documents, MB", [large.peak_mb], [small.peak_mb], "times", 1.1)
    yield Row("  the whole process, s", [large.seconds], [small.seconds])
