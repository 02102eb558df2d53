"""Cold reading: what the first question of a new process costs, in seconds and in requests to S3."""

from collections.abc import Iterator

from bench.measure import python
from bench.rows import Row
from bench.world import BUCKET, World

IMPORT = "from lake import Lake"

# A question, and how many requests it may make, and files of tables it may read.
QUESTIONS = {
    "read of one generation": ("lake.read('pokemon', filters=[('generation', '==', 1)])", 5, 1),
    "lake.tables()": ("lake.tables()", 2, 0),
    "sql over two tables": (
        "lake.sql('select name, count(*) n from pokemon join pokemon_moves using (pokemon_id) group by 1')",
        None,
        None,
    ),
}


def cold_reading(world: World, runs: int) -> Iterator[Row]:
    """Ask the lake that a first crawl has filled, each time in a new process."""
    yield Row(
        "from lake import Lake, s of CPU", [python("-c", IMPORT).cpu for _ in range(2 * runs)], (), "at most", 0.5
    )
    for name, (question, requests, files) in QUESTIONS.items():
        code = f"{IMPORT}; lake = Lake('s3://{BUCKET}/all-0'); found = {question}; assert len(found)"
        world.s3_counts()
        seconds = [python("-c", code).seconds for _ in range(runs)]
        counts = world.s3_counts()
        yield Row(f"cold {name}, s", seconds)
        yield Row("  S3 requests", [counts.total / runs], (), "at most", requests)
        yield Row("  files of tables read", [counts.files_read], (), "at most", files)
