"""A commit with anything in any place: it is refused in one paragraph, or every question about it is answered."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.commit import Commit
from lake.errors import LakeError, MissingObjectError
from lake.layout import commit_key
from lake.read import Lake
from lake.store import Store, StoredObject
from tests.lake import NOON
from tests.lake.commits import COMMIT


class Shelf(Store):
    """A store of one commit."""

    def __init__(self, body: bytes) -> None:
        super().__init__("lake", "pokelake", MagicMock())
        self.body = body

    def list(self, folder: str, after: str = "") -> Iterator[StoredObject]:
        if commit_key(COMMIT.seq) > after:
            yield StoredObject(commit_key(COMMIT.seq), len(self.body), NOON)

    def find(self, key: str, limit: int | None = None) -> bytes | None:
        return self.body if key == commit_key(COMMIT.seq) else None


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 2**31, 2**63, 10**30, 1.5, 1e300, "", "..", "../x", "a/b", "\0", "\n", "é" * 100_000]),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "20260706T040000Z-8be2d1f4", "int32"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything in a tree."""
    yield path
    for step, part in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from places(part, (*path, step))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a real commit with some members replaced, dropped or doubled, and some bytes changed."""
    tree = json.loads(COMMIT.to_json())
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from([path for path in places(tree) if path]))
        place = tree
        for step in above:
            place = place[step]
        act = draw(st.sampled_from(["replace", "replace", "drop", "double", "nest"]))
        if act == "drop":
            del place[last]
        elif act == "double" and isinstance(place, list):
            place.append(place[last])
        else:
            place[last] = [place[last]] if act == "nest" else draw(VALUES)
    body = bytearray(json.dumps(tree).encode())
    if draw(st.booleans()):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body)


@given(mutated())
def test_a_commit_is_refused_in_one_paragraph_or_every_question_about_it_is_answered(body):
    lake = Lake(Shelf(body))
    commit = answer_of(lake.commit)
    if commit is None:
        return
    assert commit.seq == COMMIT.seq
    assert all(key.startswith(f"snapshots/{commit.snapshot}/") and ".." not in key for key in commit.sizes())
    assert Commit.from_json(commit.to_json(), "s3://lake/x") == commit
    assert (len(lake.snapshots()), len(lake.audits())) == (1, len(commit.audits))
    assert sum(commit.totals().values()) == sum(sum(counts.values()) for counts in commit.changes.values())
    for name in lake.tables()["table"]:
        lake.path(name)
        with pytest.raises(MissingObjectError):
            lake.read(name)
        changed = answer_of(lambda name=name: lake.diff(name, commit.snapshot))
        assert changed is None or changed.empty


def answer_of(ask: Callable[[], Any]) -> Any:
    """Return an answer; None where one paragraph refuses the question."""
    try:
        return ask()
    except LakeError as error:
        said = str(error)
    assert "\n" not in said
    return None
