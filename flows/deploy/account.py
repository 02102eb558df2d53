"""Where in AWS a lake and its runs are: the account, and the names of what they are made of."""

import re
from dataclasses import dataclass

from lake.errors import LakeError

# The stack's name, if none is given. The names of all that stack.yaml makes begin with it; image repository, task
# definition of the runs and log have no other one. Policies name them before they exist.
STACK = "pokelake"

_NUMBER = re.compile("[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Account:
    """Where the lake and its runs are."""

    # The AWS account's twelve digits.
    number: str
    region: str
    bucket: str
    prefix: str = ""
    # Names of the work pool and of the ECS cluster.
    pool: str = "pokelake"
    cluster: str = "pokelake"
    # ARNs of the secrets that tasks are started with.
    secrets: tuple[str, ...] = ()
    # ARNs of the secrets that hold keys of sources, which the flows read.
    source_secrets: tuple[str, ...] = ()
    # Name of the stack that made roles, image repository, task definitions and log.
    stack: str = STACK
    # ARN of the key that encrypts the bucket; None: S3's own key, which needs no rights.
    kms_key: str | None = None
    # Database of Glue that shows the lake; None: no catalog does.
    catalog: str | None = None

    def arn(self, service: str, name: str) -> str:
        """Return the ARN of something in this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.number}:{name}"

    def global_arn(self, name: str) -> str:
        """Return the ARN of a role or another thing of IAM, which are in no region."""
        return f"arn:aws:iam::{self.number}:{name}"


def check_number(number: str) -> str:
    """Return the number of an AWS account.

    Raises:
        LakeError: It is none.
    """
    if not _NUMBER.fullmatch(number):
        raise LakeError(f"--account: expected twelve digits, found {number!r}")
    return number
