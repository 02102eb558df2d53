"""What S3's errors mean."""

from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.parsers import ResponseParserError

from lake.errors import StoreDownError, StoreError, refusal_of_s3

EXISTS = {"PreconditionFailed", "412"}
BUSY = {"ConditionalRequestConflict", "409"}
MISSING = {"NoSuchKey", "404"}
# A store answers so that does not know the request, or one of its headers.
UNKNOWN = {"NotImplemented", "501"}

# What boto3 raises while it reads a body. It repeats requests, but no reading.
BROKEN_BODIES = (FlexibleChecksumError, IncompleteReadError, HTTPClientError)


def code_of(error: ClientError) -> str:
    """Return the code of an answer of S3."""
    return str(error.response.get("Error", {}).get("Code", ""))


def hex_of(checksum: str | None) -> str | None:
    """Return a SHA-256 that S3 names, in hexadecimal; None if it names none, or that of the parts of an object.

    >>> hex_of("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    """
    try:
        found = b64decode(checksum or "", validate=True)
    except ValueError:
        return None
    return found.hex() if len(found) == sha256().digest_size else None


def may_be_applied(error: BaseException | None) -> bool:
    """Tell whether S3 may have done the request although the answer was an error, or never came."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return isinstance(error, HTTPClientError)


@contextmanager
def translated(uri: str, bucket: str) -> Iterator[None]:
    """Turn boto3's errors into a `StoreError` that names the place and the way out."""
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise StoreError(
            f"{uri}: no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
            " AWS_PROFILE, or run under a role"
        ) from error
    except ClientError as error:
        said: Any = error.response.get("Error", {})
        kind = StoreDownError if code_of(error) in BUSY or may_be_applied(error) else StoreError
        raise kind(f"{uri}: {refusal_of_s3(said, bucket)}") from error
    except ParamValidationError as error:
        raise StoreError(f"{uri}: {' '.join(str(error).split())}") from error
    except (InvalidRegionError, NoRegionError, ProfileNotFound) as error:
        raise StoreError(f"{uri}: {error}; set AWS_PROFILE and AWS_DEFAULT_REGION, or correct them") from error
    except EndpointConnectionError as error:
        address = str(error.kwargs.get("endpoint_url", "")).partition("?")[0]
        raise StoreDownError(
            f"{uri}: S3 could not be reached: nothing answers at {address}; check the network, and"
            " AWS_ENDPOINT_URL if it is set"
        ) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise StoreDownError(f"{uri}: S3 could not be reached: {error}") from error
