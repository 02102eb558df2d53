"""A stand-in for PokeAPI where there is no network: faithful, fast, and faulty on demand.

>>> from flows.local.replica import Corpus, replica
>>> with replica(Corpus.from_documents({"pokemon/25": b'{"id": 25, "name": "pikachu"}'})) as running:
...     running.faults([{"kind": "status", "status": 429, "retry_after": "1", "times": 1}])
...     # crawl running.url
...     running.counters()["requests"]
0
"""

from flows.local.replica.corpus import Corpus, CorpusError, demo_documents, open_corpus
from flows.local.replica.faults import FaultError
from flows.local.replica.server import Running, replica, serve

__all__ = ["Corpus", "CorpusError", "FaultError", "Running", "demo_documents", "open_corpus", "replica", "serve"]
