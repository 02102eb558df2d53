"""What a run tells the workers that crawl for it: another pace, or to stop; as names of small objects in the bucket.

Workers may be anywhere, and reach the bucket. The newest name counts.
"""

import threading
from contextlib import suppress
from typing import Self

from lake.crawl import Fetcher
from lake.errors import StoreError
from lake.store import Store

# A worker looks this often. It is told to stop "within seconds", and a listing costs half a thousandth of a cent.
LOOK_SECONDS = 5.0

_STOP = "stop"


class Teller:
    """Tells; it counts what it told, so that names sort."""

    def __init__(self, store: Store, folder: str) -> None:
        self._store, self._folder, self._told = store, folder, 0
        self._telling = threading.Lock()

    def tell(self, requests_per_second: float | None) -> None:
        """Tell each worker its pace from now on; None tells it to stop."""
        with self._telling:
            self._told += 1
            word = _STOP if requests_per_second is None else repr(float(requests_per_second))
            self._store.create(f"{self._folder}{self._told:06d}-{word}", b"")


class Listener:
    """Obeys while a ``with`` block runs, in a thread of its own."""

    def __init__(self, store: Store, folder: str, fetcher: Fetcher) -> None:
        self._store, self._folder, self._fetcher = store, folder, fetcher
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, name="told", daemon=True).start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._ended.set()

    def _listen(self) -> None:
        heard = ""
        while not self._ended.is_set():
            # A bucket that does not answer is asked again.
            with suppress(StoreError):
                said = max((item.key for item in self._store.list(self._folder)), default="")
                if said > heard:
                    heard = said
                    self._obey(said.rpartition("-")[2])
            self._ended.wait(LOOK_SECONDS)

    def _obey(self, word: str) -> None:
        if word == _STOP:
            self._fetcher.stop()
            return
        with suppress(ValueError):
            self._fetcher.set_rate(float(word))
