"""The proxy: it passes on what it is not told to spoil, and spoils what it is told to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flows.local.replica import Running
from lake.store import Store
from tests.chaos.proxy import KINDS, Proxy, proxy, weather
from tests.lake import keys

BODY = b"0123456789" * 100


@pytest.fixture
def before_s3(s3_endpoint: str, store: Store) -> Iterator[tuple[Proxy, object]]:
    """Put a proxy before the test's bucket, with a client that tries once."""
    with proxy(s3_endpoint) as (made, url):
        config = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=5)
        yield made, boto3.client("s3", endpoint_url=url, config=config)


def test_objects_pass_and_are_seen(before_s3, store: Store):
    made, client = before_s3
    through = Store("lake", "pokelake", client)
    through.create("one", BODY)
    assert (through.get("one"), through.find("two")) == (BODY, None)
    assert keys(through) == {"one"}
    client.head_object(Bucket="lake", Key="pokelake/one")
    through.delete(["one", "t=<w>o"])
    seen = [(seen.method, seen.status) for seen in made.log]
    assert seen == [("PUT", 200), ("GET", 200), ("GET", 404), ("GET", 200), ("HEAD", 200), ("POST", 200)]
    assert made.log[-1].deletes == ("/lake/pokelake/one", "/lake/pokelake/t=<w>o")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("flip", "slow")])
def test_each_fault_reaches_the_client(before_s3, store: Store, kind: str):
    made, client = before_s3
    store.create("one", BODY)
    made.meddle = weather(kind, 1)
    with pytest.raises((BotoCoreError, ClientError)):
        client.get_object(Bucket="lake", Key="pokelake/one")["Body"].read()


def test_a_flipped_body_has_one_bit_changed(s3_endpoint: str, store: Store):
    with proxy(s3_endpoint) as (made, url):
        plain = httpx.get(f"{url}/moto-api/").content
        made.meddle = weather("flip", 1)
        flipped = httpx.get(f"{url}/moto-api/").content
    assert sum((one ^ other).bit_count() for one, other in zip(plain, flipped, strict=True)) == 1


@pytest.mark.parametrize("variant", ["length", "chunked"])
def test_an_answer_that_the_server_cut_ends_at_once(small_replica: Running, variant: str):
    small_replica.faults([{"kind": "truncated", "variant": variant}])
    with proxy(small_replica.url) as (_, url), pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{url}/api/v2/machine/1/", timeout=20)
    small_replica.faults([])


def test_a_write_whose_answer_is_lost_was_made(before_s3, store: Store):
    made, client = before_s3
    made.meddle = weather("lost", 1)
    with pytest.raises(BotoCoreError):
        client.put_object(Bucket="lake", Key="pokelake/one", Body=BODY)
    assert store.get("one") == BODY


def test_a_share_of_the_requests_is_met_and_the_same_ones_each_time(before_s3, store: Store):
    made, client = before_s3
    made.meddle = weather("503", 0.3)

    def asked() -> list[bool]:
        made.reset()
        made.meddle = weather("503", 0.3)
        for _ in range(30):
            try:
                client.list_objects_v2(Bucket="lake")
            except ClientError:
                continue
        return [seen.status == 0 for seen in made.log]

    first = asked()
    assert 3 <= sum(first) <= 18
    assert asked() == first


def test_listings_are_older_where_they_are_told_to_be(before_s3, store: Store):
    made, client = before_s3
    store.create("one", BODY)
    made.age(timedelta(days=100))
    [item] = client.list_objects_v2(Bucket="lake")["Contents"]
    assert timedelta(days=99) < datetime.now(UTC) - item["LastModified"] < timedelta(days=101)
