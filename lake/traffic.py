"""The requests that this process sends to S3, counted by kind, because S3 is paid by them."""

import threading
from collections import Counter
from typing import Any

_SENT: Counter[str] = Counter()
_COUNTING = threading.Lock()


def requests_to_s3() -> Counter[str]:
    """Return how many requests of each kind, such as ``GetObject``, were sent by now; one sent again counts again."""
    with _COUNTING:
        return Counter(_SENT)


def count_requests(client: Any) -> None:
    """Let `requests_to_s3` count what a client of boto3 sends; one that is given twice is counted once."""
    client.meta.events.register("request-created.s3", _count, unique_id="pokelake-requests")


def _count(operation_name: str, **_: Any) -> None:
    with _COUNTING:
        _SENT[operation_name] += 1
