"""Mutated real documents, fed to the crawl, the merge and the build: the others come through as if nothing were odd."""

import asyncio
import json
from typing import Any

import httpx
import pandas as pd
from hypothesis import strategies as st

from flows.local.replica import demo_documents
from lake.assemble.staging import Manifest, stage
from lake.commit import Commit
from lake.crawl import Pace, Shard, Source, fetch
from lake.errors import PublishError
from tests.lake.assemble.lakeside import SOURCE, Documents, Lakeside, changed, differing, etag

# Of each, the first few documents; the first key of each of their tables is the document's id.
RESOURCES = ("ability", "berry", "move", "nature", "pokemon", "stat")
FEW = 3

# How tables with the texts of all resources begin their keys.
TEXT_KEY = ("resource_name", "resource_id")

# The good change that must be published beside the odd one.
GOOD = "type/1"

FAST = Source(SOURCE.base_url, requests_per_second=0, retry_delay_seconds=0, attempts=2)

# Written into a document as text, because no JSON value stands for them.
TOKENS = {"@nan": "NaN", "@inf": "1e400", "@deep": "[" * 5000 + "]" * 5000, "@half": '"\\ud800"', "@big": "9" * 40}
ODD = (
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    1.5,
    "",
    "x",
    "\0\x1b[31m",
    "9" * 10_000,
    [],
    {},
    [None],
    [[]],
    {"url": 7},
    *TOKENS,
)


class Site(Lakeside):
    """A lake whose documents come over HTTP, by the real crawl, from a site that answers in this process."""

    def _stage(self, shard: Shard, served: Documents, failing: Any, version: str | None) -> Manifest:
        def answer(request: httpx.Request) -> httpx.Response:
            body = served.get(str(request.url).removeprefix(SOURCE.base_url).strip("/"))
            if body is None:
                return httpx.Response(404)
            if request.headers.get("If-None-Match") == etag(body):
                return httpx.Response(304)
            headers = {"Content-Type": "application/json", "ETag": etag(body)}
            return httpx.Response(200, headers=headers, content=body)

        fetched = asyncio.run(fetch(FAST, Pace(FAST), shard, transport=httpx.MockTransport(answer)))
        return stage(self.store, "0123456789abcdef", shard, fetched)


def few_documents() -> Documents:
    """Return a few documents of each resource, and what the good change changes."""
    found = dict(sorted(demo_documents().items()))
    paths = [path for name in RESOURCES for path in [path for path in found if is_of(path, name)][:FEW]]
    return {path: found[path] for path in ("meta", GOOD, *paths)}


def is_of(path: str, resource: str) -> bool:
    return path.startswith(f"{resource}/") and path.count("/") == 1


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every member and item of a document, as container and key."""
    found: list[tuple[Any, Any]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in pairs:
        found += [(value, key), *places(below)]
    return found


@st.composite
def mutants(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a document's path and its body with one or two things odd: swapped, dropped, doubled, nested or huge."""
    documents = few_documents()
    path = draw(st.sampled_from(sorted(path for path in documents if path not in ("meta", GOOD))))
    value = json.loads(documents[path])
    for _ in range(draw(st.integers(1, 2))):
        there = places(value)
        if not there:
            break
        container, key = draw(st.sampled_from(there))
        act = draw(st.sampled_from(("swap", "drop", "double", "nest", "grow")))
        mutate(container, key, act, draw(st.sampled_from(ODD)))
    text = json.dumps(value).replace('"@twice:', '"')
    for token, written in TOKENS.items():
        text = text.replace(f'"{token}"', written)
    return path, text.encode()


def mutate(container: Any, key: Any, act: str, odd: Any) -> None:
    """Do one odd thing to a member or an item."""
    if act == "swap":
        container[key] = odd
    elif act == "drop":
        del container[key]
    elif act == "nest":
        container[key] = [container[key]]
    elif act == "grow":
        container[key] = [container[key]] * 50
    elif isinstance(container, list):
        container.append(container[key])
    else:
        # Becomes the same name once it is text.
        container[f"@twice:{key}"] = odd


def check(site: Site, path: str, body: bytes) -> None:
    """Serve one odd document and one good change: the change is published, and nothing else is another than before."""
    good = few_documents()
    published(site, good)
    expected = {name: rows_of_others(site, name, path) for name in tables_of(site, path)}
    before = site.commit
    served = {**changed(good, GOOD, name="plain"), path: body}
    commit = published(site, served)
    documents = site.lake.read("documents").set_index("path")["body"]
    assert set(documents.index) == set(good), "documents are gone or new"
    for other, text in documents.drop("meta").items():
        assert text == served[other].decode() or (other == path and text == good[path].decode()), other
    assert site.lake.read("types").set_index("type_id")["name"][1] == "plain"
    differ = {name for name in differing(before, commit) if not name.startswith("resource=")}
    others = differ - expected.keys() - {"meta", "types"}
    assert not others, f"tables of other resources changed: {others}"
    for name, frame in expected.items():
        # The type of a column of integers is another one where an odd document puts a null into it.
        pd.testing.assert_frame_equal(rows_of_others(site, name, path), frame, check_dtype=False, obj=name)


def tables_of(site: Site, path: str) -> list[str]:
    """Return the tables that have rows of such a document: by its id, or by resource and id, as texts have them."""
    own = f"{path.split('/')[0].replace('-', '_')}_id"
    keys = {name: table.primary_key for name, table in site.commit.tables.items()}
    return [name for name, key in keys.items() if key[:1] == (own,) or key[:2] == TEXT_KEY]


def rows_of_others(site: Site, name: str, path: str) -> pd.DataFrame:
    """Return the rows of a table that are not about one document, in the order of their keys."""
    resource, id_ = path.split("/")
    key = list(site.commit.tables[name].primary_key)
    frame = site.lake.read(name).sort_values(key)
    is_own = frame[key[1]] == int(id_) if tuple(key[:2]) == TEXT_KEY else frame[key[0]] == int(id_)
    if tuple(key[:2]) == TEXT_KEY:
        is_own &= frame[key[0]] == resource
    return frame[~is_own].reset_index(drop=True)


def published(site: Site, documents: Documents) -> Commit:
    """Crawl documents and publish them as a refresh does; rows that an odd document loses may be lost."""
    crawled = site.crawl(documents)
    try:
        return site.publish(crawled)
    except PublishError as error:
        shrunk = {finding.split(":")[0].split()[-1] for finding in error.findings}
        return site.publish(crawled, allow_shrink=sorted(shrunk))
