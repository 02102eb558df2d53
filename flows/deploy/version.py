"""A code version as it lies in the bucket: a manifest, and beside it one archive of all files.

Earlier code pushed each file by itself. Such a version can be run, and rolled back to, like any other.
"""

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from gzip import compress
from hashlib import sha256
from io import BytesIO

from flows.deploy.pulled import read
from lake.layout import CODE, CODE_ARCHIVE, CODE_MANIFEST
from lake.store import Store


def folder_of(version: str) -> str:
    """Return the folder of a version below the lake's prefix; its slash keeps a pull within it."""
    return f"{CODE}{version}/"


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of files; wherever zlib is the same, the same files give the same bytes."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, body in sorted(files.items()):
            item = tarfile.TarInfo(path)
            item.size = len(body)
            tar.addfile(item, BytesIO(body))
    return compress(packed.getvalue(), mtime=0)


def pushed(store: Store) -> dict[str, datetime]:
    """Return the versions that lie whole in the lake's bucket, and when each was pushed."""
    return {item.key.split("/")[1]: item.modified for item in store.list(CODE) if item.key.endswith(CODE_MANIFEST)}


@dataclass(frozen=True)
class Lying:
    """What lies in the folder of a version: the content of its manifest, and the names of all objects."""

    store: Store
    version: str
    manifest: bytes
    names: frozenset[str]

    @property
    def sha256(self) -> str:
        """The hash of the manifest."""
        return sha256(self.manifest).hexdigest()

    @property
    def hashes(self) -> dict[str, str]:
        """The hash of each file by its path; none if the manifest is not that of this version."""
        is_its_own = self.sha256.startswith(self.version)
        hashes: dict[str, str] = json.loads(self.manifest)["files"] if is_its_own else {}
        return hashes

    @property
    def is_archive(self) -> bool:
        return CODE_ARCHIVE in self.names

    @property
    def lacking(self) -> list[str]:
        """The names of objects without which it cannot be run."""
        if self.is_archive:
            return []
        single = self.hashes.keys()
        return sorted(single - self.names) if single & self.names else [CODE_ARCHIVE]

    @property
    def strange(self) -> list[str]:
        """The names of objects that are no part of it. Single files beside an archive are left over, and not read."""
        return sorted(self.names - self.hashes.keys() - {CODE_MANIFEST, CODE_ARCHIVE})

    def read(self) -> tuple[dict[str, bytes], list[str]]:
        """Return the files by path, and the paths of those that are not as they were pushed."""
        return read(self.hashes, lambda name: self.store.find(f"{folder_of(self.version)}{name}"))


def look(store: Store, version: str) -> Lying | None:
    """Return what lies in the folder of a version, None if that has no manifest."""
    folder = folder_of(version)
    manifest = store.find(f"{folder}{CODE_MANIFEST}") if "/" not in version else None
    if manifest is None:
        return None
    names = frozenset(item.key.removeprefix(folder) for item in store.list(folder))
    return Lying(store, version, manifest, names)
