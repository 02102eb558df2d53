"""Kills before and after every S3 operation of a flow, by SIGKILL of its process group."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from lake.commit import commit_seqs
from lake.layout import snapshot_folder
from lake.publish.garbage import GRACE
from tests.chaos.checks import Point, check_left, check_overwritten, check_readers, state
from tests.chaos.choice import Choice, evenly
from tests.chaos.proxy import Seen, no_fault
from tests.chaos.runner import Run
from tests.chaos.world import World, few, next_version
from tests.lake import keys, snapshots_of
from tests.waiting import until

LONG = timedelta(days=100)


@dataclass(frozen=True)
class Story:
    """One command, and how its lake and its source are made ready."""

    name: str
    verb: str
    prepare: Callable[[World, str], None]
    serve: str = "new"
    options: tuple[str, ...] = ()
    is_aged: bool = False


def nothing(world: World, prefix: str) -> None:
    """Leave the lake empty."""


def old(world: World, prefix: str) -> None:
    """Publish the old documents."""
    serve(world, "old")
    world.done("refresh", prefix)


def other_code(world: World, prefix: str) -> None:
    """Publish the new documents as another version of the code builds them."""
    serve(world, "new")
    world.done("refresh", prefix, marked="types")


def littered(world: World, prefix: str) -> None:
    """Publish three snapshots, and leave a fourth without a commit, and a crawl without a run."""
    old(world, prefix)
    serve(world, "new")
    world.done("refresh", prefix)
    serve(world, "old")
    world.done("refresh", prefix, "--allow-shrink", "berry", "--allow-shrink", "berries")
    store = world.store(prefix)
    for key in (f"{snapshot_folder('20260101T000000Z-1f3a9c02')}types/part-0.parquet", "staging/0123456789abcdef/x-0"):
        store.create(key, b"left")


STORIES = (
    Story("first", "refresh", nothing),
    Story("update", "refresh", old),
    Story("discover", "discover", old),
    Story("rebuild", "rebuild", other_code),
    Story("maintain", "maintain", littered, "old", ("--expire-days", "30"), is_aged=True),
)


class KillAt:
    """Kills a run before or after its n-th request; nothing of it comes through afterwards."""

    def __init__(self, number: int, moment: str) -> None:
        self._number, self._moment = number, moment
        self.run: Run | None = None
        self.is_dead = False

    def __call__(self, seen: Seen, moment: str) -> str | None:
        """Meddle, as a proxy asks."""
        if self.is_dead and moment == "before":
            return "killed"
        if (seen.number, moment) != (self._number, self._moment):
            return None
        until(lambda: self.run, every=0.001)
        assert self.run is not None
        self.is_dead = True
        self.run.kill()
        return "killed"


def serve(world: World, name: str) -> None:
    """Serve the old documents or the new ones."""
    documents = few(world.is_real)
    world.serve(name, documents if name == "old" else next_version(documents))


def run(world: World, choice: Choice) -> Iterator[Point | str]:
    """Kill each story at points that lie evenly, as many as there is time for; yield them, and how many there are."""
    stories = [story for story in STORIES if choice.only in story.name]
    for number, story in enumerate(stories):
        left = world.seconds_left(60 * choice.minutes) / (len(stories) - number)
        yield from of_story(world, story, choice, time.monotonic() + left)


def of_story(world: World, story: Story, choice: Choice, until: float) -> Iterator[Point | str]:
    """Kill one story."""
    template = world.prefix()
    story.prepare(world, template)
    serve(world, story.serve)
    before = state(world.store(template))
    clean = world.copy(template)
    ready(world, story)
    world.done(story.verb, clean, *story.options)
    after, requests = state(world.store(clean)), len(world.s3.log)
    # In this order every slice has points of both moments.
    there = [(number, moment) for moment in ("before", "after") for number in range(1, requests + 1)]
    names = {
        f"{story.name} {moment} request {number}": (number, moment) for number, moment in evenly(there, world.seed)
    }
    for _, (number, moment) in choice.take(names):
        if time.monotonic() > until:
            break
        yield kill(world, story, template, number, moment, before, after)
    yield f"kills {story.name}: of {len(there)} there are"


def ready(world: World, story: Story) -> None:
    """Let the proxies begin anew, and S3 be old where the story wants it."""
    world.s3.reset()
    if story.is_aged:
        world.s3.age(LONG)
        # The clock of S3's listings has seconds.
        time.sleep(1.1)


def kill(
    world: World,
    story: Story,
    template: str,
    number: int,
    moment: str,
    before: dict[str, str] | None,
    after: dict[str, str] | None,
) -> Point:
    """Kill a story once, and look at what is left of it."""
    began = time.monotonic()
    point = Point(f"kills {story.name}", f"{moment} request {number}")
    prefix = world.copy(template)
    store = world.store(prefix)
    ready(world, story)
    world.s3.meddle = killer = KillAt(number, moment)
    killer.run = world.runner.start(*world.arguments(story.verb, prefix, *story.options))
    killer.run.wait()
    world.s3.settle()
    check_readers(point, store, before, after)
    check_left(point, world)
    log = list(world.s3.log)
    world.s3.meddle = no_fault
    again = world.run(story.verb, prefix, *story.options)
    point.expect(again.code == 0, "lost", f"the next run ended with code {again.code}: {again.said[-500:]}")
    check_readers(point, store, after)
    check_overwritten(point, log + world.s3.log[len(log) :])
    check_left(point, world)
    if story.is_aged:
        check_garbage(point, world, prefix)
    point.seconds = time.monotonic() - began
    return point


def check_garbage(point: Point, world: World, prefix: str) -> None:
    """After two grace periods only the current snapshot is left."""
    for _ in range(2):
        world.s3.age(LONG)
        time.sleep(1.1)
        world.done("maintain", prefix, "--expire-days", "30", "--grace-hours", str(GRACE // timedelta(hours=1)))
    store = world.store(prefix)
    point.expect(len(commit_seqs(store)) == 1, "lost", f"commits left: {commit_seqs(store)}")
    folders = snapshots_of(keys(store))
    point.expect(len(folders) == 1, "left", f"snapshots left: {folders}")
    staged = [item.key for item in store.list("staging/")]
    point.expect(not staged, "left", f"staged documents left: {staged[:3]}")
