"""Kills of a crawl at random moments, by SIGKILL, SIGTERM and SIGINT; the requests to the source are counted."""

import random
import signal
import time
from collections.abc import Iterator

from tests.chaos.checks import Point, check_left, check_overwritten, check_readers, state
from tests.chaos.choice import Choice
from tests.chaos.world import World, few
from tests.lake.assemble.lakeside import Documents
from tests.waiting import until

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

# Cut into eight tasks; a kill loses those under way, no others.
CRAWLED = ("berry", "egg-group", "evolution-chain", "generation", "move", "nature", "stat", "type")
DOCUMENTS_EACH = 30

# So that a crawl takes a few seconds.
LATENCY = [{"kind": "latency", "seconds": 0.02}]
SHARDS, CONNECTIONS = 2, 4

# A run that is told to end lets its child end, and says how it ended to Prefect.
END_SECONDS = 30


def run(world: World, choice: Choice) -> Iterator[Point | str]:
    """Kill crawls by one signal after the other, until there is no time left."""
    documents = some_of_each(few(world.is_real, *CRAWLED))
    random_ = random.Random(f"{world.seed} {choice.slice}")
    world.serve("crawled", documents)
    world.source.faults(LATENCY)
    whole = world.prefix()
    begin_anew(world)
    world.done("refresh", whole, *options())
    steps, wanted = seen(world), state(world.store(whole))
    requests = world.source.counters()["requests"]
    signals = [how for how in SIGNALS if choice.only in how.name]
    for done in range(choice.most):
        if world.seconds_left(60 * choice.minutes) > 0:
            yield kill(world, signals[done % len(signals)], random_.randrange(1, steps), wanted, requests)


def options() -> tuple[str, ...]:
    return ("--parallel-shards", str(SHARDS), "--connections", str(CONNECTIONS), "--retry-delay-seconds", "0.05")


def some_of_each(documents: Documents) -> Documents:
    """Return the first few documents of each resource."""
    paths = sorted(documents)
    numbers = {
        path: sum(other.split("/")[0] == path.split("/")[0] for other in paths[:at]) for at, path in enumerate(paths)
    }
    return {path: body for path, body in documents.items() if numbers[path] < DOCUMENTS_EACH}


def begin_anew(world: World) -> None:
    """Let all that counts requests begin at zero."""
    world.s3.reset()
    world.web.reset()
    world.source.reset()


def seen(world: World) -> int:
    """Return how many requests to S3 and to the source there were, which is how far a crawl has come."""
    return len(world.s3.log) + len(world.web.log)


def kill(world: World, how: signal.Signals, after: int, wanted: dict[str, str] | None, requests: int) -> Point:
    """Kill one crawl after so many requests, and run it again."""
    began = time.monotonic()
    prefix = world.prefix()
    store = world.store(prefix)
    begin_anew(world)
    first = world.runner.start(*world.arguments("refresh", prefix, *options()))
    until(lambda: seen(world) >= after or first.code is not None, every=0.002)
    told = time.monotonic()
    first.kill(how)
    code = first.wait()
    took = time.monotonic() - told
    point = Point(f"crawls {how.name}", f"after request {after}, code {code}, {took:.1f} s to end")
    point.expect(took < END_SECONDS, "lost", f"it took {took:.0f} s to end")
    point.expect("Traceback" not in first.said, "lost", f"it said {first.said[-400:]}")
    world.s3.settle()
    until(lambda: world.source.counters()["in_flight"] == 0, every=0.05)
    check_readers(point, store, None, wanted)
    check_left(point, world)
    asked = world.source.counters()["by_path"]
    again = world.run("refresh", prefix, *options())
    point.expect(again.code == 0, "lost", f"the next run ended with code {again.code}: {again.said[-500:]}")
    check_readers(point, store, wanted)
    check_overwritten(point, world.s3.log)
    check_left(point, world)
    by_path = world.source.counters()["by_path"]
    twice = [path for path, counts in by_path.items() if path in asked and sum(counts.values()) > 1]
    documents = [path for path in twice if "/" in path]
    shards = {path.split("/")[0] for path in documents}
    at_once = 2 * SHARDS
    point.expect(len(shards) <= at_once, "lost", f"documents of {len(shards)} shards were asked for twice")
    total = world.source.counters()["requests"]
    point.expect(total <= 2 * requests, "lost", f"{total} requests, {requests} without a kill")
    point.name += f", {total} requests of {requests}, {len(documents)} documents twice"
    point.seconds = time.monotonic() - began
    return point
