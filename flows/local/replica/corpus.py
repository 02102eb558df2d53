"""The documents that a replica serves, held compressed."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from flows.local.replica.files import CorpusError, File, read_files
from flows.local.replica.packed import Packed

__all__ = ["API", "DEMO", "Corpus", "CorpusError", "Entry", "demo_documents", "open_corpus"]

API = "/api/v2/"

# Well-known Pokémon and all that they refer to. The module `pack` says how to edit it.
DEMO = Path(__file__).with_name("demo.tar.xz")

Entry = dict[str, str]
"""One resource of a listing: its relative ``url`` and, where it has one, its ``name``."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """One state of PokeAPI, with the relative URLs that its repository ``api-data`` has.

    A path is what follows ``/api/v2/`` without a slash at its end: "pokemon/25", "pokemon/25/encounters", "meta",
    and "" for the root index. ``len`` counts the documents below a resource, encounters included.
    """

    source: str
    bodies: Mapping[str, bytes]
    listings: Mapping[str, tuple[Entry, ...]]
    names: Mapping[str, str]
    version_hash: str | None
    deploy_date: str | None

    @classmethod
    def open(cls, path: str | Path) -> "Corpus":
        """Read a folder or tar archive laid out as PokeAPI's ``api-data`` repository.

        A folder may be ``api/v2`` itself, ``data``, or the one that holds ``data``.

        Raises:
            CorpusError: Nothing is there, it is no such folder or archive, it is damaged, or it lists a
                document that it does not have.
        """
        corpus = _assemble(str(path), read_files(Path(path)))
        for resource, entries in corpus.listings.items():
            missing = [entry["url"] for entry in entries if _path(entry["url"]) not in corpus.bodies]
            if missing:
                problem = f"{len(entries)} {resource} listed, {len(missing)} of them missing, the first is {missing[0]}"
                raise CorpusError(path, f"{problem}; the copy is incomplete, make it again")
        return corpus

    @classmethod
    def from_documents(cls, documents: Mapping[str, bytes], source: str = "documents") -> "Corpus":
        """Make a corpus of documents by path; root index, listings in order of id, and names follow from them.

        A path without a slash is a plain document such as "meta", or a listing to be served as given.

        >>> corpus = Corpus.from_documents({"pokemon/25": b'{"id": 25, "name": "pikachu"}'})
        >>> corpus.canonical("pokemon/pikachu")
        'pokemon/25'

        Raises:
            CorpusError: A path or a body is malformed.
        """
        for path, body in documents.items():
            if path and not re.fullmatch(r"[\w-]+(/[\w-]+){0,2}", path):
                raise CorpusError(
                    source, f"path {path!r}: expected one such as 'pokemon/25' or 'pokemon/25/encounters'"
                )
            _parse(f"{source}: {path}", body)
        return _assemble(source, documents.items())

    def __len__(self) -> int:
        return sum("/" in path for path in self.bodies)

    def paths(self) -> Iterator[str]:
        """Yield the path of each thing but the listings, the root index included."""
        yield from self.bodies

    def document(self, path: str) -> bytes:
        """Return the JSON at a canonical path, with relative URLs."""
        return self.bodies[path]

    def canonical(self, path: str) -> str | None:
        """Return the path with a name replaced by its id, or None if there is no such document.

        Of resources that share a name, the last one listed has it, as in PokeAPI.
        """
        if path in self.bodies:
            return path
        resource, _, rest = path.partition("/")
        name, slash, part = rest.partition("/")
        owner = self.names.get(f"{resource}/{name}")
        found = f"{owner}{slash}{part}"
        return found if found in self.bodies else None


def open_corpus(name: str | Path) -> Corpus:
    """Open the corpus at a path, or the one that ships with the replica when the name is ``demo``."""
    return Corpus.from_documents(_demo(), "demo") if str(name) == "demo" else Corpus.open(name)


def demo_documents() -> dict[str, bytes]:
    """Return the documents of the corpus that ships with the replica by path, to be changed at will."""
    return dict(_demo())


@cache
def _demo() -> Mapping[str, bytes]:
    return dict(read_files(DEMO))


def _assemble(source: str, files: Iterable[File]) -> Corpus:
    bodies = Packed()
    listings: dict[str, tuple[Entry, ...]] = {}
    for path, body in files:
        if path and "/" not in path:
            data = _parse(f"{source}: {path}", body)
            if isinstance(data, dict) and isinstance(data.get("results"), list):
                listings[path] = tuple(_checked(f"{source}: {path}", path, entry) for entry in data["results"])
                continue
        bodies.add(path, body)
    _add_listings(source, bodies, listings)
    if "" not in bodies:
        top = sorted({path.partition("/")[0] for path in (*bodies, *listings)})
        bodies.add("", _dump({name: f"{API}{name}/" for name in top}))
    names = {
        f"{resource}/{entry['name'].lower()}": _path(entry["url"])
        for resource, entries in listings.items()
        for entry in entries
        if isinstance(entry.get("name"), str)
    }
    meta = _parse(f"{source}: meta", bodies["meta"]) if "meta" in bodies else {}
    if not isinstance(meta, dict):
        raise CorpusError(f"{source}: meta", f"expected an object with hash and deploy_date, found {meta!r}")
    return Corpus(source, bodies, listings, names, _text(meta.get("hash")), _text(meta.get("deploy_date")))


def _add_listings(source: str, bodies: Mapping[str, bytes], listings: dict[str, tuple[Entry, ...]]) -> None:
    unlisted: dict[str, list[str]] = {}
    for path in bodies:
        resource, _, id_ = path.partition("/")
        if path.count("/") == 1 and resource not in listings:
            unlisted.setdefault(resource, []).append(id_)
    for resource, ids in sorted(unlisted.items()):
        entries = []
        for id_ in sorted(ids, key=_order):
            path = f"{resource}/{id_}"
            data = _parse(f"{source}: {path}", bodies[path])
            name = data.get("name") if isinstance(data, dict) else None
            named = {"name": name} if isinstance(name, str) else {}
            entries.append({**named, "url": f"{API}{path}/"})
        listings[resource] = tuple(entries)


def _order(id_: str) -> tuple[float, str]:
    return (int(id_) if re.fullmatch(r"-?\d+", id_) else inf, id_)


def _checked(where: str, resource: str, entry: Any) -> Entry:
    if not isinstance(entry, dict) or not str(entry.get("url")).startswith(f"{API}{resource}/"):
        raise CorpusError(where, f"expected results with a url below {API}{resource}/, found {entry!r}")
    return entry


def _parse(where: str, body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise CorpusError(where, f"expected JSON, found {body[:40]!r} ({error})") from error


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _path(url: str) -> str:
    return url.removeprefix(API).strip("/")
