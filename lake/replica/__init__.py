"""A stand-in for PokeAPI where there is no network: faithful, fast, and faulty on demand.

>>> from lake.replica import Corpus, replica
>>> with replica(Corpus.from_documents({"pokemon/25": b'{"id": 25, "name": "pikachu"}'})) as running:
...     running.faults([{"kind": "status", "status": 429, "retry_after": "1", "times": 1}])
...     # crawl running.url
...     running.counters()["requests"]
0
"""

from lake.replica.corpus import Corpus, CorpusError, open_corpus
from lake.replica.faults import FaultError
from lake.replica.server import Running, replica, serve

__all__ = ["Corpus", "CorpusError", "FaultError", "Running", "open_corpus", "replica", "serve"]
