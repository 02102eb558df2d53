"""A role that credentials assume, against moto's STS: whose requests they are, and that they last."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from prefect_aws import AwsCredentials, S3Bucket
from prefect_aws.assume_role_parameters import AssumeRoleParameters
from prefect_aws.client_parameters import AwsClientParameters

from blocks.credentials import hardened
from blocks.storage import open_store
from lake.errors import StoreError
from lake.store import Store

READER = "arn:aws:iam::123456789012:role/reader"

# Where moto is asked without HTTP, plain requests need no credentials.
pytestmark = pytest.mark.usefixtures("over_http")


def who(credentials: AwsCredentials) -> str:
    """Return the ARN that AWS sees."""
    arn: str = hardened(credentials).get_client("sts").get_caller_identity()["Arn"]
    return arn


def lake(credentials: AwsCredentials) -> Store:
    return open_store(S3Bucket(bucket_name="lake", bucket_folder="pokelake", credentials=credentials))


@pytest.fixture
def asked(bucket: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the requests of each kind that clients of AWS make."""
    # By this name S3 is asked with signatures, over a socket.
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint.replace("127.0.0.1", "localhost"))
    counted: Counter[str] = Counter()
    ask = BaseClient._make_api_call  # type: ignore[attr-defined]

    def count(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        counted[operation] += 1
        return ask(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", count)
    return counted


def test_a_lake_is_opened_under_a_role_that_the_block_names(bucket: str, asked: Counter[str]):
    role = AwsCredentials(assume_role_arn=READER, assume_role_kwargs=AssumeRoleParameters(ExternalId="oak"))
    assert who(role) == "arn:aws:sts::123456789012:assumed-role/reader/pokelake"
    store = lake(role)
    store.create("commits/1.json", b"{}")
    assert store.get("commits/1.json") == b"{}"
    assert asked["AssumeRole"] == 2, "once for each client"


def test_a_role_is_assumed_again_before_it_expires(bucket: str, asked: Counter[str]):
    """botocore renews what ends within a quarter of an hour; Prefect's own credentials of a role end with it."""
    short = AssumeRoleParameters(DurationSeconds=900, RoleSessionName="crawl")
    store = lake(AwsCredentials(assume_role_arn=READER, assume_role_kwargs=short))
    store.create("commits/1.json", b"{}")
    before = asked["AssumeRole"]
    store.get("commits/1.json")
    assert asked["AssumeRole"] > before > 0


def test_a_role_that_asks_for_a_code_is_assumed_once_because_a_code_holds_once(bucket: str, asked: Counter[str]):
    code = AssumeRoleParameters(SerialNumber="arn:aws:iam::123456789012:mfa/oak", TokenCode="123456")
    assert "assumed-role/reader/" in who(AwsCredentials(assume_role_arn=READER, assume_role_kwargs=code))
    assert asked["AssumeRole"] == 1


def test_a_role_of_a_profile_is_assumed_by_botocore_itself(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = tmp_path / "config"
    config.write_text(
        f"[profile reader]\nrole_arn = {READER}\nsource_profile = base\nrole_session_name = profile\n"
        "[profile base]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    role = AwsCredentials(profile_name="reader")
    assert who(role) == "arn:aws:sts::123456789012:assumed-role/reader/profile"
    lake(role).create("commits/1.json", b"{}")


def test_without_credentials_that_may_assume_it_a_role_is_no_way_in(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StoreError, match="no AWS credentials were found"):
        lake(AwsCredentials(assume_role_arn=READER, region_name="eu-west-1")).find("commits/1.json")


def test_a_role_that_may_not_be_assumed_is_named(bucket: str, monkeypatch: pytest.MonkeyPatch):
    def refuse(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "oak may not"}}, operation)

    store = lake(AwsCredentials(assume_role_arn=READER))
    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    with pytest.raises(StoreError, match=rf"the role {READER} could not be assumed: .*oak may not; give whoever runs"):
        store._s3._get_credentials().get_frozen_credentials()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (AwsCredentials(profile_name="absent"), r"profile \(absent\) could not be found"),
        (AwsCredentials(aws_client_parameters=AwsClientParameters(config={"read_timeouts": 7})), "read_timeouts"),
        (AwsCredentials(aws_client_parameters=AwsClientParameters(endpoint_url="minio")), "Invalid endpoint: minio"),
    ],
)
def test_credentials_that_cannot_be_right_are_one_error(wrong: AwsCredentials, said: str):
    with pytest.raises(StoreError, match=f"the credentials of the block make no client of S3: .*{said}"):
        lake(wrong)
