"""Files whose name or content looks like a secret: they must never leave the machine with the code."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch

_NAMES = (
    ".env",
    ".env.*",
    ".netrc",
    ".pgpass",
    ".pypirc",
    "*.key",
    "*.p12",
    "*.pem",
    "*.pfx",
    "credentials",
    "credentials.json",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "id_rsa*",
)

_CONTENTS = {
    "an AWS access key": re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    # At least 16 characters: the secret of the local stack, `testing`, is shorter, and opens nothing.
    "an AWS secret": re.compile(rb"(?i)aws_(?:secret_access_key|session_token)\W{1,8}[a-z0-9/+=]{16,}"),
    "a Prefect API key": re.compile(rb"\bpn[bu]_[0-9A-Za-z]{36}\b"),
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY"),
}


def is_secret_name(name: str) -> bool:
    """Tell whether files of this name hold secrets.

    >>> is_secret_name(".env.production"), is_secret_name("environment.py")
    (True, False)
    """
    return any(fnmatch(name.lower(), pattern) for pattern in _NAMES)


def secrets_in(content: bytes) -> Iterator[tuple[int, str]]:
    """Yield the line of each thing in a file that looks like a secret, and the kind of secret."""
    for kind, pattern in _CONTENTS.items():
        for match in pattern.finditer(content):
            yield content.count(b"\n", 0, match.start()) + 1, kind
