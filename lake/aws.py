"""What every client of AWS has that works for a lake, whoever made it: how often it tries again, how long it waits."""

from collections.abc import Mapping
from typing import Any

# Eight times `PARALLEL_REQUESTS` of the store, because several groups of tables write and read at the same time; a
# connection is opened only when it is needed.
CONNECTIONS = 64

# The first try is not counted.
RETRIES = 5

CONNECT_SECONDS, READ_SECONDS = 10, 60

# As botocore names them. Its own: retries of the mode `legacy`, a minute for a connection, and ten connections.
CLIENT_SETTINGS: Mapping[str, Any] = {
    "retries": {"mode": "standard", "max_attempts": RETRIES},
    "connect_timeout": CONNECT_SECONDS,
    "read_timeout": READ_SECONDS,
    "max_pool_connections": CONNECTIONS,
}


def completed(own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a client's settings: its own, and the lake's for all that it does not set itself.

    They may be changed: botocore writes the number of tries into those that it is given.

    >>> completed({"read_timeout": 7, "retries": {"total_max_attempts": 2}})["retries"]
    {'mode': 'standard', 'max_attempts': 5, 'total_max_attempts': 2}
    """
    own = own or {}
    return {**CLIENT_SETTINGS, **own, "retries": {**CLIENT_SETTINGS["retries"], **(own.get("retries") or {})}}


def patience(config: Any) -> str:
    """Say how a client's settings, as botocore has taken them, bear with AWS."""
    tries = config.retries["total_max_attempts"]
    return (
        f"{tries} {'try' if tries == 1 else 'tries'}, {config.connect_timeout:g} s for a connection,"
        f" {config.read_timeout:g} s for an answer"
    )
