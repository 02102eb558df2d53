"""Runs HTTP in a child process, because in Prefect's own the event loop would wait for the interpreter lock."""

import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from lake.crawl.crawler import crawler
from lake.crawl.key import Key
from lake.crawl.shard import CUT_SHORT, Fetched, Shard
from lake.errors import SourceError
from lake.source import Source

# An order to the child is its length in bytes, written in this many bytes, and a pickled object of that length.
LENGTH_BYTES = 8

# A process that was told to end is killed after this long.
END_SECONDS = 5

# Why a shard ended whose run is over.
CLOSED = "the fetcher was closed"


def write_answer(stream: IO[bytes], value: object) -> None:
    """Send an object to the parent, without a copy of the documents in it."""
    pickle.dump(value, stream, pickle.HIGHEST_PROTOCOL)
    stream.flush()


def _read_answer(stream: IO[bytes]) -> Any:
    """Return the child's next object, and raise `EOFError` if the child is gone."""
    try:
        return pickle.load(stream)
    except pickle.UnpicklingError as error:
        # It ended while it wrote.
        raise EOFError from error


def _write_order(stream: IO[bytes], value: object) -> None:
    packed = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    stream.write(len(packed).to_bytes(LENGTH_BYTES))
    stream.write(packed)
    stream.flush()


class Fetcher:
    """Fetches shards for several threads at once, in a child process with one event loop and one `Pace`.

    It holds the child, which starts with the first shard and ends with `close` or with this process. The key reaches
    the child through a pipe, where nobody else reads it. `documents` are those that are done, as of a second ago.
    """

    def __init__(self, source: Source, key: Key | None = None) -> None:
        crawler(source.kind)  # Raises here, and not in the child, if the kind is unknown.
        self._source = source
        self._key = key
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._receiver: threading.Thread | None = None
        self._numbers = count()
        self._pending: dict[int, Future[Fetched]] = {}
        self._ended: str | None = None
        self._is_stopped = False
        self.documents = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fetch(self, shard: Shard) -> Fetched:
        """Fetch a shard's documents, or a portion of many bytes, and wait for them, or until this was told to stop.

        Which documents have an outcome then are the first ones of the shard; the others are to be asked for again.

        Raises:
            SourceError: The budget of requests is spent, an inline listing cannot be read, or the child is gone.
        """
        future: Future[Fetched] = Future()
        with self._lock:
            self.require_open()
            if self._is_stopped:
                return Fetched(failed=[(item.reference, CUT_SHORT) for item in shard.wanted])
            if self._child is None:
                self._child = self._start()
            self._pending[number := next(self._numbers)] = future
            assert self._child.stdin is not None
            # If the child is gone, the receiver ends all pending shards with an error.
            with suppress(BrokenPipeError):
                _write_order(self._child.stdin, (number, shard))
        return future.result()

    def set_rate(self, requests_per_second: float) -> None:
        """Change how many requests a second the child makes from now on; 0 is no limit."""
        with self._lock:
            self._source = replace(self._source, requests_per_second=requests_per_second)
            self._tell(float(requests_per_second))

    def allow(self, requests: int) -> None:
        """Let the child make so many requests from now on, whatever it has made before."""
        with self._lock:
            self._source = replace(self._source, requests_per_run=requests)
            self._tell(requests)

    def stop(self) -> None:
        """End the shards under way with what has come; of those that come later nothing is asked for."""
        with self._lock:
            self._is_stopped = True
            self._tell(None)

    def _tell(self, order: float | int | None) -> None:
        if self._child is not None and self._ended is None:
            assert self._child.stdin is not None
            with suppress(BrokenPipeError):
                _write_order(self._child.stdin, order)

    @property
    def is_open(self) -> bool:
        """Whether it would fetch another shard."""
        return self._ended is None and not self._is_stopped

    def require_open(self) -> None:
        """Raise `SourceError` if this was closed or the child is gone."""
        if self._ended is not None:
            raise SourceError(self._ended)

    def close(self, why: str = CLOSED) -> None:
        """End the child; shards that it was still fetching end with an error, and so do those that come later."""
        with self._lock:
            self._ended = self._ended or f"{self._source.base_url}: {why}"
            child, receiver = self._child, self._receiver
        if child is None or receiver is None:
            return
        assert child.stdin is not None
        with suppress(BrokenPipeError):
            child.stdin.close()
        try:
            child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
        receiver.join()

    def _start(self) -> subprocess.Popen[bytes]:
        # Not forked, because this process has threads; not spawned, because that would run its main module again.
        # Without -P a folder `lake` in the working directory would be taken for this package.
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "lake.crawl"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": _module_path()},
        )
        self._receiver = threading.Thread(target=self._receive, args=(child,), name="fetcher", daemon=True)
        self._receiver.start()
        assert child.stdin is not None
        with suppress(BrokenPipeError):
            _write_order(child.stdin, (self._source, self._key))
        return child

    def _receive(self, child: subprocess.Popen[bytes]) -> None:
        """Hand the child's answers to the threads that wait; those that still wait when it ends get an error."""
        assert child.stdout is not None
        try:
            with suppress(EOFError), child.stdout:
                while True:
                    number, answer = _read_answer(child.stdout)
                    if number is None:
                        self.documents = answer
                        continue
                    with self._lock:
                        future = self._pending.pop(number)
                    if isinstance(answer, Fetched):
                        future.set_result(answer)
                    else:
                        future.set_exception(answer)
        finally:
            try:
                code = child.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                code = child.wait()
            with self._lock:
                self._ended = self._ended or (
                    f"{self._source.base_url}: the process that fetches ended by itself, with exit code {code};"
                    " the results so far are kept; run again to go on from here"
                )
                pending, self._pending = self._pending, {}
            for future in pending.values():
                future.set_exception(SourceError(self._ended))


def _module_path() -> str:
    """Return this process's module path, with this package's folder first because it may not be installed."""
    folders = [str(Path(__file__).parents[2]), *(path for path in sys.path if path)]
    return os.pathsep.join(dict.fromkeys(os.path.abspath(folder) for folder in folders))
