"""The source block holds every setting of a source, and no key."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.source_config import RestConfig, SourceConfig
from lake.crawl import Rest, Source

REST = Rest(
    collections=(("trainer", "trainers"), ("badge", "badges/all")),
    results_path="data.items",
    id_path="key",
    paging="cursor",
    next_path="page.cursor",
    cursor_parameter="after",
    page_size_parameter="limit",
    count_path="page.total",
    document_path="trainers/{id}",
)
LEAGUE = Source(
    "https://league.test/v1/",
    kind="rest",
    resources=("trainer",),
    rest=REST,
    listing_ttl_seconds=60,
    global_limit="league",
    api_key_block="league-key",
    api_key_header="X-Key",
    api_key_prefix="",
)


@pytest.mark.parametrize("source", [Source(), LEAGUE], ids=["pokeapi", "rest"])
def test_a_source_comes_back_from_its_block(source: Source):
    assert SourceConfig.of(source).source() == source


@given(st.builds(Rest, collections=st.dictionaries(st.text(), st.text()).map(lambda named: tuple(named.items()))))
def test_any_rest_settings_come_back(rest: Rest):
    assert RestConfig.of(rest).rest() == rest


def test_a_block_that_was_saved_before_there_were_kinds_crawls_pokeapi():
    saved = {"base_url": "https://pokeapi.co/api/v2/", "resources": ["pokemon", "type"], "connections": 4}
    assert SourceConfig.model_validate(saved).source() == Source(resources=("pokemon", "type"), connections=4)


@pytest.mark.parametrize(("block", "settings"), [(SourceConfig, Source), (RestConfig, Rest)])
def test_every_setting_has_a_field_with_a_sentence(block, settings):
    described = {name: field for name, field in block.model_fields.items() if not name.startswith("_")}
    assert {field.name for field in fields(settings)} <= described.keys()
    assert all((described[field.name].description or "").endswith(".") for field in fields(settings))


@pytest.mark.parametrize(
    "rest", [{"paging": "pages"}, {"colections": {"trainer": "trainers"}}, {"collections": ["trainers"]}], ids=str
)
def test_settings_that_nobody_would_read_are_refused(rest: dict[str, object]):
    with pytest.raises(ValidationError):
        SourceConfig.model_validate({"kind": "rest", "rest": rest})
