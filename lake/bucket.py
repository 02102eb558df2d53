"""The name of a bucket, which people confuse with an address, and how a command and a browser name what is in it."""

import re
import shlex
from urllib.parse import quote, urlencode, urlsplit

from lake.errors import StoreError
from lake.text import shown

# The S3Bucket block of the first lake.
LAKE_BLOCK = "pokelake"

# What boto3 takes; it checks an access point's ARN itself.
_NAME = re.compile(r"[a-zA-Z0-9._-]{1,255}|arn:.+")

# What no reader must escape, neither in an address nor in a pattern of file names. An equals sign would make a column
# of a folder.
_PLAIN_BUCKET, _NOT_PLAIN = re.compile(r"[a-zA-Z0-9._-]+"), re.compile(r"[^a-zA-Z0-9._/-]")

# An address of a lake. The ARN of an access point has a slash of its own.
_ADDRESS = re.compile(r"(?:s3://)?(arn:[^/]*accesspoint/[^/]+|[^/]*)/?(.*)")


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


def require_plain(bucket: str, prefix: str) -> None:
    """Refuse a place for a new lake whose address some engine could not take as it is; a lake that is there may stay.

    Raises:
        StoreError: The bucket is named by an ARN, or its folder has characters that would have to be escaped.
    """
    if not _PLAIN_BUCKET.fullmatch(bucket):
        raise StoreError(
            f"bucket {shown(repr(bucket))}: expected a name for a new lake, because pandas, Polars and DuckDB take no"
            " ARN in an address; pass --bucket (lake.bucket of a deployment) with the alias of the access point, which"
            " ends in -s3alias"
        )
    folder = prefix.removesuffix("/")
    odd = sorted(set(_NOT_PLAIN.findall(folder)))
    if not odd and not any(part in ("", ".", "..") for part in folder.split("/") if folder):
        return
    found = f"found {', '.join(shown(repr(one)) for one in odd)}" if odd else "found an empty part, '.' or '..'"
    raise StoreError(
        f"folder {shown(repr(folder))}: expected letters, digits, dots, hyphens and underscores between single slashes"
        f" for a new lake, because readers would have to escape the rest in its address, {found}; pass another --prefix"
        " (lake.prefix of a deployment)"
    )


def require_bucket(bucket: str | None, prefix: str) -> None:
    """Refuse a folder that is given without its bucket, because the saved block would lead to another lake.

    Raises:
        StoreError: No bucket is named, but a folder is.
    """
    if prefix.strip("/") and not bucket:
        raise StoreError(
            f"name the bucket that has the folder {shown(repr(prefix))} by --bucket as well (the parameter lake.bucket"
            " of a deployment), or omit --prefix (lake.prefix): then the saved S3Bucket block says where the lake lies"
        )


def flags_of(uri: str) -> str:
    """Return the flags that name the lake at an address, for a command that is right on anybody's machine.

    >>> flags_of("s3://our-lake/pokelake/"), flags_of("s3://our-lake/")
    ('--bucket our-lake --prefix pokelake', "--bucket our-lake --prefix ''")
    """
    found = _ADDRESS.match(uri)
    assert found is not None
    return shlex.join(["--bucket", found[1], "--prefix", found[2].rstrip("/")])


def command_on(uri: str, *words: str) -> str:
    """Return a command on the lake at an address.

    >>> command_on("s3://our-lake/pokelake/", "audits")
    'pokelake audits --bucket our-lake --prefix pokelake'
    """
    return f"{shlex.join(['pokelake', *words])} {flags_of(uri)}"


def page_of(bucket: str, folder: str, endpoint: str, region: str) -> str:
    """Return the page of a folder, or of one object, in the console of AWS; for another S3, its own address.

    >>> page_of("our-lake", "pokelake/", "https://s3.eu-west-1.amazonaws.com", "eu-west-1")
    'https://console.aws.amazon.com/s3/buckets/our-lake?region=eu-west-1&prefix=pokelake%2F'
    >>> page_of("our-lake", "pokelake/x.html", "https://s3.eu-west-1.amazonaws.com", "eu-west-1")
    'https://console.aws.amazon.com/s3/object/our-lake?region=eu-west-1&prefix=pokelake%2Fx.html'
    >>> page_of("our-lake", "pokelake/", "http://127.0.0.1:5555", "us-east-1")
    'http://127.0.0.1:5555/our-lake/pokelake/'
    """
    if is_of_aws(urlsplit(endpoint).hostname or ""):
        query = urlencode({"region": region, "prefix": folder})
        kind = "buckets" if not folder or folder.endswith("/") else "object"
        return f"https://console.aws.amazon.com/s3/{kind}/{quote(bucket, safe='')}?{query}"
    return f"{endpoint.rstrip('/')}/{quote(f'{bucket}/{folder}')}"


def is_found_by_region(host: str) -> bool:
    """Tell whether pyarrow finds the host by the region: it does for S3's own hosts, but not for a private endpoint."""
    return is_of_aws(host) and ".vpce." not in host


def is_of_aws(host: str) -> bool:
    """Tell whether a host is of AWS."""
    return ".amazonaws.com" in host
