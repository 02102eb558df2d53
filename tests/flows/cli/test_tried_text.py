"""What a person reads of a source that was tried, without the source."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.cli.tried import Tried
from flows.cli.tried_text import text
from lake.crawl.trial import Trial
from lake.resource import Document
from lake.source import Rest, Source

SOURCE = Source("https://trainers.test/", "rest", rest=Rest((("trainer", "trainers"),)))


def read(*documents: dict[str, Any]) -> str:
    """Return what is said of trainers."""
    at = datetime(2026, 8, 8, tzinfo=UTC)
    received = tuple(
        Document("trainer", id_, f"trainer/{id_}", None, at, json.dumps(of).encode())
        for id_, of in enumerate(documents, 1)
    )
    items = len(documents)
    trial = Trial("trainer", SOURCE.base_url, items, items, bytes=99, is_inline=True, documents=received)
    return text(Tried.of(SOURCE, [trial], {}, 1, "trainer", ""))


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (120, "motto  string  Brock of Pewter City, a lea…  Misty of Cerulean City"),
        (80, "motto  string  Brock of Pewter…  Misty of Cerulea…"),
        # Records, because not even short values fit beside each other.
        (40, "row 1  Brock of Pewter City, a leader"),
    ],
)
def test_a_long_name_of_a_column_leaves_the_values_room(width: int, said: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", str(width))
    long = "_".join(["previous_owner"] * 4)
    mottoes = ["Brock of Pewter City, a leader", "Misty of Cerulean City"]
    lines = read(*({"id": number, "motto": motto, long: number} for number, motto in enumerate(mottoes))).splitlines()
    assert said.split() in [line.split() for line in lines]
    # A name is whole somewhere.
    assert any(line.endswith(long) for line in lines)


def test_of_a_collection_without_documents_no_table_is_shown():
    out = read()
    assert "\n\nno document was found, so no table can be shown\n\n" in out
    assert "tables that are declared" not in out
