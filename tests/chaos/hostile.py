"""Hostile input: a table of odd documents, listings and roots, and what must become of each.

Each input stands beside a good change of another collection. That change must always be published: one odd thing never
stops the rest, and it never costs a good document.
"""

import time
from collections.abc import Iterator
from hashlib import sha256
from itertools import count

from hypothesis import HealthCheck, Phase, given, seed, settings

from lake import Lake
from lake.commit import Commit, head
from lake.store import Store
from tests.chaos.checks import Point, check_left, check_overwritten, check_readers, check_said, state
from tests.chaos.choice import Choice
from tests.chaos.inputs import INPUTS, NAMED, TAKEN, Input
from tests.chaos.mutations import Site, check, mutants
from tests.chaos.world import World, few
from tests.lake.assemble.lakeside import Documents, changed, versioned

MUTANTS = 200

# Of the time; the rest is left for mutated documents.
INPUTS_SHARE = 0.7


def run(world: World, choice: Choice) -> Iterator[Point | str]:
    """Serve each input once."""
    documents = few(world.is_real)
    template = world.prefix()
    world.serve("old", documents)
    world.done("refresh", template)
    for number, (_, item) in enumerate(choice.take({item.name: item for item in INPUTS})):
        if world.seconds_left(60 * choice.minutes * INPUTS_SHARE) > 0:
            yield meet(world, item, documents, template, number)
    yield f"hostile: of {len(INPUTS)} there are"
    if choice.only in "mutated":
        yield mutated(world, choice)


def mutated(world: World, choice: Choice) -> Point:
    """Try the law about mutated documents on many examples, which no other slice has."""
    began = time.monotonic()
    examples = MUTANTS // choice.slices if choice.points is None else choice.points
    site, tried = Site(world.store(world.prefix())), count()

    @seed(1000 * world.seed + choice.slice)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(mutant=mutants())
    def law(mutant: tuple[str, bytes]) -> None:
        if world.seconds_left(60 * choice.minutes) > 0:
            next(tried)
            check(site, *mutant)

    point = Point("mutated", "")
    try:
        law()
    # Whatever it is, it is a breach; hypothesis has found the smallest document that makes it.
    except Exception as error:
        point.expect(False, "lost", f"{type(error).__name__}: {error} {getattr(error, '__notes__', '')}"[:3000])
    point.name = f"{next(tried)} documents of {examples}"
    point.seconds = time.monotonic() - began
    return point


def meet(world: World, item: Input, documents: Documents, template: str, number: int) -> Point:
    """Serve one odd thing and one good change, refresh, and serve good things again."""
    began = time.monotonic()
    point = Point("hostile", item.name)
    prefix = world.copy(template)
    store = world.store(prefix)
    world.s3.reset()
    path = min(path for path in documents if path.startswith("berry/"))
    good = changed(versioned(changed(documents, "type/1", name=f"plain-{number}")), "meta", deploy_date=str(number))
    odd = item.change(good, path)
    served = {**good, **odd}
    world.serve(f"hostile-{number}", good)
    world.web.reset()
    world.web.answers = {f"/api/v2/{path}".rstrip("/"): absolute(world, body) for path, body in odd.items()}
    run = world.run("refresh", prefix)
    world.web.reset()
    check_said(point, run)
    point.expect(run.code == 0, "lost", f"it ended with {run.code}: {run.said[:600]}")
    longest = max(map(len, run.said.splitlines()), default=0)
    point.expect(longest < 5000, "lost", f"a message of {longest} characters")
    point.expect(
        "\x1b[31m" not in run.said and "\u202e" not in run.said, "torn", f"a terminal would obey {run.said!r:.400}"
    )
    check_readers(point, store, state(store))
    names = Lake(store).read("types").set_index("type_id")["name"]
    is_published = names[1] == f"plain-{number}"
    point.expect(is_published, "lost", f"the good change was not published: {run.said[:600]}")
    if is_published:
        check_document(point, world, store, item, served, path)
    world.serve(f"good-{number}", changed(good, "type/1", name=f"good-{number}"))
    again = world.run("refresh", prefix)
    point.expect(again.code == 0, "lost", f"the next run ended with {again.code}: {again.said[:400]}")
    held = bodies(store)
    missing = [path for path in documents if path not in held]
    point.expect(not missing, "lost", f"documents are gone: {missing[:3]}")
    check_overwritten(point, world.s3.log)
    check_left(point, world)
    point.seconds = time.monotonic() - began
    return point


def absolute(world: World, body: bytes) -> bytes:
    """Return a body with absolute URLs, as the replica would send it."""
    return body.replace(b'"/api/v2/', f'"{world.web_url}'.encode())


def bodies(store: Store) -> dict[str, str]:
    """Return the hash of each document of the current snapshot, by path."""
    rows = Lake(store).read("documents", columns=["path", "sha256"])
    return dict(rows.itertuples(index=False))


def check_document(point: Point, world: World, store: Store, item: Input, served: Documents, path: str) -> None:
    """The odd document is as it was served, or as it was before and named; all others are as they were served."""
    held = bodies(store)

    for other, body in served.items():
        if "/" in other and other != path:
            point.expect(
                held.get(other) == sha256(absolute(world, body)).hexdigest(), "torn", f"{other} is not what was served"
            )
    is_taken = held.get(path) == sha256(absolute(world, served[path])).hexdigest()
    point.expect(path in held, "lost", f"{path} is gone")
    if item.must != NAMED:
        point.expect(is_taken == (item.must == TAKEN), "torn", f"{path} must be {item.must}, and is not")
    commit = head(store)
    assert commit is not None
    point.expect(is_taken or is_named(commit, path), "lost", f"{path} was kept from before, and nothing says so")


def is_named(commit: Commit, path: str) -> bool:
    """Tell whether a commit names a document, or its collection, as one that could not be fetched."""
    resource = path.split("/")[0]
    named = {failure.path for failure in (*commit.stale, *commit.missing)}
    subjects = {entry["subject"] for entry in commit.audits}
    return path in named or resource in commit.source.refused or resource in subjects
