"""The HTTP processes of a worker: one for each task at work, kept for the next task of the same crawl."""

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from blocks.secret import source_key
from lake.crawl import Fetcher, Source

# A process takes a second to start, so it waits so long for another task.
IDLE_SECONDS = 20.0


class Fetchers:
    """Keeps the processes that wait for a task, and ends each that waits for long, and all with this process."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Fetcher, threading.Timer]] = []
        self._changing = threading.Lock()
        atexit.register(self.close)

    @contextmanager
    def one(self, crawl: str, source: Source) -> Iterator[Fetcher]:
        """Give one, which no other task has, for the block; its pace and its budget are those of the source."""
        fetcher = self._take(f"{crawl} {source.connections}") or Fetcher(source, source_key(source))
        fetcher.set_rate(source.requests_per_second)
        fetcher.allow(source.requests_per_run)
        try:
            yield fetcher
        except BaseException:
            fetcher.close()
            raise
        self._put(f"{crawl} {source.connections}", fetcher)

    def close(self) -> None:
        """End all that wait."""
        with self._changing:
            waiting, self._waiting = self._waiting, []
        for _, fetcher, timer in waiting:
            timer.cancel()
            fetcher.close()

    def _take(self, name: str) -> Fetcher | None:
        with self._changing:
            found = next((item for item in self._waiting if item[0] == name), None)
            if found is not None:
                self._waiting.remove(found)
        if found is None:
            return None
        found[2].cancel()
        return found[1]

    def _put(self, name: str, fetcher: Fetcher) -> None:
        if not fetcher.is_open:
            fetcher.close()
            return
        timer = threading.Timer(IDLE_SECONDS, self._end, [fetcher])
        timer.daemon = True
        with self._changing:
            self._waiting.append((name, fetcher, timer))
        timer.start()

    def _end(self, fetcher: Fetcher) -> None:
        """End one that has waited for long, unless a task has just taken it."""
        with self._changing:
            is_waiting = any(item[1] is fetcher for item in self._waiting)
            self._waiting = [item for item in self._waiting if item[1] is not fetcher]
        if is_waiting:
            fetcher.close()


# A task cannot be given a process.
FETCHERS = Fetchers()
