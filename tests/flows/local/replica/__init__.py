"""Tests of the replica; all talk to it over loopback, as a crawler does."""

import json

from flows.local.replica import Corpus, Running
from tests.waiting import until

DOCUMENTS: dict[str, object] = {
    "pokemon/132": {"id": 132, "name": "ditto", "species": {"url": "/api/v2/pokemon-species/132/"}},
    "pokemon/25": {"id": 25, "name": "pikachu", "species": {"url": "/api/v2/pokemon-species/25/"}},
    "pokemon/10100": {"id": 10100, "name": "raichu-alola", "species": {"url": "/api/v2/pokemon-species/26/"}},
    "pokemon/25/encounters": [{"location_area": {"url": "/api/v2/location-area/321/"}}],
    "move-ailment/-1": {"id": -1, "name": "unknown"},
    "machine/1": {"id": 1, "move": {"url": "/api/v2/move/5/"}, "texts": ["a text that repeats itself"] * 100},
    "meta": {"deploy_date": "1786004122", "hash": "0d8fe2bf", "tag": None},
}


def small_corpus(**changes: object) -> Corpus:
    """Return a corpus of a few documents; a keyword argument replaces those of the same path."""
    documents = {**DOCUMENTS, **changes}
    return Corpus.from_documents({path: json.dumps(document).encode() for path, document in documents.items()})


def settle(running: Running) -> None:
    """Leave a replica without faults and with counters at zero, those of requests that were called off included."""
    running.faults([])
    until(lambda: not running.counters()["in_flight"], every=0.01)
    running.reset()
