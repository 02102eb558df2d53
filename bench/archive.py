"""Writing a corpus as an archive that the replica reads, a document at a time."""

import io
import json
import tarfile
from collections.abc import Iterable
from hashlib import sha1
from pathlib import Path

from flows.local.replica.corpus import DEMO
from flows.local.replica.files import File


def path_of(corpus: str) -> Path:
    """Return where a corpus lies; that of the demo ships with the replica."""
    return DEMO if corpus == "demo" else Path(corpus)


def write_archive(files: Iterable[File], target: Path) -> int:
    """Write files into a tar archive, uncompressed; return how many of them are documents."""
    documents = 0
    with tarfile.open(target, "w") as archive:
        for path, body in files:
            member = tarfile.TarInfo("/".join(filter(None, ("data/api/v2", path, "index.json"))))
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
            # It would remember every member.
            archive.members = []  # type: ignore[attr-defined]
            documents += "/" in path
    return documents


def other_version(meta: bytes, what: str) -> bytes:
    """Return the facts of a version with another hash, because a crawl takes an equal one for an equal source."""
    facts = json.loads(meta)
    return minified({**facts, "hash": sha1(f"{facts['hash']} {what}".encode(), usedforsecurity=False).hexdigest()})


def minified(value: object) -> bytes:
    """Return a value as PokeAPI writes its JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
