"""What a run has freed goes back to the system."""

import gc
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from flows.steps import whole
from flows.steps.connected import Crawl
from flows.steps.parameters import LakeLocation
from flows.steps.start import Start
from lake.assemble.staging import Manifest
from lake.crawl import Listing, Shard, Source, Upstream, Wanted
from lake.resource import Reference
from lake.store import Store

URL = "http://source.test/api/v2/"


def test_what_arrow_allocates_by_itself_comes_from_the_system():
    """Its own pool would keep what was freed; it chooses one when it is loaded, so nothing may load it before."""
    code = "import prefect, prefect_aws, flows.steps.memory, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "system"


def test_of_a_crawl_that_is_done_nothing_is_held_of_what_was_asked_for(store: Store, monkeypatch: pytest.MonkeyPatch):
    """It takes half a kilobyte a document, while the tables are built."""
    source, asked = Source(URL), list[int]()

    def fetch_all(crawl: Crawl, shards: Sequence[Shard], results: object) -> list[Manifest]:
        asked.extend(item.reference.id for shard in shards for item in shard.wanted)
        return []

    monkeypatch.setattr(whole, "fetch_all", fetch_all)
    upstream = Upstream(None, {"item": f"{URL}item/"})
    begun = Start(store, None, source, upstream, ("item",))
    before = held()
    references = tuple(Reference("item", id_, f"{URL}item/{id_}/", f"item/{id_}") for id_ in range(1, 301))
    crawl = Crawl("crawl", source, LakeLocation())
    crawled, *_ = whole.crawl_all(begun, crawl, None, [Listing("item", references)], ())
    del references
    assert (asked, crawled.source.resources) == ([*range(1, 301)], ("item",))
    assert held() == before


def held() -> int:
    gc.collect()
    return sum(isinstance(one, Reference | Wanted | Shard) for one in gc.get_objects())
