"""How what must be built is cut into groups: each is a unit of work that needs none of the others."""

from collections import Counter
from collections.abc import Iterable

import msgspec
import pytest

from flows.local.replica import demo_documents
from lake import tables
from lake.assemble.stored import document_files
from lake.assemble.work import Group, Work, cut_groups, plan_work, tables_in
from lake.store import Store
from lake.tables import POKEAPI, catalog_of
from lake.tables.inferred.stored import InferredTable
from tests.lake.assemble.lakeside import Lakeside, only

CATALOG = catalog_of(POKEAPI)
EVERY = sorted({name for table in CATALOG.tables for name in table.resources} | {"weather"})


def everything(resources: Iterable[str] = EVERY) -> Work:
    held = frozenset(resources)
    return Work(frozenset(table.name for table in tables_in(CATALOG, held, None)), held)


def fillers(group: Group, resources: Iterable[str]) -> set[str]:
    """Return the resources that fill a table of a group."""
    return {name for name in resources if {table.name for table in CATALOG.tables_of(name)} & set(group.tables)}


@pytest.mark.parametrize("resources", [EVERY, ["pokemon", "item", "language"], ["weather"], []], ids=len)
def test_groups_are_all_tables_that_are_to_be_built_each_once(resources: list[str]):
    work = everything(resources)
    counted = Counter(name for group in cut_groups(CATALOG, resources, work) for name in group.tables)
    assert counted == Counter(work.tables)


def test_a_group_parses_what_fills_its_tables():
    for group in cut_groups(CATALOG, EVERY, everything()):
        assert group.parsed == tuple(sorted(fillers(group, EVERY))), group
        assert (group.kind, group.carried) == (POKEAPI, ()), group


def test_what_is_not_to_be_parsed_is_carried():
    work = Work(everything().tables, frozenset({"item", "weather"}))
    for group in cut_groups(CATALOG, EVERY, work):
        filling = fillers(group, EVERY)
        assert set(group.parsed) == filling & work.resources, group
        assert set(group.carried) == filling - work.resources, group
        assert list(group.carried) == sorted(group.carried)


def test_each_resource_is_counted_in_the_one_group_that_does_not_read_it_again():
    """There its tables of its own are, or the generic one; so what no table knows is looked for once."""
    counted = Counter(
        name for group in cut_groups(CATALOG, EVERY, everything()) if not group.reads_again for name in group.parsed
    )
    assert counted == Counter(EVERY)


def test_the_tables_that_many_resources_fill_are_one_group_and_the_generic_one_another():
    groups = {group.tables: group for group in cut_groups(CATALOG, EVERY, everything())}
    again = [group for group in groups.values() if group.reads_again]
    assert [set(group.tables) for group in again] == [
        {table.name for table in CATALOG.tables if table.resources and "resource_name" in table.schema.names}
    ]
    assert groups["document_values",].parsed == ("weather",)


def test_generations_are_needed_where_a_table_with_them_is_built_of_documents():
    needed = {group.tables for group in cut_groups(CATALOG, EVERY, everything()) if group.needs_generations}
    assert {name for names in needed for name in names} >= {"pokemon", "pokemon_stats"}
    assert not any("items" in names or "names" in names for names in needed)
    carried = Work(everything().tables, frozenset())
    assert not any(group.needs_generations for group in cut_groups(CATALOG, EVERY, carried))


def test_the_inferred_tables_of_a_resource_are_one_group():
    trainers = InferredTable("trainer", "one row per trainer", "trainer", ("id",), ())
    league = catalog_of("rest", (trainers, msgspec.structs.replace(trainers, name="trainer_team", rows="team[]")))
    [group] = cut_groups(league, ["trainer"], plan_work(league, ["trainer"], ["trainer"], (), None))
    assert group == Group("rest", ("trainer", "trainer_team"), ("trainer",), (), False)


def test_a_change_of_the_code_or_of_the_kind_builds_everything(store: Store, monkeypatch: pytest.MonkeyPatch):
    documents = only(demo_documents(), "type")
    parent = Lakeside(store).fill(documents)
    held = sorted(document_files(parent))
    none, every = Work(frozenset(), frozenset()), everything(held)
    assert plan_work(CATALOG, held, (), (), parent) == none
    rest = plan_work(catalog_of("rest"), held, (), (), parent)
    assert rest == Work(frozenset(), frozenset(held))
    monkeypatch.setattr(tables, "fingerprint", lambda *_: "0123456789abcdef")
    assert plan_work(CATALOG, held, (), (), parent) == every
    assert plan_work(CATALOG, held, (), (), None) == every
