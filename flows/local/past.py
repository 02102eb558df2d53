"""An earlier state of the demo's corpus, so that the demo's source has a past: two moves as they once were."""

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from urllib.request import Request, urlopen

from flows.local.replica.corpus import DEMO
from flows.local.replica.files import read_files
from flows.local.replica.pack import sealed

# Tackle until generation 4, Vine Whip until generation 5.
MOVES: Mapping[str, Mapping[str, int]] = {"move/33": {"power": 35, "accuracy": 95}, "move/22": {"power": 35}}


def unpack_past(folder: Path) -> None:
    """Write the documents of the demo's corpus into an empty folder, as a replica serves them, with those moves."""
    with tarfile.open(DEMO) as shipped:
        shipped.extractall(folder, filter="data")
    for path, members in MOVES.items():
        document = _file(folder, path)
        document.write_text(json.dumps({**json.loads(document.read_bytes()), **members}), encoding="utf-8")
    # Its hash is the version that a crawl asks for.
    _file(folder, "meta").write_bytes(sealed(read_files(folder))["meta"])


def serve_present(replica: str) -> None:
    """Have a running replica, whose address ends in ``api/v2/``, serve the demo's corpus from now on."""
    body = json.dumps({"path": "demo"}).encode()
    with urlopen(Request(f"{replica.removesuffix('api/v2/')}replica/corpus", body, method="PUT")):
        pass


def _file(folder: Path, path: str) -> Path:
    return folder / "data/api/v2" / path / "index.json"
