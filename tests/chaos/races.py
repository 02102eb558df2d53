"""Races: refreshes, rebuilds and maintenance of one lake at the same time, while readers read all tables in a loop."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

from lake import Lake
from lake.commit import commit_seqs, read_commit
from lake.errors import LakeError
from tests.chaos.checks import Point, check_left, check_overwritten, check_readers, content, state
from tests.chaos.choice import Choice
from tests.chaos.runner import Run
from tests.chaos.world import World, few, next_version
from tests.lake.assemble.lakeside import Documents, changed

READERS = 2

# Each is one race: the commands that start at the same moment.
RACES: dict[str, tuple[tuple[str, ...], ...]] = {
    "2 refreshes": (("refresh",),) * 2,
    "8 refreshes": (("refresh",),) * 8,
    "refresh and rebuild": (("refresh",), ("rebuild",)),
    "discover and refresh": (("discover",), ("refresh",)),
    "maintain against all": (
        ("maintain", "--expire-days", "30"),
        ("refresh",),
        ("rebuild",),
        ("discover",),
        ("maintain", "--expire-days", "30"),
    ),
}

# One that has lost three races in a row says so and ends.
BEATEN = "another writer created it first"


class Readers:
    """Threads that read all tables of a lake in a loop, always of one snapshot, and check what they see."""

    def __init__(self, world: World, prefix: str) -> None:
        self._store = world.store(prefix)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._loop, daemon=True) for _ in range(READERS)]
        self.reads = 0
        self.errors: list[str] = []
        # By the snapshot's name, because a snapshot never changes.
        self.seen: dict[str, dict[str, str]] = {}

    def __enter__(self) -> "Readers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                self._read()
            except (LakeError, OSError) as error:
                self.errors.append(f"{type(error).__name__}: {error}")

    def _read(self) -> None:
        lake = Lake(self._store).at()
        commit = lake.commit()
        for name, table in commit.tables.items():
            rows = len(lake.read(name))
            if rows != table.rows:
                self.errors.append(f"{commit.snapshot}: {name} has {rows} rows, not {table.rows}")
        if commit.snapshot not in self.seen:
            self.seen[commit.snapshot] = content(lake, commit)
        self.reads += 1


def run(world: World, choice: Choice) -> Iterator[Point | str]:
    """Run the races in turns until there is no time left, once each at least."""
    documents = few(world.is_real)
    names = [name for name in RACES if choice.only in name]
    template = world.prefix()
    for name, served in (("older", changed(documents, "type/1", name="older")), ("old", documents)):
        world.serve(name, served)
        world.done("refresh", template)
    rounds = reads = 0
    while (not rounds or world.seconds_left(60 * choice.minutes) > 60 * len(names) / 2) and rounds < choice.most:
        for name in names:
            point, whole = race(world, name, template, documents, rounds)
            reads += whole
            yield point
        rounds += 1
    for name in names:
        yield f"races {name}: {reads} whole reads in a world"


def race(world: World, name: str, template: str, documents: Documents, number: int) -> tuple[Point, int]:
    """Start the commands of a race at the same moment; return what became of the lake, and the reads meanwhile."""
    began = time.monotonic()
    prefix = world.copy(template)
    store = world.store(prefix)
    world.s3.reset()
    if "maintain" in name:
        world.s3.age(timedelta(days=100))
        time.sleep(1.1)
    before = state(store)
    # Every race has documents of its own, so that its new state is no other one's.
    new = changed(next_version(documents), "type/1", name=f"plain-{number}")
    world.serve(f"new-{name.replace(' ', '-')}-{number}", new)
    with Readers(world, prefix) as readers:
        runs: list[tuple[str, Run]] = [
            (verb, world.runner.start(*world.arguments(verb, prefix, *more))) for verb, *more in RACES[name]
        ]
        for _, run in runs:
            run.wait()
    point = Point(f"races {name}", f"{readers.reads} whole reads")
    for verb, run in runs:
        is_beaten = run.code == 1 and BEATEN in run.said
        point.expect(run.code == 0 or is_beaten, "lost", f"{verb} ended with code {run.code}: {run.said[-500:]}")
        point.expect("Traceback" not in run.said, "lost", f"{verb} said {run.said[-500:]}")
    for error in readers.errors[:5]:
        point.expect(False, "torn", error)
    world.done("refresh", prefix)
    after = state(store)
    commits = [read_commit(store, seq) for seq in commit_seqs(store)]
    parents = [commit.parent for commit in commits[1:]]
    point.expect(parents == [commit.snapshot for commit in commits[:-1]], "torn", "a commit is not its parent's child")
    allowed = [before, *(content(Lake(store), commit) for commit in commits)]
    strange = [snapshot for snapshot, seen in readers.seen.items() if seen not in allowed]
    point.expect(not strange, "torn", f"readers saw {strange}, which is in no commit")
    fresh = world.prefix()
    world.done("refresh", fresh)
    point.expect(after == state(world.store(fresh)), "lost", "the lake is not what a first refresh makes of its source")
    check_readers(point, store, after)
    check_overwritten(point, world.s3.log)
    check_left(point, world)
    point.seconds = time.monotonic() - began
    return point, readers.reads
