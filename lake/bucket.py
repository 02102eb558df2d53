"""The name of a bucket, which people confuse with an address."""

import re

from lake.errors import StoreError

# What boto3 takes; it checks an access point's ARN itself.
_NAME = re.compile(r"[a-zA-Z0-9._-]{1,255}|arn:.+")


def check_bucket(bucket: str) -> str:
    """Return the name of a bucket.

    Raises:
        StoreError: It is an address, or no bucket can have this name.
    """
    if _NAME.fullmatch(bucket):
        return bucket
    name, slash, prefix = bucket.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    if not _NAME.fullmatch(name) or not (slash or bucket.startswith("s3://")):
        raise StoreError(f"bucket {bucket!r}: expected a name of letters, digits, dots, hyphens and underscores")
    flags, parameters = f"--bucket {name}", f"parameter lake.bucket={name}"
    if prefix:
        flags, parameters = f"{flags} --prefix {prefix}", f"parameters lake.bucket={name}, lake.prefix={prefix}"
    raise StoreError(
        f"bucket {bucket!r}: expected the name of a bucket, found an address;"
        f" pass {flags} (the {parameters} of a deployment)"
    )
