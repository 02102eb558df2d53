"""Held drafts as somebody may have written them: a clear error or a warning, and nothing of them is used."""

import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from lake.assemble.decided import clean_held
from lake.assemble.held import HeldDraft, held_drafts, read_held, waiting
from lake.documents import digest, to_arrow
from lake.errors import LakeError, NoDraftError
from lake.layout import HELD, commit_key, draft_key, verdict_key
from lake.resource import Document
from lake.store import Store
from tests.lake import keys, pack, snapshots_of
from tests.lake.assemble.holding import decided, fewer, full, hold_back, publishing
from tests.lake.assemble.lakeside import Lakeside

Facts = dict[str, Any]


@pytest.fixture
def lake(store: Store) -> Lakeside:
    """Return a lake with all abilities."""
    return full(store)


@pytest.fixture
def held(lake: Lakeside) -> HeldDraft:
    """Hold a draft in which most abilities are gone."""
    return hold_back(lake, lake.crawl(fewer()))


def rewrite(lake: Lakeside, key: str, body: bytes) -> None:
    lake.store.delete([key])
    lake.store.create(key, body)


def shard(facts: Facts) -> Facts:
    [found] = [manifest for manifest in facts["manifests"] if manifest["resource"] == "ability"]
    return found  # type: ignore[no-any-return]


FORGED: dict[str, Callable[[Facts], object]] = {
    "another draft's": lambda facts: facts.update(id="20260808T041200Z-1f3a9c02"),
    "a deadline in a thousand years": lambda facts: facts.update(deadline="3026-01-01T00:00:00Z"),
    "a deadline without a zone": lambda facts: facts.update(deadline="2026-11-27T16:00:00"),
    "a deadline before its time": lambda facts: facts.update(deadline="2020-01-01T00:00:00Z"),
    "documents elsewhere": lambda facts: shard(facts).update(key="staging/0123456789abcdef/ability-0.parquet"),
    "a way out": lambda facts: shard(facts).update(key=f"{HELD}{facts['id']}/documents/../../../commits/1.json"),
    "a part of an object": lambda facts: shard(facts).update(start=1),
    "a resource that is none": lambda facts: shard(facts).update(resource="../ability"),
    "no first round": lambda facts: shard(facts).update(round=2),
    "a parent elsewhere": lambda facts: facts["parent"].update(snapshot="../x"),
    "files that are no hashes": lambda facts: facts.update(files={"abilities/part-0.parquet": "x"}),
    "a finding of no level": lambda facts: facts["findings"][0].update(level="fine"),
    "files it began from elsewhere": lambda facts: facts.update(began={"ability": {"snapshot": "../x", "file": {}}}),
    "a number as text": lambda facts: facts.update(held_hours="72"),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_draft_that_no_run_writes_is_none(lake: Lakeside, held: HeldDraft, forge: Callable[[Facts], object]):
    facts = json.loads(lake.store.get(draft_key(held.id)))
    forge(facts)
    rewrite(lake, draft_key(held.id), json.dumps(facts).encode())
    with pytest.raises(NoDraftError, match="nothing of it is used"):
        read_held(lake.store, held.id)
    assert (waiting(lake.store), held_drafts(lake.store), clean_held(lake.store)) == (None, [], [])


@pytest.mark.parametrize("body", [b"", b"null", b"[" * 100_000, b"\xff\xfe", pickle.dumps({"id": 1}), b"{}"])
def test_bytes_that_are_no_draft_or_verdict_are_passed_over(lake: Lakeside, held: HeldDraft, body: bytes):
    before = lake.commit
    lake.store.create(verdict_key(held.id), body)
    with pytest.raises(NoDraftError, match=r"verdict\.json"):
        decided(lake, held, publishing(held))
    assert (waiting(lake.store), held_drafts(lake.store), lake.commit) == (None, [], before)
    rewrite(lake, draft_key(held.id), body)
    with pytest.raises(NoDraftError, match=r"draft\.json"):
        read_held(lake.store, held.id)


def test_a_verdict_on_another_draft_is_none_on_this_one(lake: Lakeside, held: HeldDraft):
    forged = {"draft": "20260808T041200Z-1f3a9c02", "act": "publish", "by": "Giovanni", "at": ""}
    lake.store.create(verdict_key(held.id), json.dumps(forged).encode())
    with pytest.raises(NoDraftError, match="it is a verdict on another draft"):
        decided(lake, held, publishing(held))


def test_what_a_verdict_quotes_is_obeyed_by_no_terminal(lake: Lakeside, held: HeldDraft):
    forged = {"draft": held.id, "act": "drop", "by": "\x1b[2J\u202e", "at": "now\n", "reason": "x" * 10_000}
    lake.store.create(verdict_key(held.id), json.dumps(forged).encode())
    with pytest.raises(LakeError) as caught:
        decided(lake, held, publishing(held))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 3_000


@pytest.mark.parametrize(
    ("resource", "id_", "body"),
    [
        ("ability", 9, b'{"id": 10, "name": "static"}'),
        ("ability", 9, b'{"id": 9, "name": "static"'),
        ("move", 9, b'{"id": 9, "name": "static"}'),
        ("ability", 10**9, b'{"id": 1000000000, "name": "static"}'),
    ],
    ids=["another one", "no JSON", "another resource's", "beyond its shard"],
)
def test_documents_that_the_source_does_not_send_are_not_published(
    lake: Lakeside, held: HeldDraft, resource: str, id_: int, body: bytes
):
    before = lake.commit
    facts = json.loads(lake.store.get(draft_key(held.id)))
    manifest = shard(facts)
    forged = pack(to_arrow([Document(resource, id_, f"{resource}/{id_}", None, datetime.now(UTC), body)]))
    manifest.update(sha256=digest(forged), documents=1)
    rewrite(lake, manifest["key"], forged)
    rewrite(lake, draft_key(held.id), json.dumps(facts).encode())
    with pytest.raises(NoDraftError, match="the source sends no such document"):
        decided(lake, read_held(lake.store, held.id), publishing(held))
    assert lake.commit == before
    assert snapshots_of(keys(lake.store)) == {before.snapshot}


def test_a_draft_of_another_kind_of_source_is_refused(lake: Lakeside, held: HeldDraft):
    facts = json.loads(lake.store.get(draft_key(held.id)))
    facts["source"]["kind"] = "os:system"
    rewrite(lake, draft_key(held.id), json.dumps(facts).encode())
    with pytest.raises(LakeError, match="os:system"):
        decided(lake, read_held(lake.store, held.id), publishing(held))


def test_a_draft_waits_on_a_commit_of_an_earlier_version(lake: Lakeside):
    """Which knows no verdicts, nor what an earlier version of the source listed."""
    commit = json.loads(lake.store.get(commit_key(1)))
    del commit["verdict"], commit["audits"], commit["source"]["listed"], commit["source"]["kind"]
    commit["fingerprint"] = "0123456789abcdef"
    rewrite(lake, commit_key(1), json.dumps(commit).encode())
    assert lake.commit.verdict is None
    held = hold_back(lake, lake.crawl(fewer()))
    decided(lake, held, publishing(held))
    assert (lake.commit.seq, lake.commit.parent) == (2, commit["snapshot"])
