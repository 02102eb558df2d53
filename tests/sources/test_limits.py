"""What a source grants is kept to: it says how long to wait, and what has not changed is not sent again."""

import asyncio
from collections import Counter

import pytest

from lake.crawl import Fetched, Pace, Rest, Source, cut, fetch
from lake.resource import AtHand
from tests.lake.crawl import PATIENCE_SECONDS, listing, source
from tests.sources import Api
from tests.sources.gyms import busy, gyms

PATH = "/v1/gyms/pewter"


def crawl(settings: Source, before: Fetched | None = None) -> Fetched:
    """Crawl all gyms as one shard; those that were received before are at hand."""
    here = {item.id: AtHand(item.etag, item.path) for item in before.received} if before else {}
    [shard] = cut(settings, listing(settings, "gym"), here)
    return asyncio.run(asyncio.wait_for(fetch(settings, Pace(settings), shard), PATIENCE_SECONDS))


def settings(api: Api) -> Source:
    rest = Rest(
        collections=(("gym", "gyms"),),
        results_path="",
        id_path="slug",
        next_path="",
        page_size_parameter="per_page",
        document_path="{listing}/{id}",
    )
    return source(api.base_url, kind="rest", rest=rest, page_size=100)


@pytest.mark.parametrize("status", [429, 403])
def test_a_document_that_is_refused_for_a_time_is_asked_for_again(status: int):
    """As GitHub does, with either status; it says when to come back."""
    with gyms({PATH: busy(status)}) as api:
        fetched = crawl(settings(api))
    assert (len(fetched.received), fetched.failed) == (12, [])
    assert [asked for asked, times in Counter(api.asked).items() if times > 1] == [f"GET {PATH}"]


def test_only_what_changed_is_sent_again():
    with gyms() as api:
        first = crawl(settings(api))
        api.documents["pewter"] = api.documents["pewter"].replace(b'"fee":500', b'"fee":550')
        del api.documents["viridian"]
        second = crawl(settings(api), first)
    assert [item.path for item in second.received] == ["gym/pewter"]
    assert len(second.unchanged) == 10
    assert [reference.path for reference in second.gone] == ["gym/viridian"]
