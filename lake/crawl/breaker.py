"""Breakers: a source, or one of its collections, that answers nothing is soon left alone."""

from collections import Counter

from lake.crawl.advice import advice, may_pass
from lake.errors import SourceDownError

# A collection's breaker opens when this many of its documents failed in a row, each after all of its tries.
FAILED_IN_A_ROW = 10

# The source's breaker opens when this many documents failed in a row, of at least so many collections.
SOURCE_FAILED_IN_A_ROW = 30
SOURCE_COLLECTIONS = 3

# Why a document failed that was not asked for, because the source's breaker is open.
LEFT_ALONE = "not asked for, because the source answers nothing"


def are_several(troubled: int, asked: int) -> bool:
    """Tell whether so many collections are in trouble that the source is: all, or three and a quarter of them."""
    return bool(troubled) and (troubled == asked or troubled >= max(SOURCE_COLLECTIONS, asked / 4))


class Breaker:
    """The breakers of all shards of an event loop. It counts the documents that failed since the last one that came.

    While a collection's breaker is open, each of its shards asks for one document alone; one that comes closes the
    breaker. The source's stays open.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._failed = Counter[str]()
        self._since = Counter[str]()
        self._down: SourceDownError | None = None

    def note(self, resource: str, failure: str | None) -> None:
        """Note whether a document came, or why it failed."""
        if failure is None:
            del self._failed[resource]
            self._since.clear()
            return
        self._failed[resource] += 1
        self._since[resource] += 1
        # What was not asked for afterwards says nothing about the reason.
        if self._down is not None:
            return
        if self._since.total() >= SOURCE_FAILED_IN_A_ROW and len(self._since) >= SOURCE_COLLECTIONS:
            self._down = SourceDownError(
                f"{self._base_url}: {self._since.total()} documents in a row could not be fetched, of"
                f" {len(self._since)} collections, so nothing more was asked for and nothing was published; what was"
                f" fetched is kept. {advice(failure)} The last one failed with: {failure}",
                may_pass(failure),
            )

    def give_up(self, why: str) -> None:
        """Open the source's breaker for another reason."""
        self._down = self._down or SourceDownError(
            f"{self._base_url}: the source is left alone, because {why}; nothing was published, and what was fetched is"
            " kept. Run again later, or lower requests_per_second, and the run goes on from here"
        )

    @property
    def is_down(self) -> bool:
        """Whether nothing more is to be asked for."""
        return self._down is not None

    def reason(self, resource: str, is_first: bool) -> str | None:
        """Say why a document is not to be asked for, the first one of its shard or another; None if it is."""
        if self._down is not None:
            return LEFT_ALONE
        if self._failed[resource] >= FAILED_IN_A_ROW and not is_first:
            return f"not asked for, because {resource} answers nothing"
        return None

    def require_source(self) -> None:
        """Raise `SourceDownError` if the source is to be left alone; a shard under way ends with what has come."""
        if self._down is not None:
            raise self._down
