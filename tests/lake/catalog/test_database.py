"""A database of Glue that shows a lake: what it says of each table, and whose tables are touched."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pyarrow as pa
import pytest
from moto.core.exceptions import JsonRESTError
from moto.glue.models import FakeTable, GlueBackend

from lake.catalog import drop, register
from lake.catalog.glue import Glue
from lake.catalog.table import table_input
from lake.catalogued import named_by_catalogs, note_snapshot
from lake.commit import read_commit
from lake.errors import CatalogError, GlueError, LakeError
from lake.fields import read_fields
from lake.layout import schema_key
from lake.schema import Field, Table
from lake.store import Store
from tests.lake import keys
from tests.lake.catalog import snapshots_of, tables_of
from tests.lake.read import COMMITTED, FIRST, SECOND, document, learnt, moves, publish

CATALOG = "123456789012.us-east-1.pokemon"
PIKACHU = document("pokemon", 25, "{}")


@pytest.fixture
def lake(store: Store) -> Store:
    """Return a lake of two snapshots; only the second has the table `learnt`."""
    publish(store, FIRST, [moves((1, 1, 40), (3, 4, 50))], [PIKACHU])
    publish(store, SECOND, [moves((1, 1, 45), (3, 4, 50)), learnt(("pikachu", 1, None, False))], [PIKACHU])
    return store


def other(name: str, database: str = "pokemon", **properties: str) -> None:
    """Have somebody else make a table."""
    table = {"Name": name, "StorageDescriptor": {"Columns": []}, "Parameters": properties}
    boto3.client("glue").create_table(DatabaseName=database, TableInput=table)


def failing(monkeypatch: pytest.MonkeyPatch, act: str, code: str, calls: int = 0) -> None:
    """Have Glue refuse an act after so many calls."""
    whole, made = getattr(GlueBackend, act), []

    def refuse(self: GlueBackend, *given: Any, **more: Any) -> Any:
        made.append(1)
        if len(made) > calls:
            raise JsonRESTError(code, "not for you")
        return whole(self, *given, **more)

    monkeypatch.setattr(GlueBackend, act, refuse)


def test_every_table_of_the_current_snapshot_is_described(lake: Store):
    done = register(lake, "pokemon")
    assert str(done) == f"{CATALOG} shows {SECOND}: 3 tables created"
    found = tables_of("pokemon")
    assert set(found) == {"documents", "learnt", "moves"}
    table, folder = found["moves"], f"s3://lake/pokelake/snapshots/{SECOND}/moves/"
    assert (table["TableType"], table["Description"]) == ("EXTERNAL_TABLE", "one row per move")
    assert [(one["Name"], one["Type"]) for one in table["StorageDescriptor"]["Columns"]] == [
        *(("move_id", "int"), ("generation_id", "smallint"), ("power", "int"))
    ]
    assert table["StorageDescriptor"]["Columns"][2]["Comment"] == "Power. Null: none."
    assert table["Parameters"]["pokelake.lake"] == "s3://lake/pokelake/"
    # All of it moves with the table: no partition is an entry of its own.
    assert [(key["Name"], key["Type"]) for key in table["PartitionKeys"]] == [("generation", "int")]
    assert {name: value for name, value in table["Parameters"].items() if name.startswith(("proj", "stor"))} == {
        "projection.enabled": "true",
        "projection.generation.type": "integer",
        "projection.generation.range": "1,4",
        "storage.location.template": f"{folder}generation=${{generation}}/",
    }
    documents = found["documents"]["Parameters"]
    assert (documents["projection.resource.type"], documents["projection.resource.values"]) == ("enum", "pokemon")
    assert found["learnt"]["PartitionKeys"] == []
    for table in found.values():
        place = table["StorageDescriptor"]["Location"]
        assert keys(lake, place.removeprefix("s3://lake/pokelake/")) != set()


def test_what_shows_the_snapshot_already_is_left_and_the_rest_is_moved(lake: Store):
    register(lake, "pokemon", read_commit(lake, 1))
    assert snapshots_of("pokemon") == {"documents": FIRST, "moves": FIRST}
    assert register(lake, "pokemon").done == {"created": 1, "changed": 2, "unchanged": 0, "removed": 0}
    assert register(lake, "pokemon").done == {"created": 0, "changed": 0, "unchanged": 3, "removed": 0}
    assert set(snapshots_of("pokemon").values()) == {SECOND}
    # Back again: the table that the first snapshot has not is removed.
    assert register(lake, "pokemon", read_commit(lake, 1)).done["removed"] == 1
    assert snapshots_of("pokemon") == {"documents": FIRST, "moves": FIRST}


def test_a_table_that_somebody_edited_is_put_right(lake: Store):
    register(lake, "pokemon")
    glue, table = boto3.client("glue"), tables_of("pokemon")["moves"]
    edited = {name: table[name] for name in ("Name", "PartitionKeys", "TableType", "Parameters")}
    glue.update_table(DatabaseName="pokemon", TableInput={**edited, "StorageDescriptor": {"Columns": []}})
    assert register(lake, "pokemon").done["changed"] == 1
    assert len(tables_of("pokemon")["moves"]["StorageDescriptor"]["Columns"]) == 3


def test_the_bucket_notes_what_the_database_shows(lake: Store):
    register(lake, "pokemon", read_commit(lake, 1))
    register(lake, "another")
    assert named_by_catalogs(lake) == {FIRST: {CATALOG}, SECOND: {"123456789012.us-east-1.another"}}
    register(lake, "pokemon")
    assert set(named_by_catalogs(lake)) == {SECOND}


def test_the_note_is_written_before_the_first_table_is_moved(lake: Store, monkeypatch: pytest.MonkeyPatch):
    """And the one of the snapshot before stays while a table shows that."""
    register(lake, "pokemon", read_commit(lake, 1))
    failing(monkeypatch, "update_table", "AccessDeniedException", calls=1)
    with pytest.raises(CatalogError, match=rf"of 3 tables show {SECOND}: database pokemon of"):
        register(lake, "pokemon")
    assert set(named_by_catalogs(lake)) == {FIRST, SECOND}


def test_a_table_of_somebody_else_is_left_and_named(lake: Store):
    boto3.client("glue").create_database(DatabaseInput={"Name": "pokemon"})
    other("moves")
    other("learnt", **{"pokelake.lake": "s3://theirs/"})
    done = register(lake, "pokemon")
    assert done.done == {"created": 1, "changed": 0, "unchanged": 0, "removed": 0}
    place = "in database pokemon of Glue in us-east-1 is"
    assert done.refused == (
        f"table learnt {place} of the lake s3://theirs/, and was left: name another database, or drop that table",
        f"table moves {place} not one that pokelake made, and was left: name another database, or drop that table",
    )
    assert str(done) == f"{CATALOG} shows {SECOND}: 1 table created; 2 tables not registered"
    assert tables_of("pokemon")["moves"]["Parameters"] == {}


def test_drop_takes_out_what_was_registered_and_nothing_else(lake: Store):
    register(lake, "pokemon")
    other("mine")
    assert str(drop(lake, "pokemon")) == f"{CATALOG}: dropped 3 tables; no file was touched"
    assert set(tables_of("pokemon")) == {"mine"}
    assert named_by_catalogs(lake) == {}
    assert set(keys(lake)) >= set(read_commit(lake, 2).keys())


def test_a_database_goes_only_if_it_was_made_for_this_lake_and_is_empty(lake: Store):
    glue = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": "theirs"})
    for database in ("ours", "theirs"):
        register(lake, database)
    assert str(drop(lake, "ours")).endswith(
        ": dropped 3 tables, and the database, which has nothing else; no file was touched"
    )
    assert str(drop(lake, "theirs")).endswith(": dropped 3 tables; no file was touched")
    assert [one["Name"] for one in glue.get_databases()["DatabaseList"]] == ["theirs"]


def test_what_is_not_there_cannot_be_dropped_and_its_notes_are_named(lake: Store):
    with pytest.raises(CatalogError, match=r"^there is no database pokemon of Glue in us-east-1$"):
        drop(lake, "pokemon")
    note_snapshot(lake, CATALOG, FIRST)
    with pytest.raises(
        CatalogError, match=rf"delete its notes as well, .*: s3://lake/pokelake/snapshots/.*/{CATALOG}/$"
    ):
        drop(lake, "pokemon")


def test_of_two_who_publish_none_leaves_the_database_behind(lake: Store, monkeypatch: pytest.MonkeyPatch):
    """A second publisher comes and has done while the first one moves its tables."""
    third = "20260809T041200Z-2f3a9c02"
    create, later = Glue.create_table, iter([third])
    monkeypatch.setitem(COMMITTED, third, "2026-08-09T04:13:00+00:00")

    def create_table(self: Glue, table: Any) -> bool:
        if snapshot := next(later, None):
            publish(lake, snapshot, [moves((1, 1, 50))], [PIKACHU])
            register(lake, "pokemon")
        return create(self, table)

    monkeypatch.setattr(Glue, "create_table", create_table)
    assert register(lake, "pokemon").snapshot == third
    assert snapshots_of("pokemon") == {"documents": third, "moves": third}
    assert set(named_by_catalogs(lake)) == {third}


def test_an_update_that_meets_another_one_is_tried_again(lake: Store, monkeypatch: pytest.MonkeyPatch):
    register(lake, "pokemon", read_commit(lake, 1))
    whole, refused = GlueBackend.update_table, iter([1, 1])

    def contested(self: GlueBackend, *given: Any, **more: Any) -> None:
        if next(refused, None):
            raise JsonRESTError("ConcurrentModificationException", "one at a time")
        whole(self, *given, **more)

    monkeypatch.setattr(GlueBackend, "update_table", contested)
    monkeypatch.setattr("lake.catalog.glue.time.sleep", lambda seconds: None)
    assert register(lake, "pokemon").done["changed"] == 2


def test_a_refusal_of_glue_says_which_right_lacks(lake: Store, monkeypatch: pytest.MonkeyPatch):
    failing(monkeypatch, "get_database", "AccessDeniedException")
    said = (
        "database pokemon of Glue in us-east-1: GetDatabase was answered with AccessDeniedException: not for you; give"
        " the role the right glue:GetDatabase (`pokelake iam-policy ROLE --catalog pokemon`)"
    )
    with pytest.raises(GlueError) as error:
        register(lake, "pokemon")
    assert (str(error.value), error.value.may_pass) == (said, False)
    failing(monkeypatch, "get_database", "OperationTimeoutException")
    with pytest.raises(GlueError) as error:
        register(lake, "pokemon")
    assert error.value.may_pass


def test_after_a_refusal_no_other_table_is_tried(lake: Store, monkeypatch: pytest.MonkeyPatch):
    """A database of a hundred tables would be refused a hundred times."""
    monkeypatch.setattr("lake.catalog.database._TOGETHER", 1)
    asked: list[str] = []

    def refuse(self: GlueBackend, *given: Any, **more: Any) -> FakeTable:
        asked.append("create")
        raise JsonRESTError("AccessDeniedException", "not for you")

    monkeypatch.setattr(GlueBackend, "create_table", refuse)
    with pytest.raises(CatalogError, match=rf"0 of 3 tables show {SECOND}: database pokemon of Glue"):
        register(lake, "pokemon")
    assert asked == ["create"]


def test_a_table_that_hive_cannot_describe_is_named_and_the_others_are_there(store: Store):
    odd = Table("odd", "one row", ("move",), ("id",), (Field("id", pa.uint64(), "Its id."),))
    publish(store, FIRST, [moves((1, 1, 40)), (odd, odd.schema.empty_table())])
    [refused] = (done := register(store, "pokemon")).refused
    assert refused == "table odd, column id: expected a type that Hive knows, found uint64"
    assert done.done["created"] == 2


def test_a_list_of_fields_that_is_lost_keeps_its_table_where_it_was(lake: Store):
    register(lake, "pokemon", read_commit(lake, 1))
    schema = read_commit(lake, 2).tables["moves"].schema
    lake.delete([schema_key(schema or "")])
    done = register(lake, "pokemon")
    assert (len(done.refused), snapshots_of("pokemon")["moves"]) == (1, FIRST)
    assert set(named_by_catalogs(lake)) == {FIRST, SECOND}


def test_a_commit_of_format_1_which_has_the_fields_itself_is_described_the_same(lake: Store):
    commit = read_commit(lake, 2)
    table = commit.tables["moves"]
    before = replace(table, schema=None, fields=read_fields(lake, table.schema or ""))
    old = replace(commit, tables={**commit.tables, "moves": before})
    assert table_input(lake, old, "moves") == table_input(lake, commit, "moves")


def test_tables_without_rows_and_with_hyphens_have_a_name_and_a_partition(store: Store):
    odd = Table("by-hand", "one row", ("move",), ("id",), (Field("id", pa.int32(), "Its id."),))
    publish(store, FIRST, [moves(), (odd, odd.schema.empty_table())])
    register(store, "pokemon")
    found = tables_of("pokemon")
    assert found["by_hand"]["StorageDescriptor"]["Location"] == f"s3://lake/pokelake/snapshots/{FIRST}/by-hand/"
    assert found["moves"]["PartitionKeys"][0]["Type"] == "int"


@pytest.mark.parametrize("database", ["my-lake", "1st", "Pokemon", "", "a b"])
def test_a_database_that_every_query_would_have_to_quote_is_refused(lake: Store, database: str):
    with pytest.raises(CatalogError, match="expected a name of small letters, digits and underscores that begins"):
        register(lake, database)


@pytest.mark.parametrize("act", [register, drop])
def test_an_empty_lake_has_nothing_to_register(store: Store, act: Callable[[Store, str], object]):
    with pytest.raises(LakeError, match=r"nothing was ever published|there is no database"):
        act(store, "pokemon")
