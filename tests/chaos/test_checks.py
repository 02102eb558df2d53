"""The checks of the harness: they find what is torn, overwritten or lost, and say so in the table."""

from dataclasses import replace

import boto3
import pytest

from flows.local.replica import demo_documents
from lake.commit import head
from lake.layout import commit_key
from lake.store import Store
from tests.chaos.__main__ import table
from tests.chaos.checks import Point, check_overwritten, check_readers, state
from tests.chaos.proxy import Seen
from tests.lake.assemble.lakeside import Lakeside, changed, only


@pytest.fixture
def filled(store: Store) -> Store:
    """Return a lake with one snapshot of a few documents."""
    Lakeside(store).fill(only(demo_documents(), "berry"))
    return store


def kinds(point: Point) -> set[str]:
    return {kind for kind, _ in point.breaches}


def test_a_whole_lake_has_no_breach(filled: Store):
    point = Point("kills", "one")
    check_readers(point, filled, state(filled))
    assert point.breaches == []


def test_a_damaged_file_is_torn(filled: Store):
    now = state(filled)
    commit = head(filled)
    assert commit is not None
    key = next(key for key in commit.sizes() if "/berries/" in key)
    body = filled.get(key)
    boto3.client("s3").put_object(Bucket="lake", Key=f"pokelake/{key}", Body=body[:-9] + b"x" + body[-8:])
    point = Point("kills", "one")
    check_readers(point, filled, now)
    assert kinds(point) == {"torn"}


def test_a_state_that_nobody_published_is_torn_and_a_lost_commit_is_lost(filled: Store):
    now = state(filled)
    Lakeside(filled).fill(changed(only(demo_documents(), "berry"), "berry/7", size=5))
    strange, lost = Point("kills", "one"), Point("kills", "two")
    check_readers(strange, filled, now)
    filled.delete([commit_key(1), commit_key(2)])
    check_readers(lost, filled, now)
    assert (kinds(strange), kinds(lost)) == ({"torn"}, {"lost"})


def test_a_key_that_was_put_twice_is_torn_unless_the_second_was_refused_or_the_same():
    log = [
        Seen(1, "PUT", "/lake/a", "1", 200),
        Seen(2, "PUT", "/lake/a", "2", 412),
        Seen(3, "PUT", "/lake/a", "1", 200),
        Seen(4, "PUT", "/lake/results/b", "1", 200),
        Seen(5, "PUT", "/lake/results/b", "2", 200),
        Seen(6, "PUT", "/lake/c", "that of /lake/a", 200),
        Seen(7, "PUT", "/lake/c", "that of /lake/a", 200),
    ]
    held, broken = Point("kills", "one"), Point("kills", "two")
    check_overwritten(held, log)
    for number, key in enumerate(("a", "c"), len(log)):
        check_overwritten(broken, [*log, Seen(number, "PUT", f"/lake/{key}", "2", 200)])
    assert (kinds(held), kinds(broken)) == (set(), {"torn"})
    assert len(broken.breaches) == 2


def test_a_key_that_was_deleted_may_be_put_anew():
    log = [
        Seen(1, "PUT", "/lake/a%3D1", "1", 200),
        Seen(2, "POST", "/lake?delete", "x", 200, deletes=("/lake/a=1",)),
        Seen(3, "PUT", "/lake/a%3D1", "2", 200),
    ]
    held, broken = Point("kills", "one"), Point("kills", "two")
    check_overwritten(held, log)
    check_overwritten(broken, [log[0], replace(log[1], status=0), log[2]])
    assert (kinds(held), kinds(broken)) == (set(), {"torn"})


def test_the_table_counts_what_became_of_the_points_of_each_part():
    points = [
        Point("kills", "one", seconds=2),
        Point("kills", "two", [("torn", "x"), ("lost", "y")]),
        Point("races", ""),
    ]
    lines = [line.split() for line in table(points, ["kills: of 9 there are"]).splitlines()]
    assert lines[0] == ["part", "points", "survived", "torn", "lost", "left", "seconds", "seen"]
    assert lines[1:] == [
        ["kills", "2", "1", "1", "1", "0", "2", "of", "9", "there", "are"],
        ["races", "1", "1", "0", "0", "0", "0"],
    ]
