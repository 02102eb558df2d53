"""``python -m bench.grow CORPUS TARGET.tar --times 10``: a corpus with ten times the documents, for the replica.

The documents of a domain come again under new ids and names, and refer to one another as the first ones do; what lies
outside the domain is there once, refers to the first ones alone, and is what all of them refer to. `pokemon` is the
domain of five resources that makes 68,000 documents and 2 GB of JSON of PokeAPI ten times over; `all` is every resource
that has hundreds of documents. One document at a time is in memory.
"""

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from bench.archive import minified, other_version, path_of, write_archive
from flows.local.replica.files import File, read_files

POKEMON = ("evolution-chain", "pokemon", "pokemon-form", "pokemon-species")
DOMAINS = {
    "pokemon": POKEMON,
    "all": (*POKEMON, "ability", "item", "location", "location-area", "machine", "move"),
}

# The number of a copy stands before an id of as many digits, so 25 becomes 300025 in the third copy.
ID_DIGITS = 5

# Stands for a copy's number; JSON has none of these.
_NUMBER = b"\0"


class _Own(msgspec.Struct):
    """What a document says of itself."""

    id: int | None = None
    name: str | None = None


def grow(corpus: Path, target: Path, times: int, domain: str = "pokemon") -> int:
    """Write a corpus that has each document of a domain so many times; return how many documents it has."""
    return write_archive(grown(read_files(corpus), times, DOMAINS[domain]), target)


def grown(files: Iterable[File], times: int, resources: tuple[str, ...]) -> Iterator[File]:
    """Yield the files of a corpus, and of these resources copies of every document and of every entry of a listing.

    >>> pichu = b'{"id":172,"name":"pichu","into":{"name":"pikachu","url":"/api/v2/pokemon/25/"}}'
    >>> [first, second] = grown([("pokemon/172", pichu)], 2, ("pokemon",))
    >>> print(second[0], second[1].decode())
    pokemon/100172 {"id":100172,"name":"pichu-copy-1","into":{"name":"pikachu-copy-1","url":"/api/v2/pokemon/100025/"}}
    """
    copies = [str(number).encode() for number in range(1, times)]
    reference = _reference(resources)
    for path, body in files:
        resource, _, rest = path.partition("/")
        if path == "meta":
            yield path, other_version(body, f"{times} times {' '.join(resources)}")
        elif resource not in resources:
            yield path, body
        elif not rest:
            yield path, _listing(body, copies, reference)
        else:
            yield path, body
            id_, *below = rest.split("/")
            pieces = _pieces(body, reference, is_document=not below)
            for number in copies:
                there = "/".join([resource, f"{number.decode()}{int(id_):0{ID_DIGITS}}", *below])
                yield there, number.join(pieces)


def _reference(resources: tuple[str, ...]) -> re.Pattern[bytes]:
    """Return what finds an address of these resources, with the name before it, if there is one."""
    names = "|".join(map(re.escape, resources))
    return re.compile(rf'(?:("name":\s*"[^"\\]*)(",\s*"url":\s*))?"/api/v2/({names})/(\d+)/'.encode())


def _marked(match: re.Match[bytes]) -> bytes:
    name, between, resource, id_ = match.groups()
    named = b"%s-copy-%s%s" % (name, _NUMBER, between) if name else b""
    return b'%s"/api/v2/%s/%s%0*d/' % (named, resource, _NUMBER, ID_DIGITS, int(id_))


def _pieces(body: bytes, reference: re.Pattern[bytes], is_document: bool) -> list[bytes]:
    """Return the parts of a body between which a copy's number belongs."""
    if is_document:
        own = msgspec.json.decode(body, type=_Own)
        if own.name is not None:
            named = re.escape(json.dumps(own.name, ensure_ascii=False)[:-1].encode())
            body = re.sub(rb'("name":\s*' + named + rb')"(?!,\s*"url")', rb'\1-copy-\0"', body)
        if own.id is not None:
            numbered = b'"id":%s%0*d' % (_NUMBER, ID_DIGITS, own.id)
            body = re.sub(rb'"id":\s*%d\b' % own.id, lambda _: numbered, body)
    return reference.sub(_marked, body).split(_NUMBER)


def _listing(body: bytes, copies: list[bytes], reference: re.Pattern[bytes]) -> bytes:
    listing = json.loads(body)
    pieces = _pieces(minified(listing["results"]), reference, is_document=False)
    results = [*listing["results"], *(entry for number in copies for entry in json.loads(number.join(pieces)))]
    return minified({**listing, "count": len(results), "results": results})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.grow")
    parser.add_argument("corpus", help="an api-data folder or .tar.xz, or 'demo'")
    parser.add_argument("target", type=Path)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--domain", choices=sorted(DOMAINS), default="pokemon")
    given = parser.parse_args()
    print(grow(path_of(given.corpus), given.target, given.times, given.domain), "documents")
