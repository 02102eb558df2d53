"""What S3's errors mean."""

from botocore.exceptions import ClientError, FlexibleChecksumError, HTTPClientError, IncompleteReadError

EXISTS = {"PreconditionFailed", "412"}
BUSY = {"ConditionalRequestConflict", "409"}
MISSING = {"NoSuchKey", "404"}

# What boto3 raises while it reads a body. It repeats requests, but no reading.
BROKEN_BODIES = (FlexibleChecksumError, IncompleteReadError, HTTPClientError)


def code_of(error: ClientError) -> str:
    """Return the code of an answer of S3."""
    return str(error.response.get("Error", {}).get("Code", ""))


def may_be_applied(error: BaseException | None) -> bool:
    """Tell whether S3 may have done the request although the answer was an error, or never came."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return isinstance(error, HTTPClientError)
