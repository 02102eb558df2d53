"""Broken bodies of S3: 50 seeds, in each of which a refresh and readers meet 1 % of flips and 10 % of cuts.

Each of them must succeed, and see or publish what it would have without them.
"""

import time
from collections.abc import Iterator

import boto3

from lake import Lake
from lake.errors import LakeError
from lake.store import CLIENT_CONFIG, Store
from tests.chaos.checks import Point, check_left, check_overwritten, check_readers, check_said, state
from tests.chaos.choice import Choice
from tests.chaos.proxy import Meddler, Seen, weather
from tests.chaos.s3_weather import by_dataset, by_read, by_sql, on_objects
from tests.chaos.world import BUCKET, World, few, next_version

SEEDS = 50
FLIPS, CUTS = 0.01, 0.1


def run(world: World, choice: Choice) -> Iterator[Point | str]:
    """Let each seed spoil a refresh, then readers of what it published."""
    old = few(world.is_real)
    template, clean = world.prefix(), world.prefix()
    world.serve("old", old)
    world.done("refresh", template)
    world.serve("new", next_version(old))
    world.done("refresh", clean)
    wanted = state(world.store(clean))
    there = {f"seed {seed}": seed for seed in range(world.seed, world.seed + SEEDS)}
    for _, seed in choice.take(there):
        if world.seconds_left(60 * choice.minutes) > 0:
            prefix = world.copy(template)
            yield of_run(world, seed, prefix, wanted)
            yield of_readers(world, seed, prefix)
    for part in ("s3 bodies, runs", "s3 bodies, readers"):
        yield f"{part}: of {SEEDS} there are"


def spoilt_bodies(seed: int) -> Meddler:
    """Flip a bit of some objects, and cut some of all answers."""
    flips, cuts = on_objects(weather("flip", FLIPS, seed)), weather("cut", CUTS, seed)

    def meddle(seen: Seen, moment: str) -> str | None:
        return flips(seen, moment) or cuts(seen, moment)

    return meddle


def of_run(world: World, seed: int, prefix: str, wanted: dict[str, str] | None) -> Point:
    """Refresh a lake."""
    began = time.monotonic()
    point = Point("s3 bodies, runs", f"seed {seed}")
    world.s3.reset()
    world.s3.meddle = spoilt_bodies(seed)
    refresh = world.run("refresh", prefix)
    log = list(world.s3.log)
    world.s3.reset()
    check_said(point, refresh)
    point.expect(refresh.code == 0, "lost", f"it ended with {refresh.code}: {refresh.said[-600:]}")
    check_readers(point, world.store(prefix), wanted)
    check_overwritten(point, log)
    check_left(point, world)
    point.seconds = time.monotonic() - began
    return point


def of_readers(world: World, seed: int, prefix: str) -> Point:
    """Read all tables in each way."""
    began = time.monotonic()
    point = Point("s3 bodies, readers", f"seed {seed}")
    rows = {name: table.rows for name, table in Lake(world.store(prefix)).commit().tables.items()}
    client = boto3.client("s3", endpoint_url=world.s3_url, config=CLIENT_CONFIG)
    world.s3.reset()
    world.s3.meddle = spoilt_bodies(seed)
    for way, read in (("read", by_read), ("sql", by_sql), ("dataset", by_dataset)):
        try:
            seen = read(Lake(Store(BUCKET, prefix, client)), rows)
            wrong = {name: count for name, count in seen.items() if count != rows[name]}
            point.expect(not wrong, "torn", f"{way}: found {wrong} rows")
        except (LakeError, OSError) as error:
            point.expect(False, "lost", f"{way}: {type(error).__name__}: {' '.join(str(error).split())[:400]}")
        except Exception as error:
            point.expect(False, "torn", f"{way}: {type(error).__name__}: {' '.join(str(error).split())[:400]}")
    world.s3.reset()
    point.seconds = time.monotonic() - began
    return point
