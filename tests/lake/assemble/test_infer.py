"""A lake whose tables nobody declared: they follow from the documents, and keep what they have from crawl to crawl."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from lake.assemble import infer, ranges, units
from lake.assemble.draft import Crawled
from lake.assemble.infer import SAMPLE, InferResult, InferUnit
from lake.commit import Commit
from lake.crawl import Rest, Source
from lake.errors import PublishError
from lake.layout import file_key
from lake.publish import remove_snapshot, same_files
from lake.store import Store
from lake.table_settings import ColumnSettings, TableSettings
from tests.lake.assemble.lakeside import Lakeside, audits, hashes
from tests.lake.assemble.posting import by_post

SHOPS = Source("https://shops.test/v1/", "rest", rest=Rest(collections=(("shop", "shops"),)))


def bodies(*documents: dict[str, Any]) -> dict[str, bytes]:
    return {f"shop/{document['id']}": json.dumps(document).encode() for document in documents}


MART = {"id": 1, "name": "Mart", "open": True, "at": {"town": "Viridian"}, "goods": [{"item": "potion", "price": 200}]}
STORE = {
    "id": 2,
    "name": "Store",
    "open": None,
    "at": {"town": "Celadon"},
    "goods": [],
    "since": "1996-02-27T00:00:00Z",
}


@pytest.fixture
def shops(store: Store) -> Lakeside:
    return Lakeside(store, SHOPS)


def types(lakeside: Lakeside, table: str, as_of: str | None = None) -> dict[str, str]:
    columns = lakeside.lake.columns(table, as_of)
    return dict(zip(columns["name"], columns["type"], strict=True))


def said(commit: Commit, rule: str) -> list[str]:
    return [entry["message"] for entry in commit.audits if entry["rule"] == rule]


def test_tables_follow_from_the_documents_and_drift_is_named(shops: Lakeside):
    """A first crawl, a new field, wider numbers, a value that does not fit, a field that is gone; and old snapshots."""
    first = shops.fill(bodies(MART, STORE))
    assert first.tables.keys() == {"documents", "document_index", "shop", "shop_goods"}
    assert types(shops, "shop") == {
        "id": "int64",
        "at_town": "string",
        "name": "string",
        "open": "bool",
        "since": "timestamp[us, tz=UTC]",
    }
    assert types(shops, "shop_goods") == {"shop_id": "int64", "ordinal": "int32", "item": "string", "price": "int64"}
    assert shops.lake.sql("FROM shop JOIN shop_goods ON id = shop_id SELECT name, price").values.tolist() == [
        ["Mart", 200]
    ]
    assert first.audits == ()

    odd = {**STORE, "at": {"town": 7}, "floors": 6, "goods": [{"item": "drink", "price": 1.5}]}
    second = shops.fill(bodies({**MART, "open": None}, odd))
    assert types(shops, "shop")["floors"] == "int64"
    assert types(shops, "shop_goods")["price"] == "double"
    assert [rule for rule, _ in audits(second)].count("drift") == 1
    assert said(second, "drift") == ["at.town: expected string, found int '7'; 1 value landed as null"]
    assert any("floors" in text for text in said(second, "new-column"))
    assert any("price" in text for text in said(second, "widened"))
    assert shops.lake.read("shop_goods")["price"].tolist() == [200.0, 1.5]

    third = shops.fill(bodies({"id": 1, "name": "Mart"}, odd))
    assert types(shops, "shop") == types(shops, "shop", second.snapshot)
    assert types(shops, "shop", first.snapshot).keys() == types(shops, "shop").keys() - {"floors"}
    assert types(shops, "shop_goods", first.snapshot)["price"] == "int64"
    assert shops.lake.diff("shop_goods", second.snapshot, third.snapshot).shape[0] == 1

    rebuilt = shops.draft(Crawled(third.source, (), is_partial=True), is_rebuild=True)
    assert rebuilt is not None
    assert same_files(rebuilt.commit.tables, third)
    assert {name: table.schema for name, table in rebuilt.commit.tables.items()} == {
        name: table.schema for name, table in third.tables.items()
    }


def test_one_order_of_documents_and_of_crawls_gives_the_same_bytes(store: Store):
    """The documents of one crawl; a second crawl of the same documents publishes nothing."""
    documents = bodies(MART, STORE)
    one = Lakeside(store, SHOPS).fill(documents)
    again = Lakeside(store, SHOPS).fill(dict(reversed(documents.items())))
    assert one == again


def test_some_files_are_looked_at_and_all_where_one_of_the_others_has_more(
    shops: Lakeside, monkeypatch: pytest.MonkeyPatch
):
    """What nobody looked at is held to what was seen, so the tables are those of all documents."""
    monkeypatch.setattr(ranges, "PART_JSON_BYTES", 200)
    monkeypatch.setattr(infer, "FEW", 8)
    looked_at, look = Counter[str](), units.infer_unit

    def infer_unit(store: Store, unit: InferUnit) -> InferResult:
        looked_at["files"] += 1
        return look(store, unit)

    monkeypatch.setattr(units, "infer_unit", infer_unit)

    def fill(*odd: dict[str, Any]) -> tuple[Commit, int]:
        looked_at.clear()
        alike = [{**MART, "id": number} for number in range(1, 31)]
        return shops.fill(bodies(*alike) | bodies(*odd)), looked_at["files"]

    def rebuilt(commit: Commit) -> Commit:
        draft = shops.draft(Crawled(commit.source, (), is_partial=True), is_rebuild=True)
        assert draft is not None
        remove_snapshot(shops.store, draft.commit.snapshot)
        return draft.commit

    first, looked = fill()
    files = len(first.tables["documents"].files)
    assert files > 2 * SAMPLE
    assert looked == SAMPLE

    odd = {**MART, "id": 17, "floors": 6, "goods": [{"item": "drink", "price": 1.5}]}
    second, looked = fill(odd)
    assert looked == SAMPLE + files
    assert types(shops, "shop")["floors"] == "int64"
    assert types(shops, "shop_goods")["price"] == "double"
    assert {"new-column", "widened"} <= {rule for rule, _ in audits(second)}
    assert same_files(rebuilt(second).tables, second)

    third, looked = fill(odd, {**MART, "id": 23, "floors": 7})
    assert looked == SAMPLE
    assert third.audits == ()

    lasting = {**MART, "id": 20, "at": {"town": 7}}
    fourth, looked = fill(odd, lasting)
    assert looked == SAMPLE
    assert said(fourth, "drift") == ["at.town: expected string, found int '7'; 1 value landed as null"]
    with monkeypatch.context() as patch:
        patch.setattr(infer, "FEW", files)
        assert same_files(rebuilt(fourth).tables, fourth)


def test_what_is_assumed_goes_by_post(shops: Lakeside, monkeypatch: pytest.MonkeyPatch):
    """Units are done on other machines; one that finds more than was assumed says so, and the next try holds."""
    monkeypatch.setattr(ranges, "PART_JSON_BYTES", 200)
    monkeypatch.setattr(infer, "FEW", 8)
    alike = bodies(*({**MART, "id": number} for number in range(1, 31)))
    shops.fill(alike)
    for odd in ({"id": 9, "name": "Mall"}, {"id": 9, "name": "Mall", "floors": 1.5}):
        crawled = shops.crawl(alike | bodies(odd))
        here, there = shops.draft(crawled), shops.draft(crawled, run_units=by_post)
        assert here is not None
        assert there is not None
        assert hashes(there.commit) == hashes(here.commit)
        assert there.findings == here.findings


def test_a_column_keeps_its_type_where_its_list_of_fields_is_lost(shops: Lakeside):
    """The files say the same as the object that a commit names."""
    first = shops.fill(bodies(MART, STORE))
    shops.store.delete([f"snapshots/schemas/{table.schema}.json" for table in first.tables.values()])
    second = shops.fill(bodies({**MART, "at": 5}, STORE))
    assert types(shops, "shop") == types(shops, "shop", first.snapshot)
    assert second.tables["shop"].schema == first.tables["shop"].schema


def test_text_ids_are_keys_and_a_text_among_numbers_is_left_out(store: Store):
    league = Lakeside(store, Source("https://league.test/v1/", "rest"))
    first = league.fill({"trainer/1": b'{"id":1,"team":["pikachu","eevee"]}'})
    assert first.tables.keys() == {"documents", "document_index", "trainer", "trainer_team"}
    second = league.fill({"trainer/1": b'{"id":1,"team":["eevee","pikachu"]}'})
    assert second.changes == {"trainer": {"added": 0, "modified": 1, "deleted": 0, "reordered": 0}}
    assert league.lake.read("trainer_team")["value"].tolist() == ["eevee", "pikachu"]


def told(shops: Lakeside, **tables: TableSettings) -> Lakeside:
    """Return the same lake with settings for the shops, and for their goods."""
    names = {"shop": "shop", "goods": "shop.goods[]"}
    said = tuple((names[name], table) for name, table in tables.items())
    return Lakeside(shops.store, replace(SHOPS, tables=said))


def test_settings_declare_what_one_wants_more(shops: Lakeside):
    """Names, types, units, a partition, columns left out; they hold for a rebuild, which knows no settings."""
    documents = bodies(MART, STORE)
    first = shops.fill(documents)
    other = told(
        shops,
        shop=TableSettings(
            name="shops",
            partition="at.town",
            omit=("open",),
            columns=(
                ("at.town", ColumnSettings("town", description="Where it is.")),
                ("since", ColumnSettings(type="string")),
            ),
        ),
        goods=TableSettings(name="goods", columns=(("price", ColumnSettings("price_yen", "double", "yen")),)),
    )
    second = other.fill(documents)
    assert second.tables.keys() == {"documents", "document_index", "shops", "goods"}
    assert types(other, "shops") == {
        "id": "int64",
        "town": "string",
        "name": "string",
        "since": "string",
        "town_part": "string",
    }
    assert [file.name for file in second.tables["shops"].files] == [
        "town_part=celadon/part-0.parquet",
        "town_part=viridian/part-0.parquet",
    ]
    assert other.lake.read("shops", [("town_part", "==", "viridian")])["name"].tolist() == ["Mart"]
    goods = other.lake.columns("goods").set_index("name")
    assert (goods.loc["price_yen", "type"], goods.loc["price_yen", "unit"]) == ("double", "yen")
    assert "open" in types(other, "shop", first.snapshot)
    assert other.fill(documents) == second

    rebuilt = other.draft(Crawled(second.source, (), is_partial=True), is_rebuild=True)
    assert rebuilt is not None
    assert same_files(rebuilt.commit.tables, second)


def test_a_key_that_documents_state_is_one_only_if_each_has_its_own(shops: Lakeside):
    by_name = told(shops, shop=TableSettings(key="name"))
    by_name.fill(bodies(MART, STORE))
    assert by_name.lake.read("shop")["name"].tolist() == ["Mart", "Store"]
    assert by_name.lake.read("shop_goods")["shop_name"].tolist() == ["Mart"]
    twice = bodies(MART, STORE, {**MART, "id": 3})
    with pytest.raises(PublishError, match=r"2 rows whose key \(name\) is null or there twice: \(name='Mart'\)"):
        by_name.fill(twice)


def test_a_file_that_is_lost_is_built_into_its_partition_again(shops: Lakeside):
    """Nothing has changed then, so the columns and the partition are those of the snapshot before."""
    parted = told(shops, shop=TableSettings(partition="at.town"))
    first = parted.fill(bodies(MART, STORE))
    parted.store.delete([file_key(first.snapshot, "shop", first.tables["shop"].files[0].name)])
    second = parted.fill(bodies(MART, STORE))
    assert second.snapshot != first.snapshot
    assert second.tables["shop"] == first.tables["shop"]
