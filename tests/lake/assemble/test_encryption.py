"""A bucket whose default is a key of KMS: a lake works in it, and a publication encrypts all anew."""

import boto3

from flows.local.replica import demo_documents
from lake.read import Lake
from lake.store import Store
from tests.lake.assemble.lakeside import Lakeside, changed, only


def key_of(store: Store, key: str) -> str | None:
    """Return the ARN of the key that an object is encrypted by; None if it is S3's own."""
    found: str | None = boto3.client("s3").head_object(Bucket=store.bucket, Key=store.prefix + key).get("SSEKMSKeyId")
    return found


def test_the_snapshots_from_then_on_are_encrypted_whole_and_the_earlier_ones_stay_readable(store: Store):
    lake, documents = Lakeside(store), only(demo_documents(), "type", "nature")
    earlier = lake.begin(documents)
    arn = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    boto3.client("s3").put_bucket_encryption(
        Bucket=store.bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    store.probe()
    later = lake.fill(changed(documents, "type/1", name="plain"))
    assert {key_of(store, key) for key in earlier.keys()} == {None}  # noqa: SIM118
    assert {key_of(store, key) for key in later.keys()} == {arn}  # noqa: SIM118
    types = Lake(store.uri()).read("types", columns=["name"])["name"]
    assert "plain" in set(types)
    assert len(Lake(store.uri()).read("types", as_of=earlier.snapshot)) == len(types)
