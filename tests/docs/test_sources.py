"""The sources that the page about sources shows are sources."""

import pytest
from prefect.blocks.core import Block

from blocks.source_config import SourceConfig
from lake.crawl.rest import url
from lake.source import Source
from tests.docs import code_blocks


def test_the_examples_save_sources_that_find_their_documents(monkeypatch: pytest.MonkeyPatch):
    saved: dict[str, Block] = {}
    monkeypatch.setattr(Block, "save", lambda block, name: saved.update({name: block}))
    names: dict[str, object] = {}
    for block in code_blocks("docs/sources.md", "python", "Another JSON API"):
        exec(block, names)
    sources = {name: block.source() for name, block in saved.items() if isinstance(block, SourceConfig)}
    assert {name: document(source) for name, source in sources.items()} == {
        "trainers": "https://api.example.org/v1/trainers",
        "gyms": "https://api.example.org/v1/gyms/7",
    }
    assert sources["trainers"].api_key_block in saved


def document(source: Source) -> str:
    """Return where the document 7 of a source with one collection lies."""
    assert source.rest
    [(resource, _)] = source.rest.collections
    return url(source, resource, f"{resource}/7")
