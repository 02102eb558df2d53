"""A lake that lives as long as a test file: a chain of refreshes is made once, and its tests look at what it left."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from prefect.client.schemas import State

from flows.local.replica import Corpus, Running, replica
from flows.refresh import refresh
from flows.steps.parameters import LakeLocation, SourceChoice
from lake.commit import Commit, head
from lake.read import Lake
from lake.store import Store
from tests.conftest import use_s3
from tests.flows.lakeside import release

Documents = dict[str, bytes]
Audit = tuple[str, str]


@dataclass
class Chain:
    """One lake and the replica that it is refreshed from; everything that the replica's root lists is crawled."""

    location: LakeLocation
    running: Running
    store: Store

    def refresh(
        self, documents: Documents | None = None, allow_shrink: Sequence[str] = (), **choice: Any
    ) -> State[Any]:
        """Refresh once, from these documents as a new version where they are given."""
        if documents is not None:
            release(self.running, documents)
        settings = {"base_url": self.running.url, "retry_delay_seconds": 0.01, "attempts": 2, **choice}
        return refresh(self.location, SourceChoice(**settings), allow_shrink, return_state=True)

    def commit(self) -> Commit:
        """Return the current commit."""
        found = head(self.store)
        assert found is not None
        return found

    @property
    def lake(self) -> Lake:
        """The lake as its readers see it."""
        return Lake(self.store)


@contextmanager
def chain(s3_endpoint: str, bucket: str, documents: Documents) -> Iterator[Chain]:
    """Serve documents and open an empty lake in a bucket of its own, which no other test empties meanwhile."""
    with pytest.MonkeyPatch.context() as patch, replica(Corpus.from_documents(documents)) as running:
        use_s3(s3_endpoint, patch)
        boto3.client("s3").create_bucket(Bucket=bucket)
        location = LakeLocation(bucket=bucket, prefix="pokelake")
        yield Chain(location, running, Store(bucket, "pokelake"))


# Three Pokémon, and their species with one of another generation.
POKEMON, SPECIES = (25, 132, 10100), (25, 26, 132, 172)


def only(documents: Documents, *resources: str) -> Documents:
    """Return ``meta`` and the documents of some resources; of Pokémon's and species', a few with their encounters."""
    few = {f"pokemon/{id_}{rest}" for id_ in POKEMON for rest in ("", "/encounters")}
    few |= {f"pokemon-species/{id_}" for id_ in SPECIES}
    return {
        path: body
        for path, body in documents.items()
        if path == "meta"
        or (path.split("/")[0] in resources and (path in few or not path.startswith(("pokemon/", "pokemon-species/"))))
    }


def audits(commit: Commit) -> set[Audit]:
    """Return the rule and the subject of everything that a commit's audits found."""
    return {(entry["rule"], entry["subject"]) for entry in commit.audits}


def message(commit: Commit, rule: str, subject: str) -> str:
    """Return what the one finding of a rule about a subject says."""
    [found] = [entry["message"] for entry in commit.audits if (entry["rule"], entry["subject"]) == (rule, subject)]
    return str(found)


def hashes(commit: Commit) -> dict[str, str]:
    """Return the hash of every file, by table and name."""
    return {f"{name}/{file.name}": file.sha256 for name, table in commit.tables.items() for file in table.files}
