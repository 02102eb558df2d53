"""The three APIs of the page about sources, from their settings to the first query, as the page shows them."""

import pytest

from tests.docs.sources import APIS, BUCKET, chapter, executed
from tests.s3 import create_bucket


@pytest.mark.parametrize("heading", APIS)
def test_the_page_shows_what_its_lines_print(heading: str, prefect_server: dict[str, str], bucket: str):
    create_bucket(BUCKET)
    with APIS[heading]() as api:
        assert executed(heading, api) == chapter(heading), "`python -m tests.docs.sources` writes the outputs anew"
    assert all(asked.startswith("GET ") for asked in api.asked)
