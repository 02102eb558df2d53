"""Which documents came, went, were renamed, or stand for something else, between two snapshots."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from lake.errors import LakeError, UnknownNameError
from lake.layout import table_folder
from lake.read import Lake
from lake.resource import Document
from lake.store import Store
from tests.lake.read import FIRST, SECOND, document, publish

COLUMNS = ["kind", "resource", "id", "old_name", "new_name"]


def form(id_: int, name: str, order: int = 7, **members: Any) -> Document:
    """Return a form; two forms differ in little more than their names."""
    body = {"id": id_, "name": name, "order": order, "is_mega": False, "is_default": True, "sprites": {}, **members}
    return document("pokemon-form", id_, json.dumps(body))


def published(
    store: Store, before: Iterable[Document], after: Iterable[Document], part_bytes: int | None = None
) -> Lake:
    """Publish these documents one after the other, and return the lake."""
    publish(store, FIRST, [], list(before), part_bytes=part_bytes)
    publish(store, SECOND, [], list(after), part_bytes=part_bytes)
    return Lake(store)


def told(lake: Lake, **given: Any) -> list[tuple[Any, ...]]:
    frame = lake.changes(**given)
    return [tuple(row) for row in frame[COLUMNS].astype(object).where(frame[COLUMNS].notna(), None).to_numpy()]


def test_documents_that_came_went_or_have_another_name_are_listed_in_full(store: Store):
    before = [form(1, "bulbasaur"), *(form(100 + id_, f"gone-{id_}") for id_ in range(40)), document("meta", 0, "{}")]
    lake = published(store, before, [form(1, "bulbasaur-male"), form(2, "ivysaur"), document("meta", 0, "[]")])
    assert told(lake, before=FIRST) == [
        ("renamed", "pokemon-form", 1, "bulbasaur", "bulbasaur-male"),
        ("added", "pokemon-form", 2, None, "ivysaur"),
        *(("deleted", "pokemon-form", 100 + id_, f"gone-{id_}", None) for id_ in range(40)),
    ]


def test_an_id_whose_old_name_stands_under_another_id_was_reused(store: Store):
    """Also where the other document was there all the time, in a file that did not change."""
    before = [form(10404, "eiscue-noice"), form(10407, "frillish"), form(1, "mew"), form(2, "mew")]
    after = [form(10404, "sneasel-hisui"), form(10407, "frillish-male"), form(10440, "eiscue-noice")]
    lake = published(store, before, [*after, form(1, "mew-shiny"), form(2, "mew")])
    assert told(lake, kind="reused") == [
        ("reused", "pokemon-form", 1, "mew", "mew-shiny"),
        ("reused", "pokemon-form", 10404, "eiscue-noice", "sneasel-hisui"),
    ]
    assert told(lake, kind="renamed") == [("renamed", "pokemon-form", 10407, "frillish", "frillish-male")]


def test_a_name_of_another_resource_is_another_name(store: Store):
    lake = published(store, [form(1, "mew")], [form(1, "mew-two"), document("pokemon", 1, '{"name":"mew"}')])
    assert told(lake, kind="renamed") == [("renamed", "pokemon-form", 1, "mew", "mew-two")]


def test_an_id_whose_document_says_other_things_was_reused(store: Store):
    after = form(1, "sneasel", order=8, is_mega=True, is_default=False, sprites={"front": "x"})
    assert told(published(store, [form(1, "mew")], [after]))[0][0] == "reused"


def test_documents_without_names_come_and_go_by_their_ids(store: Store):
    lake = published(store, [document("machine", 1, "{}")], [document("machine", 2, "[]")])
    assert told(lake) == [("deleted", "machine", 1, None, None), ("added", "machine", 2, None, None)]
    assert str(lake.changes()["id"].dtype) == "Int64"


def test_a_document_is_found_by_its_path_where_ids_are_no_numbers(store: Store):
    lake = published(store, [], [document("servers", -77, "{}", path="servers/blue")])
    assert lake.changes()["path"].tolist() == ["servers/blue"]


def test_nothing_changed_is_no_rows_under_the_same_columns(store: Store):
    frame = published(store, [form(1, "mew")], [form(1, "mew")]).changes()
    assert frame.empty
    assert list(frame.columns) == [*COLUMNS, "path"]
    assert frame.attrs == {"before": FIRST, "after": SECOND}


def test_files_that_are_the_same_in_both_are_not_fetched(store: Store):
    lake = published(store, [form(1, "mew"), document("move", 1, "{}")], [form(2, "mew"), document("move", 1, "{}")])
    for snapshot in (FIRST, SECOND):
        store.delete([f"{table_folder(snapshot, 'documents')}/resource=move/part-0.parquet"])
    assert [row[0] for row in told(lake)] == ["deleted", "added"]


def test_an_unknown_kind_is_answered_with_those_there_are(store: Store):
    lake = published(store, [form(1, "mew")], [form(1, "mew")])
    with pytest.raises(UnknownNameError, match="no kind of change 'moved'; there are: added, deleted, renamed, reused"):
        lake.changes(kind="moved")


def test_without_before_it_is_the_snapshot_that_was_followed(store: Store):
    lake = published(store, [form(1, "mew")], [form(2, "mew")])
    assert told(lake) == told(lake, before=FIRST)
    assert [row[0] for row in told(lake, before=SECOND, after=FIRST)] == ["added", "deleted"]
    with pytest.raises(LakeError, match=f"before: {FIRST} is the first snapshot"):
        lake.changes(after=FIRST)
