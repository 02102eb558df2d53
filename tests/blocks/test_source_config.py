"""The source block holds every setting of a source, and no key."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite
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
    offset_parameter="skip",
    page_parameter="number",
    first_page=0,
    page_size_parameter="limit",
    count_path="page.total",
    count_header="X-Total-Count",
    more_path="page.more",
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
    api_key_in="oauth2",
    api_key_parameter="key",
    oauth2_token_url="https://league.test/token",
    oauth2_scope="read",
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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"base_ur": "https://league.test/"}, "a source has no setting base_ur (is base_url meant?)"),
        ({"base_url": "https://league.test/", "key": "cerulean"}, "a source has no setting key"),
        ({"rest": {"result_path": "data"}}, "rest.result_path\n  Extra inputs are not permitted"),
    ],
)
def test_a_setting_that_does_not_exist_is_refused_because_the_default_would_be_crawled(
    given: dict[str, Any], said: str
):
    with pytest.raises(ValidationError) as refused:
        SourceConfig(**given)
    assert said in str(refused.value)
    with pytest.raises(ValidationError):
        SourceConfig.model_validate(given)


class TestBlock(BlockStandardTestSuite):
    """What Prefect asks of every block, except a logo and a documentation on the web, which Pokélake does not have."""

    test_has_a_documentation_url = None
    test_has_a_valid_image = None

    @pytest.fixture
    def block(self) -> type[Block]:
        return SourceConfig


@pytest.mark.parametrize(
    "wrong",
    [{"requests_per_second": -1}, {"connections": 0}, {"timeout_seconds": 0}, {"tolerated_failures": 1.5}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_number_out_of_bounds_is_refused(wrong: dict[str, float]):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        SourceConfig.model_validate(wrong)


@pytest.mark.parametrize(
    "rest", [{"paging": "pages"}, {"colections": {"trainer": "trainers"}}, {"collections": ["trainers"]}], ids=str
)
def test_settings_that_nobody_would_read_are_refused(rest: dict[str, object]):
    with pytest.raises(ValidationError):
        SourceConfig.model_validate({"kind": "rest", "rest": rest})
