"""The story of one lake that is refreshed again and again while its source changes, fails, lies and loses documents."""

import json
import re
from pathlib import Path

import pytest
from prefect_aws import S3Bucket

import lake.tables
from flows.local.replica import demo_documents
from tests.flows.chain import Chain
from tests.flows.poison import damage, outdate, poison
from tests.lake.assemble.lakeside import Documents, changed, only, without

# One document each of as many resources, because one may fail of each.
RUBBISH = {
    "type/2": "invalid_json",
    "ability/9": "html",
    "pokemon/132": "wrong_id",
    "pokemon/25/encounters": "reset",
    "berry/7": "content_type",
    "nature/1": "truncated",
}
# What has changed in the second version, document by document, and a document with it.
CHANGED = {path: {"name": f"other-{path.split('/')[1]}"} for path in RUBBISH if not path.endswith("encounters")}
FIRST = only(demo_documents(), "pokemon", "type", "ability", "berry", "nature", "egg-group")
# Too many documents of three collections, which is too many collections; never ten in a row.
TROUBLE = r"^(ability/\d*5|pokemon/.+)$"
FAILED = {path for path in FIRST if re.search(TROUBLE, path)}


def second() -> Documents:
    """Return the documents of a version in which seven of them have changed."""
    found = changed(FIRST, "pokemon/25", height=5)
    for path, members in CHANGED.items():
        found = changed(found, path, **members)
    encounters = json.loads(FIRST["pokemon/25/encounters"])
    return {**found, "pokemon/25/encounters": json.dumps(encounters[1:]).encode()}


def refuse(block: S3Bucket, path: str, content: bytes) -> str:
    """Stand in for a block that may not write."""
    raise RuntimeError("access denied")


def refresh_again_and_again(one: Chain, mark: Path, patch: pytest.MonkeyPatch) -> None:
    """Tell the whole story in a lake that is empty; a bomb among its results would write the file `mark`."""
    tell, refresh = one.tell, one.refresh
    # A task for each resource, because what is wrong with one result costs its task.
    patch.setattr("lake.crawl.batch.MOST_WEIGHT", 1)
    patch.setattr("lake.crawl.batch.LEAST_WEIGHT", 1)
    # So few documents would share objects, and what is staged is to be looked at, and damaged.
    patch.setattr("lake.assemble.staging.SMALL_BYTES", 0)
    slow, polite = {"kind": "latency", "seconds": 0.005}, "our-lake (data@example.org)"
    tell("first", refresh, faults=[slow], connections=3, parallel_shards=2, user_agent=polite)
    with patch.context() as unwritable:
        # A run that has nothing to crawl writes no results, and proves nothing.
        unwritable.setattr(S3Bucket, "write_path", refuse)
        tell("known", refresh)
    rubbish = [{"kind": kind, "path": f"^{path}$"} for path, kind in RUBBISH.items()]
    tell("rubbish", refresh, second(), faults=rubbish)
    tell("again", refresh)
    third = changed(changed(second(), "ability/9", name="third"), "type/1", name="third")
    tell("failed", refresh, third, faults=[{"kind": "status", "status": 500, "path": TROUBLE}])
    tell("down", refresh, faults=[{"kind": "status", "status": 503}])
    tell("refusing", refresh, base_url="http://127.0.0.1:9/api/v2/")
    outdate(one.store, "egg-group")
    damage(one.store, "type")
    poison(one.store, mark)
    tell("resumed", refresh)
    tell("meta", refresh, changed(third, "meta", tag="v2"))
    tell("equal", refresh)
    lies = [{"kind": "listing_lie", "path": "^type$"}]
    fourth = changed(changed(third, "type/1", name="fourth"), "nature/1", name="fourth")
    tell("lies", refresh, fourth, faults=lies)
    refused = [{"kind": "status", "status": 403, "path": "^berry$"}]
    tell("refused", refresh, changed(third, "meta", tag="v3"), faults=refused)
    gone = without(third, "berry/")
    tell("vanished", refresh, changed(gone, "meta", tag="v4"))
    tell("let go", refresh, allow_shrink=("berry",))
    with patch.context() as other:
        other.setattr(lake.tables, "fingerprint", lambda *_: "0123456789abcdef")
        tell("other code", refresh)
        tell("other code again", refresh)
    for name in ("nameless", "nameless again"):
        tell(name, refresh, without(gone, "meta"))
    shrunk = [{"kind": "listing_shrunk", "path": "^type$", "entries": 3}]
    tell("shrunk", refresh, without(gone, "meta"), faults=shrunk)
    tell("shrunk without a word", refresh, faults=[{"kind": "listing_short", "path": "^pokemon$"}])
