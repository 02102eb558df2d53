"""Lists of fields: stored once for all snapshots, taken over from commits of format 1, and harmless to lose."""

import json

import pytest

from flows.local.replica import demo_documents
from lake.commit import read_commit
from lake.documents import DOCUMENTS
from lake.errors import DamagedObjectError, MissingObjectError
from lake.fields import read_fields
from lake.layout import SCHEMAS, commit_key, schema_hash, schema_key
from lake.publish import SnapshotWriter, commit_snapshot
from lake.publish.damage import Kind
from lake.publish.fields import lost_fields, restore_fields
from lake.read import Lake
from lake.store import Store
from tests.lake import NOON, keys
from tests.lake.assemble.lakeside import Lakeside, audits, changed, differing, only
from tests.lake.commits import forget_fields, rewrite_as_format_1
from tests.lake.publish import draft
from tests.lake.read import FIRST, LEARNT, MOVES, SECOND, document, learnt, moves, publish

PIKACHU = document("pokemon", 25, "{}")


@pytest.fixture
def filled(store: Store) -> Store:
    """Return a lake of one snapshot of three tables."""
    publish(store, FIRST, [moves((1, 1, 40), (2, 2, None)), learnt(("pikachu", 1, None, False))], [PIKACHU])
    return store


def test_a_list_of_fields_is_stored_once_for_all_snapshots(filled: Store):
    stored = keys(filled, SCHEMAS)
    publish(filled, SECOND, [moves((1, 1, 45)), learnt(("pikachu", 1, "egg", False))], [PIKACHU])
    first, second = (read_commit(filled, seq) for seq in (1, 2))
    assert keys(filled, SCHEMAS) == stored
    assert {schema_key(str(table.schema)) for table in first.tables.values()} == stored
    assert [table.schema for table in second.tables.values()] == [table.schema for table in first.tables.values()]
    assert [entry["name"] for entry in read_fields(filled, str(first.tables["moves"].schema))] == MOVES.schema.names
    assert b"description" not in filled.get(commit_key(1))


def test_what_is_written_on_a_commit_of_format_1_stores_its_fields_and_keeps_its_nulls(filled: Store):
    stored, before = keys(filled, SCHEMAS), read_commit(filled, 1)
    nulls = {"power": 1}
    with SnapshotWriter(filled, SECOND, before) as writer:
        writer.tables["moves"] = writer.describe(
            MOVES, MOVES.partition, before.tables["moves"].files, {**nulls, "move_id": 0}
        )
    rewrite_as_format_1(filled, draft(FIRST, {**before.tables, **writer.tables}, None))
    forget_fields(filled)
    old = read_commit(filled, 1)
    assert (old.format, old.tables["moves"].schema) == (1, None)
    assert [entry["nulls"] for entry in old.tables["moves"].fields] == [0, 0, 1]
    with SnapshotWriter(filled, SECOND, old) as writer:
        for name in old.tables:
            writer.carry(name)
    commit_snapshot(filled, draft(SECOND, writer.tables, old))
    new = read_commit(filled, 2)
    assert keys(filled, SCHEMAS) == stored
    assert {name: table.schema for name, table in new.tables.items()} == {
        name: table.schema for name, table in before.tables.items()
    }
    assert (new.format, new.tables["moves"].nulls, new.tables["moves"].fields) == (2, nulls, ())
    assert (new.tables["documents"].nulls, json.loads(filled.get(commit_key(1)))["format"]) == (None, 1)


def test_a_lake_of_format_1_is_refreshed_as_before(store: Store):
    """What is built of it, carried over and compared is the same, and so are the fields that its next commit names."""
    lake = Lakeside(store)
    documents = only(demo_documents(), "type", "nature")
    rewrite_as_format_1(store, lake.fill(documents))
    stored = keys(store, SCHEMAS)
    forget_fields(store)
    old = lake.commit
    assert (old.format, {table.schema for table in old.tables.values()}) == (1, {None})
    assert lake.fill(documents) == old
    new = lake.fill(changed(documents, "type/1", name="plain"))
    assert (new.seq, new.format, keys(store, SCHEMAS)) == (2, 2, stored)
    assert "types" in differing(old, new)
    assert "natures" not in differing(old, new)
    assert audits(new) == audits(old) | {("renamed", "type")}


@pytest.mark.parametrize("state", ["whole", "lost", "format 1"])
def test_filters_and_differences_find_their_types_whatever_became_of_the_list(filled: Store, state: str):
    publish(filled, SECOND, [moves((1, 1, 40), (2, 2, None)), learnt(("pikachu", 1, None, True))], [PIKACHU])
    for seq in (1, 2) if state == "format 1" else ():
        rewrite_as_format_1(filled, read_commit(filled, seq))
    if state != "whole":
        forget_fields(filled)
    lake = Lake(filled)
    assert lake.read("moves", [("generation", "==", 1), ("power", ">", 30)])["move_id"].tolist() == [1]
    assert lake.read("learnt", [("is_hidden", "==", True)])["pokemon"].tolist() == ["pikachu"]
    none = lake.diff("moves", FIRST, SECOND)
    assert (len(none), str(none.dtypes["power"])) == (0, "Int32")


def test_a_lost_list_is_named_and_written_anew_and_a_foreign_one_only_named(filled: Store):
    [schema] = {str(read_commit(filled, 1).tables["moves"].schema)}
    lost, forged = schema_key(schema), schema_key(str(read_commit(filled, 1).tables["learnt"].schema))
    named = {str(schema_hash(key)) for key in keys(filled, SCHEMAS)}
    assert lost_fields(filled, named, NOON) == ([], [])
    filled.delete([lost, forged])
    filled.create(forged, b"[]")
    filled.create(f"{SCHEMAS}note.txt", b"x")
    with pytest.raises(MissingObjectError):
        read_fields(filled, schema)
    with pytest.raises(DamagedObjectError):
        read_fields(filled, str(schema_hash(forged)))
    damages, foreign = lost_fields(filled, named, NOON)
    assert {(one.kind, one.where) for one in damages} == {
        (Kind.MISSING, filled.uri(lost)),
        (Kind.CONTENT, filled.uri(forged)),
    }
    assert [one.where for one in foreign] == [filled.uri(f"{SCHEMAS}note.txt")]
    assert restore_fields(filled, damages, (MOVES, LEARNT, DOCUMENTS)) == [filled.uri(lost)]
    filled.delete([forged])
    assert restore_fields(filled, lost_fields(filled, named, NOON)[0], (MOVES, LEARNT)) == [filled.uri(forged)]
    assert lost_fields(filled, named, NOON)[0] == []
