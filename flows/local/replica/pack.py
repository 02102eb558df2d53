"""``python -m flows.local.replica.pack FOLDER [ARCHIVE]``: make the demo corpus of a folder of JSON.

To edit the demo corpus, unpack it, change, add or remove documents in the folder, and pack that again:

    mkdir edited && tar -xf flows/local/replica/demo.tar.xz -C edited
    python -m flows.local.replica.pack edited

The same documents give the same archive. Listings follow from them, and a reference that leads nowhere fails a test.
"""

import io
import json
import lzma
import sys
import tarfile
from collections.abc import Iterable
from hashlib import sha1
from pathlib import Path

from flows.local.replica.corpus import DEMO
from flows.local.replica.files import File, read_files


def pack(folder: Path, archive: Path = DEMO) -> None:
    """Write the documents of a folder into an archive that depends on nothing but them."""
    documents = sealed(read_files(folder))
    with lzma.open(archive, "wb", preset=9 | lzma.PRESET_EXTREME) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for path, body in documents.items():
            # All else that a member says of itself, such as its time and its owner, is zero.
            member = tarfile.TarInfo(f"data/api/v2/{path}/index.json")
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))


def sealed(files: Iterable[File]) -> dict[str, bytes]:
    """Return documents minified and in order, with a hash of all the others in ``meta``: a crawl trusts it."""
    documents = {path: _minified(json.loads(body)) for path, body in sorted(files)}
    meta = json.loads(documents.pop("meta"))
    digest = sha1(usedforsecurity=False)
    for path, body in documents.items():
        digest.update(path.encode() + b"\0" + body + b"\0")
    return {**documents, "meta": _minified({**meta, "hash": digest.hexdigest()})}


def _minified(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    pack(*map(Path, sys.argv[1:]))
