"""The three APIs of the page about sources, from their settings to the first query, as the page shows them."""

import pytest

from tests.docs.sources import BUCKET, STORIES, chapter, executed
from tests.s3 import create_bucket


@pytest.mark.parametrize("name", STORIES)
def test_the_page_shows_what_its_lines_print(name: str, prefect_server: dict[str, str], bucket: str):
    create_bucket(BUCKET)
    story = STORIES[name]
    with story.serve() as api:
        found = executed(story, api)
    shown = {heading: chapter(heading) for heading in story.headings}
    assert found == shown, "`python -m tests.docs.sources` writes the outputs anew"
    assert {asked.partition(" ")[0] for asked in api.asked} == {"GET"}
