"""The code of a run for the workers of its cluster: its own files, packed, and what puts them on a worker's path.

A run has pulled exactly one code version, or lies in a checkout; either way its own files are the code that its tasks
must be done with. A worker has the image's packages and none of this project, and does not look for any.
"""

import io
import os
import zipfile
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from lake.errors import LakeError

PACKAGES = ("blocks", "flows", "lake")

# What a worker has loaded stands in this variable of its environment.
LOADED = "POKELAKE_CODE"

# The time of every file in the archive, the first that a zip can hold, so that the same files are the same archive.
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Code:
    """The files of a run's code as one archive, and the name of their content."""

    archive: bytes
    version: str


@cache
def code_of_this_run() -> Code:
    """Return the code that this process runs."""
    return pack(Path(__file__).parents[2])


def pack(root: Path) -> Code:
    """Return the code below a folder; the same files have the same version."""
    packed, content = io.BytesIO(), sha256()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(file for package in PACKAGES for file in (root / package).rglob("*.py")):
            name, body = path.relative_to(root).as_posix(), path.read_bytes()
            archive.writestr(zipfile.ZipInfo(name, _TIME), body, zipfile.ZIP_DEFLATED)
            content.update(f"{name} {len(body)}\n".encode() + body)
    return Code(packed.getvalue(), content.hexdigest()[:12])


def require_code(version: str | None) -> None:
    """Raise `LakeError` unless this process has loaded the code version that a task is of; None is that of threads."""
    loaded = os.environ.get(LOADED)
    if version is not None and loaded != version:
        raise LakeError(
            f"this worker has loaded {f'code {loaded}' if loaded else 'no code of a run'}, and the task is of code"
            f" {version}: another run has the workers by now; run again to go on from here",
            may_pass=True,
        )


# A worker runs this text, because it has none of this project's modules before that. The folder is the worker's own.
INSTALL = """
import atexit, io, os, shutil, sys, tempfile, zipfile
if not os.environ.get(LOADED):
    folder = tempfile.mkdtemp(prefix="pokelake-code-")
    atexit.register(shutil.rmtree, folder, True)
    with zipfile.ZipFile(io.BytesIO(ARCHIVE)) as archive:
        archive.extractall(folder)
    sys.path.insert(0, folder)
    os.environ[LOADED] = VERSION
"""
