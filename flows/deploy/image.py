"""The image that runs are in: its tag tells of which lock its packages are, and how it was built."""

from hashlib import sha256
from pathlib import Path

from lake.errors import LakeError

# Of runs, and of runs on a cluster with its workers: a build argument chooses.
LOCKS = ("requirements-run.lock", "requirements-cluster.lock")

# All that the image is built from.
SOURCES = ("Dockerfile", *LOCKS)

LOCK_TAG = "lock-"


def image_tag(root: Path) -> str:
    """Return the tag of the image that is built from a checkout: the same lock and Dockerfile have the same tag.

    Raises:
        LakeError: The folder is no checkout.
    """
    content = sha256()
    for file in (root / name for name in SOURCES):
        if not file.is_file():
            raise LakeError(
                f"{file}: expected what the image is built from, found no such file; run this in a checkout of pokelake"
            )
        content.update(file.read_bytes())
    return LOCK_TAG + content.hexdigest()[:12]
