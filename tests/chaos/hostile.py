"""Hostile input: a table of odd documents, listings and roots, and what must become of each.

Each input stands beside a good change of another collection. That change must always be published: one odd thing never
stops the rest, and it never costs a good document.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from lake import Lake
from lake.commit import Commit, head
from lake.store import Store
from tests.chaos.checks import Point, check_left, check_overwritten, check_readers, check_said, state
from tests.chaos.mutations import Site, check, mutants
from tests.chaos.world import World, few
from tests.lake.assemble.lakeside import Documents, changed, versioned

MINUTES = 14
MUTANTS = 200

DEEP = b"[" * 100_000 + b"]" * 100_000
HUGE = "x" * 1_000_000
TERMINAL = "[/] [bold]x[/bold] [link=http://a] :fire: \x1b[31m \x0c \u202e \u0000"

TAKEN, KEPT, NAMED = "taken", "kept", "taken or kept"

# Takes what is served, and the path of a document; returns what is served otherwise, by path.
Change = Callable[[Documents, str], Documents]


@dataclass(frozen=True)
class Input:
    """One odd thing: what is served in the place of a document, and what must become of that.

    A document is taken as it is served; or it keeps its last good version, and is named in the commit.
    """

    name: str
    change: Change
    must: str = NAMED


def _raw(change: Callable[[bytes], bytes]) -> Change:
    return lambda documents, path: {path: change(documents[path])}


def _with(text: str) -> Change:
    """Put more members at the end of a document, as text."""
    return _raw(lambda body: body.rstrip()[:-1] + b"," + text.encode() + b"}")


def _members(**members: Any) -> Change:
    return _raw(lambda body: json.dumps({**json.loads(body), **members}).encode())


def _listing(change: Callable[[dict[str, Any]], Any]) -> Change:
    """Change the listing of a document's collection."""

    def apply(documents: Documents, path: str) -> Documents:
        resource = path.split("/")[0]
        paths = sorted(path for path in documents if path.startswith(f"{resource}/"))
        results: list[dict[str, Any]] = [{"name": path, "url": f"/api/v2/{path}/"} for path in paths]
        page: dict[str, Any] = {"count": len(results), "next": None, "previous": None, "results": results}
        change(page)
        return {resource: json.dumps(page).encode()}

    return apply


def _root(**members: Any) -> Change:
    def apply(documents: Documents, path: str) -> Documents:
        root = {name: f"/api/v2/{name}/" for name in sorted({path.split("/")[0] for path in documents})}
        return {"": json.dumps({**root, **members}).encode()}

    return apply


INPUTS = (
    Input("nothing odd", lambda documents, path: {}, TAKEN),
    Input("no bytes", _raw(lambda body: b""), KEPT),
    Input("half a document", _raw(lambda body: body[: len(body) // 2]), KEPT),
    Input("two documents", _raw(lambda body: body + body), KEPT),
    Input("an array", _raw(lambda body: b"[" + body + b"]"), KEPT),
    Input("a page of HTML", _raw(lambda body: b"<!DOCTYPE html><html></html>"), KEPT),
    Input("bytes that are not UTF-8", _raw(lambda body: body.rstrip()[:-1] + b',"odd":"\xff"}'), KEPT),
    Input("nested 100,000 deep", _raw(lambda body: body.rstrip()[:-1] + b',"odd":' + DEEP + b"}"), KEPT),
    Input("NaN", _with('"odd": NaN'), KEPT),
    Input("1e400 in an unknown member", _with('"odd": 1e400')),
    Input("an integer of 400 digits", _with(f'"odd": {"9" * 400}')),
    Input("half a surrogate pair", _with('"odd": "\\ud800"')),
    Input("an unknown member", _with('"odd": {"a": [1, null, "x"]}'), TAKEN),
    Input("a member twice", _with('"size": 5')),
    Input("the id twice", _with('"id": 99')),
    Input("another document's id", _members(id=2**31 - 1), KEPT),
    Input("the id as text", _members(id="1"), KEPT),
    Input("no id", _members(id=None), KEPT),
    Input("a negative size", _members(size=-5)),
    Input("a size beyond 32 bits", _members(size=2**40)),
    Input("a size as text", _members(size="20")),
    Input("a size as an object", _members(size={"cm": 2})),
    Input("flavors null", _members(flavors=None)),
    Input("flavors with a null", _members(flavors=[None])),
    Input("flavors an object", _members(flavors={})),
    Input("a name of a megabyte", _members(name=HUGE)),
    Input("a name that a terminal obeys", _members(name=TERMINAL)),
    Input("a name that is null", _members(name=None)),
    Input(
        "a reference to another host",
        _members(firmness={"name": "x", "url": "http://other.test/api/v2/berry-firmness/1/"}),
    ),
    Input("a reference that is no address", _members(firmness={"name": "x", "url": "http://["})),
    Input("a reference that is a number", _members(firmness=7)),
    Input("listing: an entry without an address", _listing(lambda page: page["results"].append({"name": "x"}))),
    Input(
        "listing: an entry of another host", _listing(lambda page: page["results"].append({"url": "http://a.test/1/"}))
    ),
    Input(
        "listing: an id beyond 64 bits",
        _listing(lambda page: page["results"].append({"url": f"/api/v2/berry/{2**70}/"})),
    ),
    Input("listing: a null entry", _listing(lambda page: page["results"].append(None))),
    Input("listing: no results", _listing(lambda page: page.pop("results"))),
    Input("listing: empty", _listing(lambda page: page.update(results=[], count=0))),
    Input("listing: count as text", _listing(lambda page: page.update(count="many"))),
    Input(
        "listing: next leads to itself", _listing(lambda page: page.update(next="/api/v2/berry/?offset=0&limit=100000"))
    ),
    Input("root: a collection that is not there", _root(odd="/api/v2/odd/"), TAKEN),
    Input("root: a collection of another host", _root(odd="http://127.0.0.1:9/"), TAKEN),
    Input("root: an address that is none", _root(odd="http://["), TAKEN),
    Input("root: an address that is a number", _root(odd=7), TAKEN),
    Input("root: a name with a slash", _root(**{"../../x": "/api/v2/odd/"}), TAKEN),
    Input("root: a name that a terminal obeys", _root(**{TERMINAL: "/api/v2/odd/"}), TAKEN),
)


def run(world: World, points: int | None = None, only: str = "") -> Iterator[Point | str]:
    """Serve each input once."""
    documents = few(world.is_real)
    template = world.prefix()
    world.serve("old", documents)
    world.done("refresh", template)
    there = [item for item in INPUTS if only in item.name]
    done = 0
    for number, item in enumerate(there[:points]):
        if world.seconds_left(60 * MINUTES) > 0:
            yield meet(world, item, documents, template, number)
            done += 1
    yield f"hostile: of {len(INPUTS)} there are"
    if only in "mutated":
        yield mutated(world, points or MUTANTS)


def mutated(world: World, examples: int) -> Point:
    """Try the law about mutated documents on many examples."""
    began = time.monotonic()
    point = Point("mutated", f"{examples} documents")
    site = Site(world.store(world.prefix()))

    @seed(world.seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(mutant=mutants())
    def law(mutant: tuple[str, bytes]) -> None:
        check(site, *mutant)

    try:
        law()
    # Whatever it is, it is a breach; hypothesis has found the smallest document that makes it.
    except Exception as error:
        point.expect(False, "lost", f"{type(error).__name__}: {error} {getattr(error, '__notes__', '')}"[:3000])
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
    point.expect(names[1] == f"plain-{number}", "lost", f"the good change was not published: {run.said[:600]}")
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
