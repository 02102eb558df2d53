"""Weather of S3: every fault of the proxy at 1, 10 and 100 % of the requests, for runs and for readers.

What fails now and then is asked for again; what fails always ends in its time and in one paragraph.
"""

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import boto3

from lake import Lake
from lake.errors import LakeError
from lake.store import CLIENT_CONFIG, Store
from tests.chaos.checks import Point, check_left, check_overwritten, check_readers, check_said, state
from tests.chaos.choice import Choice
from tests.chaos.proxy import KINDS, Meddler, Seen, weather
from tests.chaos.world import BUCKET, World, few, next_version

SHARES = (0.01, 0.1, 1)

# A repetition of what 401 answered would be refused as well.
FINAL = ("401",)
READS = 3

# What a run may take: five tries of each request, and what it takes without a fault.
SECONDS, TIMES_REQUESTS, RESIDENT_MB = 150, 5, 700


def run(world: World, choice: Choice) -> Iterator[Point | str]:
    """Let each fault meet a refresh, then readers."""
    old = few(world.is_real)
    template, clean = world.prefix(), world.prefix()
    world.serve("old", old)
    world.done("refresh", template)
    world.serve("new", next_version(old))
    world.s3.reset()
    world.done("refresh", clean)
    wanted, requests = state(world.store(clean)), len(world.s3.log)
    there = {f"{kind}, {share:.0%}": (kind, share) for share in SHARES for kind in KINDS}
    for _, (kind, share) in choice.take(there):
        if world.seconds_left(60 * choice.minutes) > 0:
            yield of_run(world, kind, share, template, wanted, requests)
            yield of_readers(world, kind, share, clean)
    for part in ("s3 runs", "s3 readers"):
        yield f"{part}: of {len(there)} there are"


def on_objects(meddle: Meddler) -> Meddler:
    """Flip bits of objects alone, because only these have a checksum: HTTP protects no listing from it."""

    def only_objects(seen: Seen, moment: str) -> str | None:
        parts = urlsplit(seen.target)
        is_object = seen.method == "GET" and parts.path.count("/") > 1 and "list-type" not in parts.query
        return meddle(seen, moment) if is_object else None

    return only_objects


def set_weather(world: World, kind: str, share: float) -> None:
    """Let the proxy before S3 begin anew, in this weather."""
    world.s3.reset()
    meddle = weather(kind, share, world.seed)
    world.s3.meddle = on_objects(meddle) if kind == "flip" else meddle


def must_succeed(kind: str, share: float) -> bool:
    """Tell whether what meets this fault must succeed all the same."""
    return kind == "slow" or (share < 1 and kind not in FINAL and not (kind == "flip" and share > 0.01))


def of_run(world: World, kind: str, share: float, template: str, wanted: dict[str, str] | None, requests: int) -> Point:
    """Refresh once in the weather, and once after it."""
    began = time.monotonic()
    point = Point("s3 runs", f"{kind}, {share:.0%}")
    prefix = world.copy(template)
    store = world.store(prefix)
    before = state(store)
    set_weather(world, kind, share)
    run = world.run("refresh", prefix)
    took, log = time.monotonic() - began, list(world.s3.log)
    world.s3.reset()
    check_said(point, run)
    point.expect(run.code == 0 or not must_succeed(kind, share), "lost", f"it ended with {run.code}: {run.said[-400:]}")
    point.expect(took < SECONDS, "lost", f"it took {took:.0f} s")
    point.expect(len(log) <= TIMES_REQUESTS * requests, "lost", f"{len(log)} requests, {requests} without a fault")
    point.expect(run.resident_mb < RESIDENT_MB, "lost", f"it took {run.resident_mb} MB")
    check_readers(point, store, before, wanted)
    again = world.run("refresh", prefix)
    point.expect(again.code == 0, "lost", f"the next run ended with code {again.code}: {again.said[-500:]}")
    check_readers(point, store, wanted)
    check_overwritten(point, [*log, *world.s3.log])
    check_left(point, world)
    point.seconds = time.monotonic() - began
    return point


def of_readers(world: World, kind: str, share: float, prefix: str) -> Point:
    """Read all tables in the weather, a few times in each way; whoever gets an answer gets the right one."""
    began = time.monotonic()
    point = Point("s3 readers", f"{kind}, {share:.0%}")
    rows = {name: table.rows for name, table in Lake(world.store(prefix)).commit().tables.items()}
    client = boto3.client("s3", endpoint_url=world.s3_url, config=CLIENT_CONFIG)
    set_weather(world, kind, share)
    for number in range(READS if share < 1 else 1):
        for way, read in (("read", by_read), ("sql", by_sql), ("dataset", by_dataset)):
            started = time.monotonic()
            try:
                seen = read(Lake(Store(BUCKET, prefix, client)), rows)
                point.expect(seen == rows, "torn", f"{way} {number}: rows {seen}, not {rows}")
            except (LakeError, OSError) as error:
                text = f"{way} {number}: {type(error).__name__}: {str(error)[:300]}"
                point.expect(not must_succeed(kind, share), "lost", text)
            took = time.monotonic() - started
            point.expect(took < SECONDS, "lost", f"{way} {number} took {took:.0f} s")
    world.s3.reset()
    point.seconds = time.monotonic() - began
    return point


def by_read(lake: Lake, rows: dict[str, int]) -> dict[str, int]:
    """Count rows by `Lake.read`."""
    return {name: len(lake.read(name)) for name in rows}


def by_sql(lake: Lake, rows: dict[str, int]) -> dict[str, int]:
    """Count rows by `Lake.sql`, of a column of each table, so that pages are read."""
    return {name: int(lake.sql(f"select count(*) as n from (select * from {name})")["n"][0]) for name in rows}


def by_dataset(lake: Lake, rows: dict[str, int]) -> dict[str, int]:
    """Count rows by `Lake.dataset`."""
    return {name: lake.dataset(name).to_table().num_rows for name in rows}
