"""What the page about sources shows beside the three APIs, which run in `tests/flows/test_sources_page.py`."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from blocks.source_config import TableConfig
from lake.crawl import Client, Pace, Upstream, crawler, cut, fetch
from tests.docs import code_blocks
from tests.docs.sources import chapter, check_answer
from tests.lake.crawl import PATIENCE_SECONDS, install, listing, source
from tests.sources.gyms import gyms

HEADING = "A crawler of your own"


def test_its_crawler_crawls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code, saved = code_blocks("docs/sources.md", "python", HEADING)
    assert 'kind="league"' in saved
    install(tmp_path, monkeypatch, "league", code)
    with gyms() as api:
        [shown] = code_blocks("docs/sources.md", "http", HEADING)
        check_answer(shown, api.base_url.removesuffix("/v1/"))
        league = source(api.base_url, kind="league")

        async def version() -> Upstream:
            async with Client(league, Pace(league), 1) as client:
                return await crawler("league").probe(client)

        before = asyncio.run(version())
        [shard] = cut(league, listing(league, "gym"), {})
        fetched = asyncio.run(asyncio.wait_for(fetch(league, Pace(league), shard), PATIENCE_SECONDS))
        assert {item.path: item.body for item in fetched.received} == {
            f"gym/{slug}": body for slug, body in api.documents.items()
        }
        del api.documents["viridian"]
        assert asyncio.run(version()).version != before.version


def test_what_it_says_of_tables_are_settings():
    said = [json.loads(f"{{{text}}}") for text in re.findall(r"\| `(\"\w+\": [^`]+)`", chapter("Typed tables"))]
    tables = [TableConfig(**one if "omit" in one else {"columns": one}).table() for one in said]
    assert len(tables) == 7
    assert {column.type for table in tables for _, column in table.columns} >= {"double", "int64", "date", "json"}
