"""Races for one key in a real bucket: the promise that a snapshot is published once stands on their outcome."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from botocore.exceptions import ClientError

from lake.errors import ConflictError, DamagedObjectError
from lake.store import Store

FOLDER = "staging/races/"


@dataclass(frozen=True, slots=True)
class Race:
    """How many rounds had one winner whose bytes are read by all, and how many had another number of winners."""

    rounds: int
    fair: int
    winners: int

    def __str__(self) -> str:
        return f"{self.fair} of {self.rounds} rounds had one winner; {self.winners} writes won in all"


def _race(store: Store, rounds: int, writers: int, write: Callable[[str, int], None]) -> Race:
    fair = won = 0
    with ThreadPoolExecutor(writers) as pool:
        for number in range(rounds):
            key, gate = f"{FOLDER}{number:04d}", threading.Barrier(writers)

            def attempt(writer: int, key: str = key, gate: threading.Barrier = gate) -> int | None:
                gate.wait()
                with suppress(ConflictError, ClientError):
                    write(key, writer)
                    return writer
                return None

            winners = [writer for writer in pool.map(attempt, range(writers)) if writer is not None]
            seen = set(pool.map(lambda _, key=key: store.get(key), range(writers)))
            won += len(winners)
            fair += seen == {body(writer) for writer in winners} and len(winners) == 1
    store.delete([item.key for item in store.list(FOLDER)])
    return Race(rounds, fair, won)


def body(writer: int) -> bytes:
    """Return what a writer writes."""
    return f"writer {writer}".encode()


def race_of_puts(store: Store, rounds: int, writers: int) -> Race:
    """Let writers create the same key at once, as commits are created; each round must have one winner."""
    return _race(store, rounds, writers, lambda key, writer: store.create(key, body(writer)))


def race_of_copies(store: Store, rounds: int, writers: int) -> Race:
    """Let writers copy different objects to the same key at once, as files are carried over; one must win a round."""
    sources = [f"{FOLDER}source-{writer}" for writer in range(writers)]
    for writer, source in enumerate(sources):
        store.create(source, body(writer))
    etags = {item.key: item.etag for item in store.list(f"{FOLDER}source-")}

    def copy(key: str, writer: int) -> None:
        store.copy(sources[writer], key, etags[sources[writer]], sha256(body(writer)).hexdigest())

    return _race(store, rounds, writers, copy)


def copies_what_was_replaced(store: Store) -> bool:
    """Tell whether S3 copies an object that is not the one of the ETag that was asked for."""
    source, target, content = f"{FOLDER}replaced", f"{FOLDER}copy-of-it", body(0)
    store.create(source, content)
    [listed] = store.list(source)
    store.delete([source])
    store.create(source, body(1))
    with suppress(DamagedObjectError):
        store.copy(source, target, listed.etag, sha256(body(1)).hexdigest())
    is_copied = store.find(target) is not None
    store.delete([source, target])
    return is_copied
