"""What tests of the flows do at a lake: change its source, look at what was published, and at what was said."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from hashlib import sha1
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventResourceFilter

from flows.local.replica import Corpus, Running
from lake.commit import Commit, head
from lake.errors import LakeError
from lake.store import Store
from tests.waiting import until

Documents = dict[str, bytes]


def without_meta(documents: Documents) -> Documents:
    """Return the documents of a source that gives no version of itself."""
    return {path: body for path, body in documents.items() if path != "meta"}


def changed(documents: Documents, path: str, **members: Any) -> Documents:
    """Return the documents with some members of one of them replaced."""
    return {**documents, path: json.dumps({**json.loads(documents[path]), **members}).encode()}


def release(running: Running, documents: Documents) -> None:
    """Serve other documents, as a new version where the source gives one."""
    if "meta" in documents:
        version = sha1(b"".join(documents[path] for path in sorted(documents))).hexdigest()
        documents = changed(documents, "meta", hash=version)
    running.switch(Corpus.from_documents(documents))


def served(documents: Documents, running: Running, path: str) -> str:
    """Return a document as the replica sends it: with absolute URLs."""
    return documents[path].decode().replace('"/api/v2/', f'"{running.url}')


def asked(running: Running, paths: set[str]) -> Counter[str]:
    """Return how often each document was asked for."""
    by_path = running.counters()["by_path"]
    return Counter({path: sum(by_path[path].values()) for path in paths if path in by_path})


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


def overtake(monkeypatch: pytest.MonkeyPatch, rival: Callable[[], None]) -> None:
    """Let a rival publish right before the next run does."""
    import flows.steps.publish

    commit, begun = flows.steps.publish.commit_snapshot, []

    def overtaken(target: Store, draft: Commit) -> None:
        if not begun:
            begun.append(True)
            rival()
        commit(target, draft)

    monkeypatch.setattr(flows.steps.publish, "commit_snapshot", overtaken)


def event(name: str, resource_id: str, since: datetime) -> dict[str, Any]:
    """Return the payload of the event of this name about this resource since then, as soon as the server has it."""
    wanted = EventFilter(
        event=EventNameFilter(name=[name]),
        resource=EventResourceFilter(id=[resource_id]),
        occurred=EventOccurredFilter(since=since),
    )
    with get_client(sync_client=True) as client:
        # Events reach the server through a queue, and its database in batches.
        [found] = until(lambda: client.read_events(wanted, limit=2).events, every=0.1)
    return found.payload
