"""A lake that lives as long as a test file: a chain of runs is made once, and its tests look at what each left."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from prefect.client.schemas import State

from flows.discover import discover
from flows.local.replica import Corpus, Running, replica
from flows.refresh import refresh
from flows.steps.outcome import spoken
from flows.steps.parameters import LakeLocation, SourceChoice
from lake.commit import Commit, head
from lake.read import Lake
from lake.store import Store
from tests.conftest import use_s3
from tests.flows.lakeside import release
from tests.lake import keys
from tests.lake.assemble.lakeside import Documents


@dataclass(frozen=True)
class Step:
    """One run of a chain: how it ended, what the replica counted of it, and what lay in the lake afterwards.

    The state of a run that was killed is None.
    """

    state: State[Any] | None
    counters: dict[str, Any]
    commit: Commit
    keys: set[str]

    @property
    def asked(self) -> list[str]:
        """The paths of all requests, apart from the root and ``meta``."""
        return [path for path in self.counters["by_path"] if path not in ("", "meta")]

    @property
    def message(self) -> str:
        """What the state says, after the word for its outcome."""
        return spoken(self.ended)[1]

    @property
    def name(self) -> str:
        """How the run ended, in one word."""
        return spoken(self.ended)[0]

    @property
    def ended(self) -> State[Any]:
        """How a run ended that was not killed."""
        assert self.state is not None
        return self.state


@dataclass
class Chain:
    """One lake and the replica that it is refreshed from; everything that the replica's root lists is crawled."""

    location: LakeLocation
    running: Running
    store: Store
    steps: dict[str, Step] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Step:
        return self.steps[name]

    def choice(self, **choice: Any) -> SourceChoice:
        """Return the replica as the source of a run, with some settings of one's own."""
        settings = {"base_url": self.running.url, "retry_delay_seconds": 0.01, "attempts": 2, **choice}
        return SourceChoice(**settings)

    def refresh(
        self, documents: Documents | None = None, allow_shrink: Sequence[str] = (), **choice: Any
    ) -> State[Any]:
        """Refresh once, from these documents as a new version where they are given."""
        if documents is not None:
            release(self.running, documents)
        return refresh(self.location, self.choice(**choice), allow_shrink, return_state=True)

    def discover(self, documents: Documents | None = None, **choice: Any) -> State[Any]:
        """Discover once, from these documents as a new version where they are given."""
        if documents is not None:
            release(self.running, documents)
        return discover(self.location, self.choice(**choice), return_state=True)

    def tell(
        self, name: str, run: Callable[..., State[Any]], *given: Any, faults: Sequence[Any] = (), **settings: Any
    ) -> Step:
        """Run once while the replica has some faults, and keep what came of it under a name."""
        self.running.faults(list(faults))
        self.running.reset()
        state = run(*given, **settings)
        self.running.faults([])
        return self.note(name, state)

    def note(self, name: str, state: State[Any] | None) -> Step:
        """Keep under a name what there is after a run."""
        self.steps[name] = Step(state, self.running.counters(), self.commit(), keys(self.store))
        return self.steps[name]

    def commit(self) -> Commit:
        """Return the current commit."""
        found = head(self.store)
        assert found is not None
        return found

    @property
    def lake(self) -> Lake:
        """The lake as its readers see it."""
        return Lake(self.store)

    def served(self, documents: Documents, path: str) -> str:
        """Return a document as the replica sends it: with absolute URLs."""
        return documents[path].decode().replace('"/api/v2/', f'"{self.running.url}')


@contextmanager
def chain(s3_endpoint: str, bucket: str, documents: Documents) -> Iterator[Chain]:
    """Serve documents and open an empty lake in a bucket of its own, which no other test empties meanwhile."""
    with pytest.MonkeyPatch.context() as patch, replica(Corpus.from_documents(documents)) as running:
        use_s3(s3_endpoint, patch)
        boto3.client("s3").create_bucket(Bucket=bucket)
        location = LakeLocation(bucket=bucket, prefix="pokelake")
        yield Chain(location, running, Store(bucket, "pokelake"))
