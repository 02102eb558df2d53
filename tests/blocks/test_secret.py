"""The key of a source: which block holds it, and what is said if none does, or AWS does not give it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect_aws import AwsCredentials, AwsSecret

from blocks import secret
from blocks.secret import source_key
from lake.crawl import Key, Source
from lake.crawl.key import ClientSecret
from lake.errors import LakeError, UnknownNameError

SOURCE = Source(api_key_block="league-key")

Save = Callable[..., None]


@pytest.fixture
def save(monkeypatch: pytest.MonkeyPatch) -> Save:
    """Return what saves blocks where `source_key` looks for them, under one name unless another is given."""
    saved: dict[tuple[type, str], Block] = {}

    def save(block: Any, name: str = "league-key") -> None:
        block._block_document_name = name
        saved[type(block), name] = block

    monkeypatch.setattr(secret, "load_block", lambda type_, name: saved.get((type_, name)))
    return save


@pytest.fixture
def kept(bucket: str) -> AwsSecret:
    """Return a block that names a key in moto's Secrets Manager, which was read from a file with a line end."""
    manager = boto3.client("secretsmanager")
    manager.create_secret(Name="pokelake/league", SecretString="indigo\n")
    return AwsSecret(aws_credentials=AwsCredentials(), secret_name="pokelake/league")


def test_a_key_may_be_in_either_type_of_block(save: Save, kept: AwsSecret):
    save(Secret(value="plateau"), "prefects")
    save(kept)
    assert source_key(Source()) is None
    assert source_key(Source(api_key_block="prefects")) == Key({"Authorization": "Bearer plateau"})
    assert source_key(SOURCE) == Key({"Authorization": "Bearer indigo"})
    boto3.client("secretsmanager").put_secret_value(SecretId="pokelake/league", SecretBinary=b"bytes")
    assert source_key(Source(api_key_block="league-key", api_key_header="X-Key", api_key_prefix="")) == Key(
        {"X-Key": "bytes"}
    )


def test_a_name_that_two_blocks_have_is_refused_until_the_type_stands_before_it(save: Save, kept: AwsSecret):
    """Whoever moves a key to AWS and forgets the old block must not go on with the old key."""
    save(Secret(value="plateau"))
    save(kept)
    with pytest.raises(LakeError, match=r"two blocks are called 'league-key'; .*: secret/league-key or aws-secret/l"):
        source_key(SOURCE)
    assert source_key(Source(api_key_block="secret/league-key")) == Key({"Authorization": "Bearer plateau"})
    assert source_key(Source(api_key_block="aws-secret/league-key")) == Key({"Authorization": "Bearer indigo"})


def test_a_name_that_no_block_has_is_one_error_with_both_ways_out(save: Save):
    ways = "`prefect block create secret` or `prefect block create aws-secret`"
    with pytest.raises(UnknownNameError, match=f"no Secret or AwsSecret block 'league-key' is saved; run {ways}"):
        source_key(SOURCE)
    with pytest.raises(UnknownNameError, match="no AwsSecret block 'key' is saved; run `prefect block create aws-sec"):
        source_key(Source(api_key_block="aws-secret/key"))


def test_what_aws_refuses_is_said_with_the_right_that_it_takes(save: Save, kept: AwsSecret):
    save(kept.model_copy(update={"secret_name": "absent"}))
    with pytest.raises(LakeError, match=r"secret 'absent' could not be read: .*ResourceNotFound.* --source-secret ARN"):
        source_key(SOURCE)


def test_a_secret_of_names_and_values_is_no_key(save: Save, kept: AwsSecret):
    """The form in AWS's console makes one unless told otherwise."""
    boto3.client("secretsmanager").put_secret_value(SecretId="pokelake/league", SecretString='{"key": "indigo"}')
    save(kept)
    with pytest.raises(LakeError, match="expected the key as plain text, found a JSON object") as caught:
        source_key(SOURCE)
    assert "indigo" not in str(caught.value)


def test_the_client_of_oauth2_may_be_a_secret_of_names_and_values(save: Save, kept: AwsSecret):
    oauth2 = replace(SOURCE, api_key_in="oauth2", oauth2_token_url="https://league.test/token")
    both, key = {"client_id": "ash", "client_secret": "indigo"}, Key(client=ClientSecret("ash", "indigo"))
    boto3.client("secretsmanager").put_secret_value(SecretId="pokelake/league", SecretString=json.dumps(both))
    save(kept)
    save(Secret(value=both), "plain")
    assert source_key(oauth2) == key
    assert source_key(replace(oauth2, api_key_block="plain")) == key


def test_a_way_to_carry_a_key_without_a_key_is_refused():
    with pytest.raises(LakeError, match="the name of a block in api_key_block, because api_key_in is 'basic', found n"):
        source_key(Source(api_key_in="basic"))
