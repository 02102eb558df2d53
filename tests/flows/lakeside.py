"""What tests of the flows do at a lake: change its source, look at what was published, and at what was said."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventOrder, EventResourceFilter

from flows.local.replica import Corpus, Running
from lake.commit import Commit, head
from lake.crawl import Listing, Source, batches, cut
from lake.crawl.pokeapi import ENCOUNTERS
from lake.errors import LakeError
from lake.resource import Reference
from lake.store import Store
from tests.lake.assemble.lakeside import Documents, versioned
from tests.waiting import until


def release(running: Running, documents: Documents) -> None:
    """Serve other documents, as a new version where the source gives one."""
    running.switch(Corpus.from_documents(versioned(documents)))


def asked(running: Running, paths: set[str]) -> Counter[str]:
    """Return how often each document was asked for."""
    by_path = running.counters()["by_path"]
    return Counter({path: sum(by_path[path].values()) for path in paths if path in by_path})


def asked_twice(running: Running, paths: set[str]) -> set[str]:
    """Return the documents that were asked for more than once."""
    return {path for path, times in asked(running, paths).items() if times > 1}


def tasks(paths: set[str]) -> list[set[str]]:
    """Return the documents that each task of a first crawl asks for, in the tasks' order."""
    listed: dict[str, list[Reference]] = {}
    for resource, id_, path in sorted((_resource(path), int(path.split("/")[1]), path) for path in paths):
        listed.setdefault(resource, []).append(Reference(resource, id_, "", path))
    source = Source("http://pokeapi.test/")
    shards = [shard for name, found in listed.items() for shard in cut(source, Listing(name, tuple(found)), {})]
    return [{item.reference.path for shard in batch.shards for item in shard.wanted} for batch in batches(shards)]


def _resource(path: str) -> str:
    return ENCOUNTERS if path.endswith("/encounters") else path.split("/")[0]


def current(store: Store) -> Commit:
    commit = head(store)
    assert commit is not None
    return commit


def error_of(state: State[Any], kind: type[LakeError]) -> LakeError:
    """Return the exception that a run failed with."""
    assert state.is_failed()
    with pytest.raises(kind) as caught:
        state.result()
    return caught.value


@contextmanager
def overtaken(rival: Callable[[], None]) -> Iterator[None]:
    """Let a rival publish right before the next run does."""
    import flows.steps.publish

    commit, begun = flows.steps.publish.commit_snapshot, []

    def overtake(target: Store, draft: Commit) -> Commit:
        if not begun:
            begun.append(True)
            rival()
        return commit(target, draft)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flows.steps.publish, "commit_snapshot", overtake)
        yield


def event(name: str, resource_id: str, since: datetime) -> dict[str, Any]:
    """Return the payload of the event of this name about this resource since then, as soon as the server has it."""
    [found] = events(name, resource_id, since, 1)
    return found


def events(name: str, resource_id: str, since: datetime, count: int) -> list[dict[str, Any]]:
    """Return the payloads of all events of this name about this resource since then, as soon as there are so many."""
    wanted = EventFilter(
        event=EventNameFilter(name=[name]),
        resource=EventResourceFilter(id=[resource_id]),
        occurred=EventOccurredFilter(since=since),
        order=EventOrder.ASC,
    )

    def said() -> list[dict[str, Any]]:
        with get_client(sync_client=True) as client:
            return [event.payload for event in client.read_events(wanted, limit=50).events]

    # Events reach the server through a queue, and its database in batches.
    return until(said, every=0.1, enough=lambda found: len(found) >= count)
