"""What a lake says of itself, in a line and in a notebook."""

import threading
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from lake.errors import LakeError
from lake.read import Lake, face
from lake.store import Store
from lake.traffic import requests_to_s3
from tests.lake.read import FIRST, SECOND, learnt, moves, publish


class Tags(HTMLParser):
    """Checks that tags are closed in their order, and collects which there are, and the text between them."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.text = ""
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.names.add(tag)
        assert {name for name, _ in attrs} <= {"style", "scope"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data}\n"


def asked(ask: Any) -> tuple[Any, int]:
    """Return an answer, and how many requests it took."""
    before = requests_to_s3().total()
    return ask(), requests_to_s3().total() - before


@pytest.fixture
def published(store: Store, over_http: None) -> Store:
    """Return a store with two snapshots; its client counts what it sends."""
    for snapshot in (FIRST, SECOND):
        publish(store, snapshot, [moves((1, 1, 40), (2, 2, None))])
    return Store(store.bucket, store.prefix)


def test_a_lake_is_a_line_with_its_address_snapshot_time_tables_and_rows(published: Store):
    said, requests = asked(lambda: repr(Lake(published)))
    assert said == (f"Lake('s3://lake/pokelake/'): {SECOND}, published 2026-08-08 04:13 UTC, 2 tables, 2 rows")
    assert requests == 2


def test_in_a_notebook_it_is_a_table_for_any_colours(published: Store):
    said, requests = asked(Lake(published)._repr_html_)
    assert requests == 2
    tags = Tags(said)
    assert {"address", "s3://lake/pokelake/", SECOND, "2026-08-08 04:13 UTC", "2 tables, 2 rows"} <= set(
        tags.text.splitlines()
    )
    assert {"moves", "one row per move"} <= set(tags.text.splitlines())
    assert "color" not in said.replace('<table style="color: inherit">', "<table>")
    assert "background" not in said


def test_the_folder_of_the_current_snapshot_takes_two_requests(published: Store):
    folder, requests = asked(lambda: Lake(published).current)
    assert (folder, requests) == (f"s3://lake/pokelake/snapshots/{SECOND}/", 2)
    assert Lake(published).path("moves") == f"{folder}moves/"


def test_a_lake_at_one_snapshot_shows_it_and_asks_for_nothing(published: Store):
    then = Lake(published).at(FIRST)
    assert asked(lambda: then.current) == (f"s3://lake/pokelake/snapshots/{FIRST}/", 0)
    assert asked(lambda: FIRST in repr(then) and FIRST in then._repr_html_()) == (True, 0)


def test_markup_in_a_bucket_is_text(store: Store):
    table, rows = learnt(("ditto", 1, "egg", True))
    publish(store, FIRST, [(replace(table, grain="<script>alert('x')</script> & \"more\""), rows)])
    tags = Tags(Lake(store)._repr_html_())
    assert "script" not in tags.names
    assert "<script>alert('x')</script> & \"more\"" in tags.text.replace("\n", "")


def test_an_empty_lake_says_so_and_raises_nothing(store: Store):
    lake = Lake(store)
    assert repr(lake).startswith("Lake('s3://lake/pokelake/'): s3://lake/pokelake/: nothing was ever published here")
    assert "nothing was ever published here" in Tags(lake._repr_html_()).text
    with pytest.raises(LakeError, match="nothing was ever published here"):
        _ = lake.current


def test_what_a_bucket_refuses_is_said_in_one_line(store: Store):
    lake = Lake(Store("no-such-bucket", "<b>", store._s3))
    assert "\n" not in repr(lake)
    assert "no-such-bucket" in repr(lake)
    assert "b" not in Tags(lake._repr_html_()).names


def test_nobody_waits_long_for_s3_that_does_not_answer(store: Store, monkeypatch: pytest.MonkeyPatch):
    answers = threading.Event()
    monkeypatch.setattr(face, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(Lake, "commit", lambda self: answers.wait())
    try:
        assert repr(Lake(store)) == "Lake('s3://lake/pokelake/'): S3 has not answered within 0.01 seconds"
        assert "S3 has not answered within 0.01 seconds" in Tags(Lake(store)._repr_html_()).text
    finally:
        answers.set()


@pytest.mark.parametrize("error", [OSError("a\nb"), KeyError(), RecursionError("deep")])
def test_whatever_is_wrong_to_show_a_lake_does_not_fail(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    def fail(self: Lake) -> None:
        raise error

    monkeypatch.setattr(Lake, "commit", fail)
    assert "\n" not in repr(Lake(store))
    assert type(error).__name__ in repr(Lake(store)) or str(error)[:1] in repr(Lake(store))
    Tags(Lake(store)._repr_html_())
