"""What lies in the bucket in the place of a result: at worst it costs a refetch, and it never runs."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prefect.logging import disable_run_logger
from prefect.results import ResultStore
from prefect.serializers import JSONSerializer, Serializer
from prefect_aws import S3Bucket

from flows.steps.results import PLAIN_JSON, Results, pack_listings, readable, unpack_listings
from lake.assemble.staging import Manifest
from lake.crawl import Listing
from lake.store import Store
from tests.flows.poison import armed, record

SHARD = "shards/0123456789abcdef/type-0000-0123456789ab"
LISTINGS = "listings/0123456789abcdef0123456789abcdef"
MANIFEST: dict[str, Any] = {
    "resource": "type",
    "number": 0,
    "last_id": 18,
    "documents": 0,
    "json_bytes": 0,
    "unchanged": 18,
    "gone": [],
    "failed": [],
    "requests": 18,
    "versions": {"red": 18},
}
TOMORROW = datetime.now(UTC) + timedelta(days=1)


WRONG: dict[str, bytes] = {
    "empty": b"",
    "no text": b"\xff\xfe",
    "no JSON": b"<html>",
    "another thing": b"[1]",
    "nested": b"[" * 100_000,
    "nested in a record": record({"type": "json"}, "[" * 100_000),
    "no string": record({"type": "json"}, MANIFEST),
    "not JSON": record({"type": "json"}, "{"),
    "half a surrogate pair": record({"type": "json"}, json.dumps([{**MANIFEST, "resource": "\ud83d"}])),
    "no list": record({"type": "json"}, json.dumps(MANIFEST)),
    "a text for a number": record({"type": "json"}, json.dumps([{**MANIFEST, "number": "eleven"}])),
    "a null": record({"type": "json"}, json.dumps([{**MANIFEST, "gone": None}])),
    "lacking": record({"type": "json"}, json.dumps([{"resource": "type"}])),
    "without a zone": record({"type": "json"}, json.dumps([MANIFEST]), expiration="2999-01-01T00:00:00"),
    "no time": record({"type": "json"}, json.dumps([MANIFEST]), expiration="tomorrow"),
}


@pytest.fixture
def results(store: Store) -> Results:
    return Results.of(S3Bucket(bucket_name="lake", bucket_folder="pokelake/results"))


def put(store: Store, key: str, body: bytes) -> None:
    store.create(f"results/{key}", body)


def seen(results: S3Bucket, key: str, serializer: Serializer = PLAIN_JSON) -> Any:
    """Return the result that Prefect reads under a key, None if it takes it for missing."""
    found = ResultStore(result_storage=results, serializer=serializer)
    return found.read(key).result if found.exists(key) else None


def test_prefect_itself_runs_what_a_record_holds(store: Store, tmp_path: Path):
    """Or the other tests would prove nothing."""
    put(store, SHARD, armed(tmp_path / "ran")["pickle"])
    assert ResultStore(result_storage=S3Bucket(bucket_name="lake", bucket_folder="pokelake/results")).exists(SHARD)
    assert (tmp_path / "ran").exists()


def test_a_record_that_runs_code_is_never_decoded(store: Store, results: Results, tmp_path: Path):
    with disable_run_logger():
        for name, body in armed(tmp_path / "ran").items():
            for key in (f"{SHARD}-{name}", f"{LISTINGS}-{name}"):
                put(store, key, body)
                assert seen(results, key) is None, name
                with pytest.raises(ValueError, match="expected a result as JSON"):
                    ResultStore(result_storage=results, serializer=PLAIN_JSON).read(key)
                with pytest.raises(ValueError, match="expected a result as JSON"):
                    asyncio.run(ResultStore(result_storage=results, serializer=PLAIN_JSON).aread(key))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_a_record_of_another_shape_is_as_if_it_were_not_there(store: Store, results: Results, body: bytes):
    put(store, SHARD, body)
    with disable_run_logger():
        assert seen(results, SHARD) is None


@pytest.mark.parametrize(
    "text", ["", "?", "bm9uZQ==", pack_listings([])[:-8], json.dumps([]), pack_listings([Listing("type")])[:12]]
)
def test_kept_listings_that_cannot_be_unpacked_are_as_if_they_were_not_there(store: Store, results: Results, text: str):
    put(store, LISTINGS, record({"type": "json"}, json.dumps(text)))
    with disable_run_logger():
        assert seen(results, LISTINGS) is None


def test_a_record_elsewhere_is_not_read(store: Store, results: Results):
    put(store, "other/1", record({"type": "json"}, json.dumps(MANIFEST)))
    with disable_run_logger():
        assert seen(results, "other/1") is None


def test_results_that_a_look_into_their_folder_did_not_find_are_not_asked_for(store: Store, results: Results):
    kept, later, written = (f"{SHARD}-{name}" for name in ("kept", "later", "written"))
    body = record({"type": "json"}, json.dumps([MANIFEST]))
    put(store, kept, body)
    results.look(store, SHARD.rpartition("/")[0])
    put(store, later, body)
    put(store, LISTINGS, record({"type": "json"}, json.dumps(pack_listings([]))))
    results.write_path(written, body)
    assert [seen(results, key) is not None for key in (kept, later, written, LISTINGS)] == [True, False, True, True]


def test_a_refused_record_is_one_warning_that_names_it(store: Store, results: Results, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []

    class Log:
        def warning(self, text: str, *given: object) -> None:
            said.append(text % given)

    monkeypatch.setattr("flows.steps.results.get_run_logger", Log)
    put(store, SHARD, b"<html>" * 10_000)
    assert seen(results, SHARD) is None
    [line] = said
    assert line.startswith(f"s3://lake/pokelake/results/{SHARD}: expected a result as JSON: ")
    assert line.endswith("; it is not used, and what it was for is fetched again")
    assert len(line) < 500


@pytest.mark.parametrize("serializer", [PLAIN_JSON, JSONSerializer()], ids=["ours", "that of earlier versions"])
def test_what_prefect_wrote_is_read_as_it_was_written(store: Store, results: Results, serializer: Serializer):
    listings = [Listing("type", names={1: "normal"})]
    written = ResultStore(result_storage=results, serializer=serializer)
    # A source may call its version what it likes.
    manifests = [{**MANIFEST, "versions": {"__class__": 1, "__exc_type__": 2}}]
    written.write(manifests, SHARD, expiration=TOMORROW)
    written.write(pack_listings(listings), LISTINGS, expiration=TOMORROW)
    assert msgspec.convert(seen(results, SHARD), list[Manifest]) == msgspec.convert(manifests, list[Manifest])
    assert unpack_listings(seen(results, LISTINGS)) == listings


def test_a_record_expires_when_it_says(store: Store, results: Results):
    for name, after in (("old", -1), ("young", 1)):
        expiration = (datetime.now(UTC) + timedelta(hours=after)).isoformat()
        put(store, f"{SHARD}-{name}", record({"type": "json"}, json.dumps([MANIFEST]), expiration=expiration))
    assert seen(results, f"{SHARD}-old") is None
    assert seen(results, f"{SHARD}-young") is not None


def test_nothing_that_a_record_says_of_itself_reaches_prefect():
    told = {"storage_key": "../../etc", "storage_block_id": "1", "prefect_version": {}}
    body = record({"type": "json", "jsonlib": "pickle", "loads_kwargs": {"cls": 1}}, json.dumps([MANIFEST]), **told)
    found = json.loads(readable(SHARD, body))
    assert found["metadata"] == {"serializer": PLAIN_JSON.model_dump(), "expiration": None}
