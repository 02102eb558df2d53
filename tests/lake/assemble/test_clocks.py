"""Order in the lake never depends on a clock: runs on machines whose clocks are wrong by a day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

import pytest

import lake.assemble.draft
import tests.lake.assemble.lakeside
from flows.local.replica import demo_documents
from lake.assemble.stored import document_files
from lake.publish.garbage import GRACE, find_expired, find_garbage
from lake.store import Store
from tests.lake.assemble.lakeside import Documents, Lakeside, changed, only

DAY = timedelta(days=1)


@pytest.fixture
def documents() -> Documents:
    return only(demo_documents(), "type")


@pytest.fixture
def one(store: Store) -> Lakeside:
    return Lakeside(store)


def names(one: Lakeside, as_of: str | None = None) -> dict[int, str]:
    rows = one.lake.read("types", as_of=as_of)
    return dict(zip(rows["type_id"], rows["name"], strict=True))


def set_clock(patch: pytest.MonkeyPatch, wrong: timedelta) -> None:
    """Let the machine that crawls and publishes be wrong about the time."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp((datetime.now(UTC) + wrong).timestamp(), tz)

    patch.setattr(lake.assemble.draft, "datetime", Clock)
    patch.setattr(tests.lake.assemble.lakeside, "datetime", Clock)


@pytest.mark.parametrize("wrong", [-DAY, DAY], ids=["behind", "ahead"])
def test_what_changed_is_published_whatever_the_time_was_before(
    one: Lakeside, documents: Documents, wrong: timedelta, monkeypatch: pytest.MonkeyPatch
):
    set_clock(monkeypatch, wrong)
    first = one.fill(documents)
    set_clock(monkeypatch, timedelta())
    second = one.fill(changed(documents, "type/1", name="second"))
    set_clock(monkeypatch, -wrong)
    third = one.fill(changed(documents, "type/1", name="third"))
    assert [(item.seq, item.parent) for item in (first, second, third)] == [
        (1, None),
        (2, first.snapshot),
        (3, second.snapshot),
    ]
    assert [names(one, item.snapshot)[1] for item in (first, second, third)] == ["normal", "second", "third"]
    assert one.commit == third
    assert names(one)[1] == "third"
    # Their times are S3's.
    assert find_garbage(one.store, GRACE, set()) == []
    assert find_expired(one.store, DAY / 2) == []


@pytest.mark.parametrize("wrong", [-DAY, DAY], ids=["behind", "ahead"])
def test_of_two_runs_that_changed_a_document_the_first_to_publish_is_kept_and_the_next_run_looks(
    one: Lakeside, documents: Documents, wrong: timedelta, monkeypatch: pytest.MonkeyPatch
):
    began = one.begin(documents)
    loser = changed(changed(documents, "type/1", name="loser"), "type/2", name="loser")
    slow = one.crawl(loser)
    set_clock(monkeypatch, wrong)
    one.fill(changed(changed(documents, "type/1", name="winner"), "type/3", name="winner"))
    last = one.publish(replace(slow, began=document_files(began)))
    assert [names(one)[id_] for id_ in (1, 2, 3)] == ["winner", "loser", "winner"]
    # So no version says that the snapshot is whole, and the next refresh asks for every document.
    assert (slow.source.version is None, last.source.version) == (False, None)
    after = one.fill(loser)
    assert [names(one)[id_] for id_ in (1, 2, 3)] == ["loser", "loser", "flying"]
    assert after.source.version == slow.source.version


def test_two_runs_that_found_the_same_agree(one: Lakeside, documents: Documents):
    began = one.begin(documents)
    now = changed(documents, "type/1", name="same")
    slow = one.crawl(now)
    faster = one.fill(now)
    assert one.publish(replace(slow, began=document_files(began))) == faster
    other = changed(documents, "type/2", name="other")
    slow = one.crawl(other)
    last = one.publish(replace(slow, began=document_files(faster)))
    assert last.source.version == slow.source.version


def test_a_run_that_began_in_an_empty_lake_undoes_nothing_of_the_first_snapshot(one: Lakeside, documents: Documents):
    slow = one.crawl(changed(documents, "type/1", name="loser"))
    one.fill(changed(documents, "type/1", name="winner"))
    last = one.publish(replace(slow, began={}))
    assert (names(one)[1], last.seq) == ("winner", 1)
