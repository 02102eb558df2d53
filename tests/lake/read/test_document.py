"""Documents as they were received."""

from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lake.read.document as lake_document
from lake.errors import LakeError, UnknownNameError
from lake.layout import table_folder
from lake.read import Lake
from lake.store import Store
from tests.lake.read import FIRST, SECOND, document, publish

# White space and the order of keys are the source's own.
PIKACHU = '{"name": "pikachu",\n "id": 25 , "größe": 4}'


@pytest.fixture
def lake(store: Store) -> Lake:
    """Open a lake in which Pikachu's document changed, and a source without numbers for ids."""
    others = [
        document("pokemon", 132, '{"id": 132}'),
        document("pokemon", 10100, '{"id": 10100}'),
        document("pokemon-encounters", 25, "[]", "pokemon/25/encounters"),
        document("servers", 7, '{"id": "red"}', "servers/red"),
        document("servers", 7, '{"id": "blue"}', "servers/blue"),
    ]
    publish(store, FIRST, [], [document("pokemon", 25, '{"id": 25}'), *others])
    publish(store, SECOND, [], [document("pokemon", 25, PIKACHU), *others])
    return Lake(store)


def test_a_document_is_returned_byte_for_byte(lake: Lake):
    assert lake.document("pokemon", 25) == PIKACHU.encode()


def test_a_document_is_returned_as_it_was(lake: Lake):
    assert lake.document("pokemon", 25, as_of="2026-07-06") == b'{"id": 25}'


def test_encounters_are_found_by_the_id_of_their_pokemon(lake: Lake):
    assert lake.document("pokemon-encounters", 25) == b"[]"


def test_a_document_whose_id_is_no_number_is_found_by_its_path(lake: Lake):
    assert lake.document("servers", path="servers/blue") == b'{"id": "blue"}'


def test_documents_that_share_an_id_are_told_apart_by_their_path(lake: Lake):
    with pytest.raises(LakeError, match=r"2 documents have the id 7; .+\(--path\): servers/blue, servers/red"):
        lake.document("servers", 7)
    assert lake.document("servers", 7, path="servers/red") == b'{"id": "red"}'


def test_an_unknown_resource_is_answered_with_those_that_exist(lake: Lake):
    with pytest.raises(UnknownNameError, match="no resource 'item'; there are: pokemon, pokemon-encounters, servers"):
        lake.document("item", 1)


def test_an_unknown_id_is_answered_with_the_range_of_ids(lake: Lake):
    with pytest.raises(UnknownNameError, match="no document of pokemon '26'; there are: 3 with ids from 25 to 10100"):
        lake.document("pokemon", 26)


def test_neither_id_nor_path_is_refused(lake: Lake):
    with pytest.raises(LakeError, match="expected the id of a document, its name or its path, found none"):
        lake.document("pokemon")


def test_only_the_row_group_that_can_hold_it_is_read(lake: Lake, store: Store):
    """Seen by spoiling the other one, which is noticed when it is read."""
    key = f"{table_folder(SECOND, 'documents')}/resource=pokemon/part-0.parquet"
    body = bytearray(store.get(key))
    bodies = pq.ParquetFile(pa.BufferReader(body)).metadata.row_group(1).column(6)
    body[bodies.dictionary_page_offset + bodies.total_compressed_size - 1] ^= 1
    store.delete([key])
    store.create(key, bytes(body))
    assert lake.document("pokemon", 25) == PIKACHU.encode()
    with pytest.raises(LakeError, match="expected the content with SHA-256"):
        lake.document("pokemon", 10100)


@pytest.mark.parametrize("came", ["an error", "no row", "another body"])
def test_what_came_damaged_in_parts_is_read_from_the_whole_file(lake: Lake, monkeypatch: pytest.MonkeyPatch, came: str):
    """A bit that flips in a footer can make a document unknown."""
    scan = lake_document._scan

    def damaged(*asked: Any, whole_bytes: int | None = None) -> pa.Table:
        rows = scan(*asked, whole_bytes=whole_bytes)
        if whole_bytes is None:
            return rows
        if came == "an error":
            raise LakeError("Couldn't deserialize thrift")
        return rows.slice(1) if came == "no row" else rows.set_column(2, "body", [["{}"]])

    monkeypatch.setattr(lake_document, "_scan", damaged)
    assert lake.document("pokemon", 25) == PIKACHU.encode()


def test_a_document_is_found_by_its_name_or_by_the_end_of_its_path(lake: Lake):
    assert lake.document("pokemon", "pikachu") == PIKACHU.encode()
    assert lake.document("pokemon", "25") == PIKACHU.encode()
    assert lake.document("servers", "blue") == b'{"id": "blue"}'
    assert lake.document("pokemon-encounters", "pikachu") == b"[]"
    for resource in ("pokemon", "pokemon-encounters"):
        with pytest.raises(UnknownNameError, match=r"no document of pokemon 'pikachoo'; .+ Did you mean pikachu\?"):
            lake.document(resource, "pikachoo")
    with pytest.raises(UnknownNameError, match=r"'servers/bleu'; .+ Did you mean servers/blue"):
        lake.document("servers", path="servers/bleu")


def test_a_name_that_several_documents_have_is_answered_with_their_ids(store: Store):
    publish(store, FIRST, [], [document("form", 7, '{"name": "sky"}'), document("form", 8, '{"name": "sky"}')])
    with pytest.raises(LakeError, match="form: 2 documents are called 'sky'; pass one id: 7, 8"):
        Lake(store).document("form", "sky")


def test_a_document_is_found_by_its_text_as_the_source_gives_it(store: Store):
    """The path has it percent-encoded, and that form is valid too, unless it is the id of another document."""
    ids = {"S/003·ñ東": 3, "a/b": 4, "a%2Fb": 5, "007": 6, "9" * 30: 7, "12": 8}
    paths = {text: f"ship/{quote(text, safe='')}" for text in ids}
    ships = [document("ship", id_, f'{{"at": {id_}}}', paths[text]) for text, id_ in ids.items()]
    publish(store, FIRST, [], [*ships, document("ship", 9, '{"at": 9, "name": "a/b"}'), document("ship", 70, "{}")])
    lake = Lake(store)
    for text, id_ in ids.items():
        assert lake.document("ship", text) == lake.document("ship", path=paths[text]) == f'{{"at": {id_}}}'.encode()
    assert lake.document("ship", "S%2F003%C2%B7%C3%B1%E6%9D%B1") == b'{"at": 3}'
    assert lake.document("ship", "a%252Fb") == b'{"at": 5}'
    assert lake.document("ship", "0070") == b"{}"
    with pytest.raises(UnknownNameError, match=r"no document of ship 'S/003'; there are: 8.*Did you mean S/003·ñ東\?"):
        lake.document("ship", "S/003")
    for digits in ("13", "9" * 5000):
        with pytest.raises(UnknownNameError, match=r"no document of ship '\d+.*; there are: 8 with ids from 3 to 70"):
            lake.document("ship", digits)
