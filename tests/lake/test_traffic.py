"""Requests to S3 are counted by kind."""

import boto3

from lake.store import Store
from lake.traffic import requests_to_s3


def test_every_request_is_counted_once_however_many_stores_share_a_client(bucket: str, over_http: None):
    """They are counted as they are sent, so this asks over HTTP."""
    client = boto3.client("s3")
    store, another = Store(bucket, "pokelake", client), Store(bucket, "other", client)
    before = requests_to_s3()
    store.create("a", b"1")
    another.create("b", b"2")
    store.find("a")
    store.find("none")
    list(store.list(""))
    store.delete(["a"])
    assert requests_to_s3() - before == {"PutObject": 2, "GetObject": 2, "ListObjectsV2": 1, "DeleteObjects": 1}
