"""Audits of tables: each rule at its level, with rows named, at the edges of its tolerance."""

from dataclasses import replace

import pyarrow as pa
import pytest

from lake.commit import DataFile, TableFiles
from lake.publish import Finding, Level, TableWriter, table_files
from lake.publish.check import SHOWN_ROWS, KeyCheck
from lake.schema import GENERATION, Field, conform, dictionary_of
from tests.lake.publish import POKEMON, TYPES, judged, pokemon

KNOWN = {"pokemon-species": pa.array([25, 26, 132], pa.int32())}


def slot(id_: int | None, slot_: int | None, type_: int | None = 13) -> dict:
    return {"pokemon_id": id_, "slot": slot_, "type_id": type_}


def checked(table, *batches: list[dict]) -> KeyCheck:
    check = KeyCheck(table)
    for batch in batches:
        check.add(conform(table, batch))
    return check


def published(table, rows: int, **nulls: int) -> TableFiles:
    """Return what a commit says of a table with so many rows, and so many nulls in some of its columns."""
    counts = {field.name: nulls.get(field.name, 0) for field in table.fields}
    file = DataFile("part-0.parquet", None, rows, 1, "0")
    return table_files(table, None, [file], counts)


def published_before(table, rows: int, **nulls: int) -> TableFiles:
    """Return the same as a commit of format 1 says it."""
    counts = {field.name: nulls.get(field.name, 0) for field in table.fields}
    return replace(published(table, rows), schema=None, nulls=None, fields=tuple(dictionary_of(table, counts)))


def audit(table, *batches: list[dict], before: int | None = None, allow: tuple[str, ...] = ()) -> list[Finding]:
    parent = None if before is None else published(table, before, sort_order=before)
    return judged(checked(table, *batches), parent, KNOWN, allow)


def rows_of(count: int) -> list[dict]:
    return [slot(id_, 1) for id_ in range(count)]


def test_a_sound_table_has_no_findings():
    assert audit(POKEMON, [pokemon(25), pokemon(26), pokemon(132)], before=3) == []
    assert audit(TYPES, [slot(25, 1), slot(25, 2), slot(26, 1)]) == []
    assert audit(TYPES) == []


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([slot(25, 1), slot(25, 1), slot(26, 1)], "(pokemon_id=25, slot=1)"),
        ([slot(25, 1), slot(26, None)], "(pokemon_id=26, slot=None)"),
        ([slot(25, 1), slot(None, 1)], "(pokemon_id=None, slot=1)"),
        ([slot(None, 1)], "(pokemon_id=None, slot=1)"),
        ([slot(25, None), slot(26, 1)], "(pokemon_id=25, slot=None)"),
        ([slot(26, 1), slot(25, 2)], "(pokemon_id=25, slot=2)"),
    ],
    ids=["twice", "null", "null last", "null alone", "null first", "out of order"],
)
def test_a_key_that_is_null_or_there_twice_blocks_and_is_named(rows, named):
    for batches in ([rows], [[row] for row in rows]):
        [finding] = audit(TYPES, *batches)
        assert (finding.level, finding.rule, finding.subject) == (Level.BLOCK, "primary-key", "types")
        assert finding.message == f"1 row whose key (pokemon_id, slot) is null or there twice: {named}"


def test_findings_name_some_rows_and_count_all():
    [finding] = audit(TYPES, [slot(25, 1)] * 5, [slot(25, 1)] * 95)
    assert finding.message.startswith("99 rows")
    assert finding.message.count("(pokemon_id=25, slot=1)") == SHOWN_ROWS


def test_a_null_where_none_is_declared_warns():
    """Eight fields of berries became nullable overnight."""
    [finding] = audit(POKEMON, [pokemon(25), {**pokemon(26), "name": None}], [{**pokemon(132), "name": None}])
    assert (finding.level, finding.rule, finding.subject) == (Level.WARN, "nulls", "pokemon")
    assert finding.message == "2 of 3 rows without name, which is declared as never null"


def test_a_null_that_is_declared_is_none_of_the_audits_business():
    assert audit(TYPES, [slot(25, 1, None)]) == []


def test_a_column_that_lost_all_its_values_warns():
    """As `cost` of all items did."""
    check = checked(TYPES, [slot(25, 1, None)], [slot(26, 1, None)])
    for before in (published, published_before):
        [finding] = judged(check, before(TYPES, 3, type_id=1), KNOWN)
        assert (finding.level, finding.rule, finding.subject) == (Level.WARN, "emptied-field", "types")
        assert finding.message.startswith("type_id had 2 values the last time and has none")


def test_a_column_that_was_not_there_lost_no_values():
    """Where the fields were others, only those that are known to have been there are judged."""
    check = checked(TYPES, [slot(25, 1, None)])
    others = replace(published(replace(TYPES, fields=TYPES.fields[:2]), 3))
    assert judged(check, others, KNOWN) == []
    assert judged(check, replace(others, fields=tuple(dictionary_of(TYPES)[:2])), KNOWN) == []
    reworded = replace(published(TYPES, 3), schema="0" * 64, fields=tuple(dictionary_of(TYPES)))
    assert [finding.rule for finding in judged(check, reworded, KNOWN)] == ["emptied-field"]


def test_a_column_that_lost_all_its_values_is_found_once_where_no_nulls_are_declared():
    check = checked(POKEMON, [{**pokemon(25), "name": None}])
    assert [item.rule for item in judged(check, published(POKEMON, 1, sort_order=1), KNOWN)] == ["emptied-field"]


@pytest.mark.parametrize(
    ("rows", "before"),
    [
        ([slot(25, 1, None)], published(TYPES, 3, type_id=3)),
        ([slot(25, 1, None), slot(26, 1)], published(TYPES, 3)),
        ([slot(25, 1, None)], None),
        ([slot(25, 1, None)], published(TYPES, 0)),
        ([], published(TYPES, 3)),
    ],
    ids=["empty before", "some values left", "first snapshot", "no rows before", "no rows"],
)
def test_a_column_that_did_not_lose_all_its_values_is_in_order(rows, before):
    assert judged(checked(TYPES, rows), before, {}) == []


def test_a_commit_that_counts_no_nulls_says_nothing_of_what_was_lost():
    before = replace(published_before(TYPES, 3), fields=tuple(dictionary_of(TYPES)))
    assert judged(checked(TYPES, [slot(25, 1, None)]), before, KNOWN) == []


def test_a_reference_is_resolved_whatever_the_width_of_ids():
    """Tables keep them in 16 or 32 bits; the documents' have 64, and not all of them fit."""
    ids = {"type": pa.array([13, 2**63 - 1], pa.int64())}
    assert judged(checked(TYPES, [slot(25, 1, 13)]), None, ids) == []


def test_a_reference_to_nothing_warns_and_is_named():
    rows = [pokemon(25), pokemon(26, species=999), pokemon(27, species=998), pokemon(28, species=999)]
    [finding] = audit(POKEMON, rows[:2], rows[2:])
    assert (finding.level, finding.rule, finding.subject) == (Level.WARN, "references", "pokemon")
    assert finding.message == "2 values of species_id point at no pokemon-species: 999, 998"


def test_an_unknown_generation_is_no_reference():
    generation = Field(GENERATION, pa.int16(), "Its generation. 0: unknown.", references="generation")
    table = replace(TYPES, fields=(*TYPES.fields, generation))
    check = checked(table, [{**slot(25, 1), GENERATION: 0}, {**slot(26, 1), GENERATION: 1}])
    assert judged(check, None, {"generation": pa.array([1], pa.int32())}) == []


def test_a_reference_to_a_resource_that_was_not_crawled_is_not_judged():
    assert "type" not in KNOWN
    assert audit(TYPES, [slot(25, 1, 999)]) == []


def test_a_reference_to_a_resource_without_documents_points_at_nothing():
    findings = judged(checked(TYPES, [slot(25, 1)]), None, {"type": pa.array([], pa.int32())})
    assert [finding.rule for finding in findings] == ["references"]


@pytest.mark.parametrize(("rows", "before"), [(80, 100), (0, 20), (1, 1), (101, 100), (0, 0), (1960, 2000)])
def test_a_table_may_lose_twenty_rows_or_two_percent_of_them(rows, before):
    assert audit(TYPES, rows_of(rows), before=before) == []


@pytest.mark.parametrize(("rows", "before"), [(79, 100), (0, 21), (979, 1000), (1959, 2000)])
def test_a_table_that_loses_more_asks(rows, before):
    [finding] = audit(TYPES, rows_of(rows), before=before)
    assert (finding.level, finding.rule, finding.subject) == (Level.ASK, "shrink", "types")
    assert finding.message == f"{rows:,} {'row' if rows == 1 else 'rows'}, {before:,} the last time"
    assert (finding.name, finding.before, finding.after) == ("shrink/types", before, rows)


def test_a_table_may_lose_more_when_it_is_allowed_to_by_name():
    assert audit(TYPES, rows_of(1), before=100, allow=("types",)) == []
    assert len(audit(TYPES, rows_of(1), before=100, allow=("pokemon",))) == 1


def test_a_table_whose_rows_newer_code_counts_otherwise_does_not_ask():
    """Every lake would be held by its first refresh after such an upgrade, though the source has lost nothing."""
    parent = replace(published(TYPES, 100, sort_order=100), grain="one row per slot, and per document that states it")
    [finding] = judged(checked(TYPES, rows_of(50)), parent, KNOWN)
    assert (finding.level, finding.rule) == (Level.WARN, "new-grain")
    assert finding.message == f"50 rows, 100 the last time; a row is something else than then: {TYPES.grain}"


def test_a_table_of_the_first_snapshot_cannot_shrink():
    assert audit(TYPES, [], before=None) == []


def test_everything_that_is_wrong_is_found_at_once():
    bad = [{**pokemon(25, species=999), "name": None}, pokemon(25)]
    found = audit(POKEMON, bad, before=100)
    assert [finding.rule for finding in found] == ["primary-key", "nulls", "references", "shrink"]


def test_a_writer_checks_what_it_is_given():
    writer = TableWriter(POKEMON, "generation", GENERATION)
    writer.add(conform(POKEMON, [pokemon(25, 1), pokemon(25, 2)]))
    [finding] = judged(writer.check, None, {})
    assert finding.rule == "primary-key"


def test_a_finding_reads_as_a_sentence_about_its_subject():
    assert (
        str(Finding(Level.BLOCK, "primary-key", "pokemon", "two rows with key 25")) == "pokemon: two rows with key 25"
    )
