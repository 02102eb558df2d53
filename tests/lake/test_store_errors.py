"""The bucket: every failure says in one paragraph where it was and what to do."""

import re
from collections.abc import Callable

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from lake.errors import StoreDownError, StoreError, refusal_of_s3
from lake.store import Store
from tests.lake import Wrapped, answer, is_one_paragraph_about

IMPATIENT = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=1)

ACTS = {
    "create": lambda store: store.create("a", b"1"),
    "find": lambda store: store.find("a"),
    "list": lambda store: list(store.list("")),
    "delete": lambda store: store.delete(["a"]),
    "probe": lambda store: store.probe(),
}


@pytest.fixture(params=ACTS)
def act(request) -> Callable[[Store], object]:
    """Everything that a store does over the network."""
    return ACTS[request.param]


def test_a_missing_bucket_is_named(bucket, act):
    with pytest.raises(StoreError, match="there is no bucket 'no-such-lake'; create it or name another") as caught:
        act(Store("no-such-lake", "pokelake"))
    assert is_one_paragraph_about(str(caught.value), "no-such-lake")


def test_missing_credentials_are_named_with_the_ways_to_give_them(bucket, over_http, act, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for variable in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / "none"))
    # Not the default session, which remembers the credentials of tests before.
    client = boto3.session.Session().client("s3")
    with pytest.raises(StoreError, match="AWS_ACCESS_KEY_ID") as caught:
        act(Store(bucket, "pokelake", client))
    assert is_one_paragraph_about(str(caught.value), bucket)


SKEWED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the current time is too
large.</Message><RequestTime>20260807T041200Z</RequestTime><ServerTime>2026-08-08T04:12:00Z</ServerTime>
<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds></Error>"""


def test_a_clock_that_is_wrong_is_said(bucket, over_http, act):
    client = boto3.client("s3", config=IMPATIENT)

    class Body:
        def stream(self, **_):
            yield SKEWED

    client.meta.events.register("before-send.s3", lambda request, **_: AWSResponse(request.url, 403, {}, Body()))
    with pytest.raises(StoreError) as caught:
        act(Store(bucket, "pokelake", client))
    assert str(caught.value).endswith(
        ": set the clock of this machine: S3 refuses its requests, and says that it is 2026-08-08T04:12:00Z"
    )
    assert is_one_paragraph_about(str(caught.value), bucket)


def test_an_unreachable_endpoint_is_named(bucket, act):
    client = boto3.client("s3", endpoint_url="http://127.0.0.1:9", config=IMPATIENT)
    with pytest.raises(StoreDownError, match=r"could not be reached.*http://127\.0\.0\.1:9") as caught:
        act(Store(bucket, "pokelake", client))
    assert is_one_paragraph_about(str(caught.value), bucket)


def test_a_request_that_never_left_is_not_read_back(bucket):
    """An endpoint that cannot be reached would be waited for twice."""

    def unreachable(put, **arguments):
        raise EndpointConnectionError(endpoint_url="https://s3")

    client = Wrapped(unreachable)
    client.get_object = None
    with pytest.raises(StoreError, match="could not be reached"):
        Store(bucket, client=client).create("a", b"pikachu")


@pytest.mark.parametrize(
    ("code", "status", "kind"), [("SlowDown", 503, StoreDownError), ("NoSuchBucket", 404, StoreError)]
)
def test_what_passes_by_itself_has_an_error_of_its_own(bucket, code, status, kind):
    """A run that met it starts again by itself."""

    def refuse(*put, **arguments):
        raise answer(code, status)

    client = Wrapped(refuse)
    client.get_object = refuse
    with pytest.raises(StoreError) as caught:
        Store(bucket, client=client).create("a", b"1")
    assert type(caught.value) is kind


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_a_refused_request_points_at_credentials_and_policy(bucket, code):
    def refuse(put, **arguments):
        raise answer(code, 403)

    with pytest.raises(StoreError, match=f"refused the request \\({code}\\); check the credentials") as caught:
        Store(bucket, client=Wrapped(refuse)).create("a", b"1")
    assert is_one_paragraph_about(str(caught.value), bucket)


def test_a_name_that_no_bucket_can_have_is_refused_in_one_paragraph(bucket):
    with pytest.raises(StoreError, match="Invalid bucket name") as caught:
        Store("arn:aws:s3:nowhere").find("a")
    assert is_one_paragraph_about(str(caught.value), "arn:aws:s3:nowhere")


def test_a_profile_that_does_not_exist_is_named(bucket, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "team-rocket")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(StoreError, match="team-rocket") as caught:
        Store(bucket)
    assert is_one_paragraph_about(str(caught.value), bucket)


def test_an_endpoint_that_is_no_address_is_named(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "s3.example.org:9000")
    with pytest.raises(StoreError, match=r"set AWS_ENDPOINT_URL to an address .+: s3\.example\.org:9000") as caught:
        Store(bucket)
    assert is_one_paragraph_about(str(caught.value), bucket)


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"Code": "AuthorizationHeaderMalformed", "Region": "eu-west-1"}, "in another region, eu-west-1: set AWS_DEF"),
        ({"Code": "PermanentRedirect"}, "in another region: set AWS_DEFAULT_REGION"),
        ({"Code": "ExpiredToken"}, "the credentials have expired or are not valid .+; log in again"),
        ({"Code": "InvalidAccessKeyId"}, "check the credentials: AWS_ACCESS_KEY_ID is not the right one"),
        ({"Code": "SignatureDoesNotMatch"}, "check the credentials: AWS_SECRET_ACCESS_KEY is not the right one"),
    ],
)
def test_a_wrong_region_or_key_is_named(details, said):
    assert re.search(said, refusal_of_s3(details, "lake"))
