"""Checks the code that a run has pulled, before any of it runs: it must be what the deployment was made with.

`prefect.yaml` hands the text of this file to a bare interpreter, because where the code is pulled nothing of this
project is installed, and what was pulled is not to be trusted yet. So it needs Python's own library alone.
"""

import json
import os
import sys
from hashlib import sha256
from pathlib import Path

MANIFEST = "MANIFEST.json"

# Files that a message names.
NAMED = 5


def differing(folder: Path, manifest_sha256: str) -> list[str]:
    """Return the files that are not as the manifest says, are missing or are too many; the manifest must have a hash.

    A file too many may be one that Python would import in the place of another.
    """
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}
    manifest = found.pop(MANIFEST).read_bytes() if MANIFEST in found else b""
    if sha256(manifest).hexdigest() != manifest_sha256:
        return [MANIFEST]
    hashes = json.loads(manifest)["files"]
    changed = [
        path
        for path, expected in hashes.items()
        if path not in found or sha256(found[path].read_bytes()).hexdigest() != expected
    ]
    return sorted({*changed, *(found.keys() - hashes.keys())})


def check(folder: Path, version: str, manifest_sha256: str) -> None:
    """End the process with a paragraph unless a folder holds exactly the files of a code version."""
    if differs := differing(folder, manifest_sha256):
        sys.exit(
            f"code version {version} was pulled, and none of it was run: expected exactly its files in {folder}, found"
            f" {len(differs)} that differ ({', '.join(map(repr, differs[:NAMED]))}). Find out who changed"
            f" code/{version}/ in the bucket, remove that folder, and deploy again; a run pulls into an empty folder"
        )


if __name__ == "__main__":
    check(Path(os.environ["PULLED"]), os.environ["VERSION"], os.environ["MANIFEST_SHA256"])
