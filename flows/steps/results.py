"""Prefect's small results in the bucket: a run proves that they work, and forgets them when they mislead."""

import secrets

from prefect_aws import S3Bucket

from lake.errors import StoreError
from lake.layout import RESULTS
from lake.store import Store


def prove_results(results: S3Bucket, store: Store) -> None:
    """Prove that Prefect's results can be written, read and deleted, because Prefect itself swallows such failures.

    Raises:
        StoreError: They cannot, or they do not lie in the lake.
    """
    name = f"probe-{secrets.token_hex(8)}"
    try:
        results.write_path(name, b"probe")
        found = store.find(RESULTS + name)
    except Exception as error:
        raise StoreError(
            f"results block: {results.bucket_name}/{results.bucket_folder} cannot be used: {error}"
        ) from error
    if found != b"probe":
        raise StoreError(
            f"results block: expected the results in {store.uri(RESULTS)}, found them in"
            f" s3://{results.bucket_name}/{results.bucket_folder}; run `pokelake setup`"
        )
    store.delete([RESULTS + name])


def forget_results(store: Store, folder: str) -> None:
    """Delete Prefect's results below a folder, so that the next run asks the source again."""
    store.delete([item.key for item in store.list(f"{RESULTS}{folder}")])
