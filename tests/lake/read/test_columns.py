"""What a table's own files say of its columns."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from lake.errors import LakeError, UnknownNameError
from lake.layout import file_key
from lake.read import Lake
from lake.schema import Field
from lake.store import Store
from lake.tables import TABLES
from tests.lake.read import FIRST, MOVES, SECOND, document, moves, publish

PIKACHU = document("pokemon", 25, "{}")
[POKEMON] = [table for table in TABLES if table.name == "pokemon"]


def facts(frame: pd.DataFrame, column: str, names: Sequence[str]) -> list[Any]:
    """Return what a frame says of one column; None where it says nothing."""
    row = frame.set_index("name").loc[column]
    return [None if pd.isna(row[name]) else row[name] for name in names]


def test_a_column_is_described_by_the_declaration_that_its_file_carries(store: Store):
    publish(store, FIRST, [(POKEMON, POKEMON.schema.empty_table())], [PIKACHU])
    frame = Lake(store).columns("pokemon")
    names = ["type", "unit", "description", "null_means", "references", "is_key", "is_nullable", "source"]
    assert frame["name"].tolist() == [*POKEMON.schema.names, "generation"]
    assert {name: facts(frame, name, names) for name in ("pokemon_id", "species_id", "height_dm", "sort_order")} == {
        "pokemon_id": ["int32", None, "PokeAPI's id of the variety.", None, None, True, False, "id"],
        "species_id": ["int32", None, "Its species.", None, "pokemon-species", False, True, "species.url"],
        "height_dm": ["int32", "decimetre", "Height.", None, None, False, True, "height"],
        "sort_order": [
            *("int32", None, "Place in PokeAPI's sorting.", "none given, -1 in the source"),
            *(None, False, True, "order"),
        ],
    }
    assert {name: facts(frame, name, ["stand_ins"])[0] for name in ("height_dm", "weight_hg", "generation")} == {
        "height_dm": None,
        "weight_hg": "10000: unknown weight of Gigantamax forms; 0: unknown weight of Eternamax",
        "generation": "0: unknown",
    }
    assert facts(frame, "generation", names[:2]) == ["int32", None]
    assert facts(frame, "generation", ["is_key", "is_nullable"]) == [False, False]
    assert "partition" in facts(frame, "generation", ["description"])[0]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('{"": "the document"}', '"": the document'),
        ("no JSON", None),
        ("[1]", None),
        ("{}", None),
        ('{"1": 2}', "1: 2"),
    ],
)
def test_stand_ins_are_shown_whoever_wrote_them(store: Store, said: str, shown: str | None):
    table, rows = moves((1, 1, 40))
    power = rows.schema.get_field_index("power")
    schema = rows.schema.set(power, rows.schema.field(power).with_metadata({"stand_ins": said}))
    other = replace(table)
    vars(other)["schema"] = schema
    publish(store, FIRST, [(other, rows.cast(schema))], [PIKACHU])
    assert facts(Lake(store).columns("moves"), "power", ["stand_ins"]) == [shown]


def test_what_holds_for_the_whole_table_stands_beside_its_columns(store: Store):
    publish(store, FIRST, [(POKEMON, POKEMON.schema.empty_table())], [PIKACHU])
    assert Lake(store).columns("pokemon").attrs == {
        "table": "pokemon",
        "snapshot": FIRST,
        "grain": POKEMON.grain,
        "source": "pokemon/{id}",
        "primary_key": ["pokemon_id"],
        "partition": "generation",
    }
    documents = Lake(store).columns("documents")
    assert documents.attrs["primary_key"] == ["resource_name", "id", "path"]
    assert documents.loc[documents["is_key"], "name"].tolist() == ["resource_name", "id", "path"]
    assert facts(documents, "etag", ["null_means"]) == ["none"]
    assert documents["name"].tolist()[-1] == "resource"


def test_each_snapshot_is_described_by_its_own_files(store: Store):
    later = replace(MOVES, fields=(*MOVES.fields, Field("pp", pa.int32(), "Uses. Null: without limit.", nullable=True)))
    publish(store, FIRST, [moves((1, 1, 40))], [PIKACHU])
    publish(store, SECOND, [(later, later.schema.empty_table())], [PIKACHU])
    lake = Lake(store)
    assert lake.columns("moves", as_of=FIRST)["name"].tolist() == ["move_id", "generation_id", "power", "generation"]
    assert facts(lake.columns("moves"), "pp", ["null_means"]) == ["without limit"]


def test_a_file_that_carries_no_declaration_is_described_by_its_types_and_the_commit(store: Store):
    bare = replace(MOVES, grain="one row per attack")
    plain = pa.schema([field.remove_metadata() for field in MOVES.schema])
    bare.__dict__["schema"] = plain
    publish(store, FIRST, [(bare, plain.empty_table())], [PIKACHU])
    frame = Lake(store).columns("moves")
    assert facts(frame, "power", ["type", "unit", "description", "null_means", "references", "is_key"]) == [
        *("int32", None, None, None, None, False)
    ]
    assert facts(frame, "move_id", ["is_key", "is_nullable"]) == [True, False]
    assert (frame.attrs["grain"], frame.attrs["source"]) == ("one row per attack", None)


def test_only_the_smallest_file_is_read_and_checked(store: Store):
    """Seen by taking the other file away, and by a flipped bit in the name of a column."""
    commit = publish(store, FIRST, [moves((1, 1, 40), *((number, 2, number) for number in range(2, 40)))], [PIKACHU])
    small, large = sorted(commit.tables["moves"].files, key=lambda file: file.bytes)
    store.delete([file_key(FIRST, "moves", large.name)])
    lake = Lake(store)
    assert facts(lake.columns("moves"), "power", ["description", "null_means"]) == ["Power.", "none"]
    key = file_key(FIRST, "moves", small.name)
    body = store.get(key)
    store.delete([key])
    store.create(key, body.replace(b"power", b"qower"))
    with pytest.raises(LakeError, match="expected the content with SHA-256"):
        lake.columns("moves")


def test_an_unknown_table_is_answered_with_those_that_exist(store: Store):
    publish(store, FIRST, [moves((1, 1, 40))], [PIKACHU])
    with pytest.raises(UnknownNameError, match="no table 'move'; there are: documents, moves"):
        Lake(store).columns("move")
