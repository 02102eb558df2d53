"""Weather of the source: every fault of the replica, and of a proxy before it, at 1, 10 and 100 % of the requests.

A run whose source fails may end as it must: published, partial, or refused by one paragraph. What it may not do is to
take long, ask much, need memory, publish a document that the source never had, or leave the next run less to do.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lake import Lake
from lake.store import Store
from tests.chaos.checks import Point, check_left, check_overwritten, check_readers, check_said, state
from tests.chaos.choice import Choice
from tests.chaos.proxy import KINDS, weather
from tests.chaos.world import World, few, next_version

SHARES = (0.01, 0.1, 1)

# Nobody listens on port 9 of loopback.
FAULTS: tuple[Mapping[str, Any], ...] = (
    {"kind": "latency", "seconds": 0.05},
    {"kind": "status", "status": 404},
    {"kind": "status", "status": 403},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "per_path_times": 1},
    {"kind": "status", "status": 429, "retry_after": "1", "per_path_times": 1},
    {"kind": "drop"},
    *({"kind": "truncated", "variant": variant} for variant in ("length", "chunked", "close", "gzip")),
    {"kind": "invalid_json"},
    {"kind": "html"},
    {"kind": "content_type"},
    {"kind": "reset"},
    {"kind": "reset", "keep": None},
    {"kind": "redirect", "location": "http://127.0.0.1:9/"},
    {"kind": "redirect", "location": "http://127.0.0.1:99999/"},
    {"kind": "huge", "bytes": 64 << 20},
    {"kind": "bomb", "bytes": 512 << 20},
    {"kind": "wrong_id"},
    {"kind": "listing_short"},
    {"kind": "listing_lie"},
    {"kind": "listing_shrunk"},
)

# Those after which a document may rightly be gone.
GONE = ("404", "drop", "listing_shrunk", "listing_lie")

# A listing that is short, and says so, is believed until the source has another version, or all is asked for anew.
BELIEVED = ("listing_shrunk",)

OPTIONS = ("--retry-delay-seconds", "0.05", "--connections", "4", "--parallel-shards", "2")

# What a run may take, beyond what it takes without a fault.
MORE_SECONDS, TIMES_REQUESTS, RESIDENT_MB = 120, 11, 700

# How fast the polite run may ask, and how many requests may come at once at its beginning.
RATE, CONNECTIONS, BURST = 10, 4, 10
PACES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "pace": [],
    "pace of one that is refused": [{"kind": "status", "status": 503, "share": 0.1, "per_path_times": 2}],
}


def run(world: World, choice: Choice) -> Iterator[Point | str]:
    """Let each fault meet a refresh, the rarer ones last; then read the pace of a polite one off the counters."""
    old = few(world.is_real)
    lakes = [world.prefix(), world.prefix()]
    for prefix, name, documents in zip(lakes, ("old", "new"), (old, next_version(old)), strict=True):
        world.serve(name, documents)
        world.done("refresh", prefix, *OPTIONS)
    known = bodies(*(world.store(prefix) for prefix in lakes))
    wanted = state(world.store(lakes[1]))
    clean = world.source.counters()["requests"]
    there = [(fault, share) for share in reversed(SHARES) for fault in (*FAULTS, *KINDS)]
    names = {label(fault, share): (fault, share) for fault, share in there}
    for called, (fault, share) in choice.take(names):
        if world.seconds_left(60 * choice.minutes) > 0:
            yield meet(world, called, fault, share, lakes[0], known, wanted, clean)
    yield f"source weather: of {len(names)} there are"
    for _, faults in choice.take(PACES):
        yield pace(world, lakes[0], faults)


def label(fault: Mapping[str, Any] | str, share: float) -> str:
    """Name one point."""
    text = f"proxy {fault}" if isinstance(fault, str) else " ".join(str(value) for value in fault.values())
    return f"{text}, {share:.0%}"


def bodies(*stores: Store) -> dict[str, set[str]]:
    """Return the hashes of all documents that these lakes have, by path."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for store in stores:
        for path, digest in Lake(store).read("documents", columns=["path", "sha256"]).itertuples(index=False):
            found[path].add(digest)
    return found


def meet(
    world: World,
    called: str,
    fault: Mapping[str, Any] | str,
    share: float,
    template: str,
    known: Mapping[str, set[str]],
    wanted: dict[str, str] | None,
    clean: int,
) -> Point:
    """Refresh once in the weather, and once after it."""
    began = time.monotonic()
    point = Point("source weather", called)
    prefix = world.copy(template)
    store = world.store(prefix)
    world.s3.reset()
    world.source.reset()
    if isinstance(fault, str):
        world.web.meddle = weather(fault, share)
        run = world.run("refresh", prefix, *OPTIONS)
        world.web.reset()
    else:
        world.source.faults([{**fault, "share": share}])
        run = world.run("refresh", prefix, *OPTIONS)
        world.source.faults([])
    took = time.monotonic() - began
    requests = world.source.counters()["requests"]
    check_said(point, run)
    point.expect(took < MORE_SECONDS, "lost", f"it took {took:.0f} s")
    point.expect(requests <= TIMES_REQUESTS * clean, "lost", f"{requests} requests, {clean} without a fault")
    point.expect(run.resident_mb < RESIDENT_MB, "lost", f"it took {run.resident_mb} MB")
    check_readers(point, store, state(store))
    held = bodies(store)
    strange = [path for path, found in held.items() if not found <= known.get(path, set())]
    point.expect(not strange, "torn", f"documents that the source never had: {strange[:3]}")
    lost = [path for path in bodies(world.store(template)) if path not in held]
    point.expect(not lost or any(word in called for word in GONE), "lost", f"documents are gone: {lost[:3]}")
    is_believed = any(word in called for word in BELIEVED)
    again = world.run("refresh", prefix, *OPTIONS, *(["--force"] if is_believed else []))
    point.expect(again.code == 0, "lost", f"the next run ended with code {again.code}: {again.said[-500:]}")
    check_readers(point, store, wanted)
    check_overwritten(point, world.s3.log)
    check_left(point, world)
    point.seconds = time.monotonic() - began
    return point


def pace(world: World, template: str, faults: Sequence[Mapping[str, Any]]) -> Point:
    """Refresh at the pace of the real source, and read off the replica's counters that it was kept."""
    began = time.monotonic()
    point = Point("source pace", f"{RATE} a second, faults {list(faults)}")
    prefix = world.copy(template)
    world.source.reset()
    world.source.faults(faults)
    polite = ("--requests-per-second", str(RATE), "--connections", str(CONNECTIONS), "--user-agent", "chaos (nobody)")
    world.done("refresh", prefix, *polite)
    took = time.monotonic() - began
    counters = world.source.counters()
    world.source.faults([])
    most = BURST + RATE * took
    point.expect(counters["requests"] <= most, "lost", f"{counters['requests']} requests in {took:.1f} s")
    point.expect(counters["peak_concurrency"] <= CONNECTIONS, "lost", f"{counters['peak_concurrency']} at once")
    point.expect(counters["user_agents"] == ["chaos (nobody)"], "lost", f"agents {counters['user_agents']}")
    point.seconds = time.monotonic() - began
    return point
