"""``python -m bench.change CORPUS TARGET.tar``: a corpus in which 13 documents of six resources have changed.

One number rises by one in each of them. Which ones these are is drawn with a fixed seed, so the same corpus always
changes in the same way.
"""

import argparse
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from bench.archive import minified, other_version, path_of, write_archive
from flows.local.replica.files import File, read_files

SEED = 13

# How many documents of a resource change, and the number in them that rises.
CHANGES = {
    "berry": (1, "growth_time"),
    "location-area": (1, "game_index"),
    "move": (2, "pp"),
    "pokemon": (4, "weight"),
    "pokemon-form": (2, "form_order"),
    "pokemon-species": (3, "capture_rate"),
}

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def change(corpus: Path, target: Path) -> list[str]:
    """Write a corpus with the changes; return the paths of the documents that have changed."""
    chosen = choose(read_files(corpus))
    write_archive(changed(read_files(corpus), chosen), target)
    return chosen


def choose(files: Iterable[File]) -> list[str]:
    """Return the paths of the documents that change, drawn of those that have the number; fewer if there are fewer."""
    found: dict[str, list[str]] = {resource: [] for resource in CHANGES}
    for path, body in files:
        resource, _, id_ = path.partition("/")
        if resource in CHANGES and id_.isdigit() and bytes(_MEMBERS.decode(body)[CHANGES[resource][1]]) != b"null":
            found[resource].append(path)
    draw = random.Random(SEED)
    counts = {resource: min(count, len(found[resource])) for resource, (count, _) in CHANGES.items()}
    return [path for resource, count in counts.items() for path in draw.sample(sorted(found[resource]), count)]


def changed(files: Iterable[File], chosen: Iterable[str]) -> Iterator[File]:
    """Yield the files of a corpus, in which the chosen documents and the version have changed.

    >>> [(_, body)] = changed([("move/1", b'{"id":1,"pp":35}')], ["move/1"])
    >>> body
    b'{"id":1,"pp":36}'
    """
    paths = set(chosen)
    for path, body in files:
        if path == "meta":
            yield path, other_version(body, f"seed {SEED}")
        elif path in paths:
            document = msgspec.json.decode(body)
            number = CHANGES[path.partition("/")[0]][1]
            yield path, minified({**document, number: document[number] + 1})
        else:
            yield path, body


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.change")
    parser.add_argument("corpus", help="an api-data folder or .tar.xz, or 'demo'")
    parser.add_argument("target", type=Path)
    given = parser.parse_args()
    print("\n".join(change(path_of(given.corpus), given.target)))
