"""An address in the place of a bucket's name is answered with the flags and parameters that are meant."""

import pytest

from lake.bucket import check_bucket
from lake.errors import StoreError
from lake.store import Store


@pytest.mark.parametrize("name", ["lake", "my.lake-2_old", "arn:aws:s3:us-east-1:123456789012:accesspoint/lake"])
def test_a_name_or_an_access_point_is_taken_as_it_is(name: str):
    assert check_bucket(name) == name


@pytest.mark.parametrize("address", ["s3://demo/lake", "s3://demo/lake/", "demo/lake"])
def test_an_address_is_taken_apart(address: str):
    with pytest.raises(StoreError) as caught:
        Store(address)
    assert str(caught.value) == (
        f"bucket {address!r}: expected the name of a bucket, found an address; pass --bucket demo --prefix lake"
        " (the parameters lake.bucket=demo, lake.prefix=lake of a deployment)"
    )


@pytest.mark.parametrize("address", ["s3://demo", "s3://demo/", "demo/"])
def test_an_address_without_a_prefix_is_only_a_bucket(address: str):
    with pytest.raises(StoreError, match=r"pass --bucket demo \(the parameter lake.bucket=demo of a deployment\)$"):
        check_bucket(address)


@pytest.mark.parametrize("name", ["Not A Bucket", "https://demo.example.org/lake", "s3:///lake", ""])
def test_a_name_that_no_bucket_can_have_says_what_a_name_is_made_of(name: str):
    with pytest.raises(StoreError, match=r"expected a name of letters, digits, dots, hyphens and underscores$"):
        check_bucket(name)
