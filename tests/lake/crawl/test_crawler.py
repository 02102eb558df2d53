"""Which crawlers there are."""

from pathlib import Path

import pytest

from lake.crawl import crawler, pokeapi, rest
from lake.errors import UnknownNameError
from tests.lake.crawl import install


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "digimon", '"""Not a word about crawling."""')


def test_pokeapi_and_rest_are_built_in():
    assert (crawler("pokeapi"), crawler("rest")) == (pokeapi, rest)


@pytest.mark.usefixtures("installed")
def test_an_installed_package_can_bring_one_along():
    assert crawler("digimon").__name__ == "digimon_crawlers"


@pytest.mark.usefixtures("installed")
def test_an_unknown_one_is_answered_with_those_that_exist():
    with pytest.raises(UnknownNameError, match="no crawler 'soap'; there are: digimon, pokeapi, rest"):
        crawler("soap")
