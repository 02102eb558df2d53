"""The image that runs are in: its tag tells of which lock its packages are."""

from hashlib import sha256
from pathlib import Path

from lake.errors import LakeError

# What the image installs, and the only file of the checkout that it is built from.
LOCK = "requirements-run.lock"

LOCK_TAG = "lock-"


def image_tag(root: Path) -> str:
    """Return the tag of the image that is built from a checkout: the same lock has the same tag, wherever it is built.

    Raises:
        LakeError: The folder is no checkout.
    """
    file = root / LOCK
    if not file.is_file():
        raise LakeError(
            f"{file}: expected the packages of a run, found no such file; run this in a checkout of pokelake"
        )
    return LOCK_TAG + sha256(file.read_bytes()).hexdigest()[:12]
