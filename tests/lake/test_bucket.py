"""An address in the place of a bucket's name is answered with the flags and parameters that are meant."""

import pytest

from lake.bucket import check_bucket, require_plain
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


@pytest.mark.parametrize("prefix", ["", "pokelake/", "a/b-c/d_e.f/", "2026/", "A/", "...x/"])
def test_a_new_lake_may_lie_where_no_engine_must_escape_its_address(prefix: str):
    require_plain("my.lake-2_old", prefix)


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("my lake/", "found ' '"),
        ("größe/", "found 'ß', 'ö'"),
        ("a%20b/", "found '%'"),
        ("a[1]/*?/", "found '*', '?', '[', ']'"),
        ("{a,b}/", "found ',', '{', '}'"),
        ("year=2026/", "found '='"),
        ("a#b/", "found '#'"),
        ("a\nb/", r"found '\n'"),
        ("a//b/", "found an empty part, '.' or '..'"),
        ("a/../b/", "found an empty part, '.' or '..'"),
        ("./", "found an empty part, '.' or '..'"),
    ],
)
def test_a_new_lake_lies_nowhere_else_and_the_refusal_names_what_is_odd(prefix: str, found: str):
    with pytest.raises(StoreError, match="expected letters, digits, dots, hyphens and underscores") as caught:
        require_plain("lake", prefix)
    assert found in str(caught.value)
    assert str(caught.value).endswith("pass another --prefix (lake.prefix of a deployment)")
    assert "\n" not in str(caught.value)


def test_a_new_lake_has_a_bucket_that_stands_in_an_address():
    with pytest.raises(StoreError, match="pandas, Polars and DuckDB take no ARN in an address; pass --bucket"):
        require_plain("arn:aws:s3:us-east-1:123456789012:accesspoint/lake", "pokelake/")
