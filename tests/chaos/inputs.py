"""A table of odd documents, listings and roots, and what must become of the document that each is about."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.lake.assemble.lakeside import Documents

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
