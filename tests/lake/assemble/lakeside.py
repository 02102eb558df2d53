"""A lake that is filled without HTTP and without Prefect: documents go in, and drafts and commits come out."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any

import msgspec
import pyarrow as pa
import pytest

import lake.publish.cut
import lake.tables
from lake.assemble.draft import Crawled, Draft, write_draft
from lake.assemble.staging import Manifest, second_round, source_facts, stage
from lake.assemble.stored import document_files, open_documents
from lake.assemble.units import RunUnits, in_threads
from lake.commit import Commit, head
from lake.crawl import Fetched, Shard, Source, Upstream, cut
from lake.errors import PublishError
from lake.layout import new_snapshot_id
from lake.publish import commit_snapshot, refusals, remove_snapshot, same_files
from lake.read import Lake
from lake.resource import Failure
from lake.store import Store
from lake.tables import Built
from tests.conftest import use_s3
from tests.lake.assemble.listings import SOURCE, Documents, etag, listings_of
from tests.s3 import client_without_socket

# What first crawls left in an empty lake: the objects' contents by their keys.
_BEGUN: dict[tuple[frozenset[tuple[str, bytes]], tuple[str, ...], int], dict[str, bytes]] = {}
Audit = tuple[str, str]

# What commits say of the run that made them.
RUN = {"flow_run_id": None, "code_version": "0.1.0"}

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


def changed(documents: Documents, path: str, **members: Any) -> Documents:
    """Return the documents with some members of one of them replaced."""
    return {**documents, path: json.dumps({**json.loads(documents[path]), **members}).encode()}


def copied(documents: Documents, path: str, id_: int, **members: Any) -> Documents:
    """Return the documents with one more: a copy of one of them under another id, with some members replaced."""
    body = {**json.loads(documents[path]), "id": id_, **members}
    return {**documents, f"{path.split('/')[0]}/{id_}": json.dumps(body).encode()}


def without(documents: Documents, *prefixes: str) -> Documents:
    """Return the documents without those whose paths begin so."""
    return {path: body for path, body in documents.items() if not path.startswith(prefixes)}


def versioned(documents: Documents) -> Documents:
    """Return the documents as a version of their own, where the source gives one."""
    if "meta" not in documents:
        return documents
    return changed(documents, "meta", hash=sha1(b"".join(documents[path] for path in sorted(documents))).hexdigest())


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


def differing(one: Commit, other: Commit) -> set[str]:
    """Return the tables, and the resources of documents, whose files differ; the index is the documents' own."""
    before, after = hashes(one), hashes(other)
    return {
        name.split("/")[1] if name.startswith("documents/") else name.split("/")[0]
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name) and not name.startswith("document_index/")
    }


@dataclass
class Lakeside:
    """One lake, and what crawls of one source leave in it; `told` is what the progress of the last draft was told.

    `rejected` are the documents of the last draft that no table could take; `tag` gives a body's ETag.
    """

    store: Store
    source: Source = SOURCE
    told: Counter[str] = field(default_factory=Counter)
    rejected: list[Failure] = field(default_factory=list)
    tag: Callable[[bytes], str] = etag

    @property
    def commit(self) -> Commit:
        """The current commit."""
        found = head(self.store)
        assert found is not None
        return found

    @property
    def lake(self) -> Lake:
        """The lake as its readers see it."""
        return Lake(self.store)

    def crawl(
        self,
        documents: Documents,
        *resources: str,
        failing: Collection[str] = (),
        unlisted: Collection[str] = (),
        refused: Mapping[str, str] | None = None,
        versions: Mapping[str, int] | None = None,
        new_only: bool = False,
        lost: Collection[str] = (),
    ) -> Crawled:
        """Crawl these documents, of some resources or of all that they have, and stage what the head has otherwise.

        `failing` paths are answered with 503, `unlisted` ones stand in no listing, `refused` resources have none;
        `versions` says how many answers each version gave, where it is not one alone; the documents at hand of `lost`
        resources cannot be read.
        """
        served = versioned(documents)
        listed = listings_of(served, unlisted, refused or {}, self.source.base_url)
        version = json.loads(served["meta"])["hash"] if "meta" in served else None
        upstream = Upstream(version, {name: f"{self.source.base_url}{name}/" for name in listed})
        listings = [listed[name] for name in resources or sorted(listed)]
        files = {name: file for name, file in document_files(head(self.store)).items() if name not in lost}
        shards = [
            shard
            for listing in listings
            for shard in cut(
                self.source, listing, open_documents(self.store, files.get(listing.resource, ())).at_hand(), new_only
            )
        ]
        manifests = [self._stage(shard, served, failing, version) for shard in shards]
        again = [self._stage(shard, served, failing, version) for shard in second_round(manifests, shards)]
        manifests += [msgspec.structs.replace(manifest, round=2) for manifest in again]
        facts = source_facts(self.source, upstream, listings, manifests)
        if versions is not None:
            facts = replace(facts, answers=dict(versions), version=None)
        return Crawled(replace(facts, version=None) if new_only else facts, manifests, is_partial=new_only, anew=lost)

    def _stage(self, shard: Shard, served: Documents, failing: Collection[str], version: str | None) -> Manifest:
        fetched = Fetched(requests=len(shard.wanted))
        for item in shard.wanted:
            reference, body = item.reference, served.get(item.reference.path)
            if reference.path in failing:
                fetched.failed.append((reference, "status 503"))
                continue
            if body is None:
                fetched.gone.append(reference)
                continue
            if version:
                fetched.versions[version] += 1
            if item.etag == self.tag(body):
                fetched.unchanged.append(reference)
            else:
                fetched.received.append(reference.received(self.tag(body), datetime.now(UTC), body))
        return stage(self.store, "0123456789abcdef", shard, fetched)

    def draft(
        self,
        crawled: Crawled,
        parent: Commit | None = None,
        allow_shrink: Sequence[str] = (),
        is_rebuild: bool = False,
        name: str | None = None,
        run_units: RunUnits = in_threads,
    ) -> Draft | None:
        """Write a draft on the head, or on another parent."""
        self.told.clear()
        self.rejected.clear()
        return write_draft(
            self.store,
            name or new_snapshot_id(datetime.now(UTC)),
            parent or head(self.store),
            crawled,
            self._progress,
            allow_shrink,
            is_rebuild,
            RUN,
            self.rejected.extend,
            run_units=run_units,
        )

    @contextmanager
    def _progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        def advance(done: int) -> None:
            self.told[what] += done

        self.told[f"{what} in all"] = total
        yield advance

    def publish(self, crawled: Crawled, parent: Commit | None = None, allow_shrink: Sequence[str] = ()) -> Commit:
        """Publish a draft as the flows do, and return what readers see then; the parent, if nothing changed.

        Raises:
            PublishError: The audits refuse it; nothing of it is left.
            ConflictError: Another one was published on this parent.
        """
        on, name = parent or head(self.store), new_snapshot_id(datetime.now(UTC))
        draft = self.draft(crawled, on, allow_shrink, name=name)
        refused = refusals(draft.findings) if draft else []
        if draft is None or refused or (same_files(draft.commit.tables, on) and not draft.is_repair):
            remove_snapshot(self.store, name)
            if refused:
                raise PublishError(name, on.snapshot if on else None, refused)
            assert on is not None
            return on
        commit_snapshot(self.store, draft.commit)
        return draft.commit

    def fill(self, documents: Documents, *resources: str, allow_shrink: Sequence[str] = (), **crawl: Any) -> Commit:
        """Crawl these documents, publish what came, and return what readers see then."""
        return self.publish(self.crawl(documents, *resources, **crawl), allow_shrink=allow_shrink)

    def begin(self, documents: Documents, *resources: str) -> Commit:
        """Fill an empty lake; from the second time on, by putting there what the same documents left in another one."""
        begun = _BEGUN.get(key := (frozenset(documents.items()), resources, lake.publish.cut.PART_BYTES))
        if begun is None:
            self.fill(documents, *resources)
            _BEGUN[key] = {item.key: self.store.get(item.key) for item in self.store.list("")}
        else:
            for name, body in begun.items():
                self.store.create(name, body)
        return self.commit


@contextmanager
def lakeside(s3_endpoint: str, bucket: str) -> Iterator[Lakeside]:
    """Open an empty lake in a bucket of its own, which no other test empties meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        use_s3(s3_endpoint, patch)
        store = Store(bucket, "pokelake", client_without_socket(s3_endpoint))
        store.create_bucket()
        yield Lakeside(store)


def mark_names(patch: pytest.MonkeyPatch, table: str = "pokemon") -> None:
    """Let the code that builds tables put a mark before every name in one of them, as another version of it might."""
    build = lake.tables.build

    def marked(built: Built) -> Built:
        if built.table.name != table:
            return built
        place = built.rows.schema.get_field_index("name")
        names = pa.array([f"?{name}" for name in built.rows["name"].to_pylist()])
        return Built(built.table, built.rows.set_column(place, built.rows.schema.field(place), names), built.drifts)

    patch.setattr(lake.tables, "build", lambda *given: [marked(built) for built in build(*given)])
