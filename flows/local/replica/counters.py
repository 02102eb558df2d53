"""Counts of the requests that clients send to the replica."""

from asyncio import BaseTransport
from collections import Counter
from typing import Any


class Counters:
    """Counts of requests below /api/v2, since the start or the last reset.

    ``peak_concurrency`` is the most requests that were in flight at one time, ``peak_connections`` the most
    connections that had carried such a request and were open at one time.
    """

    def __init__(self) -> None:
        self._in_flight = 0
        self._connections: set[BaseTransport] = set()
        self.reset()

    def reset(self) -> None:
        """Forget the past; what is in flight and open stays counted."""
        self._forget_closed()
        self._requests = 0
        self._bytes = 0
        self._by_status: Counter[int] = Counter()
        self._by_path: dict[str, Counter[int]] = {}
        self._peak_concurrency = self._in_flight
        self._peak_connections = len(self._connections)
        self._user_agents: dict[str, None] = {}

    def begin(self, connection: BaseTransport, user_agent: bytes) -> None:
        """Count a request that has arrived."""
        self._requests += 1
        self._in_flight += 1
        self._peak_concurrency = max(self._peak_concurrency, self._in_flight)
        self._user_agents[user_agent.decode("latin-1")] = None
        if connection not in self._connections:
            self._forget_closed()
            self._connections.add(connection)
            self._peak_connections = max(self._peak_connections, len(self._connections))

    def end(self, path: str, status: int, sent: int) -> None:
        """Count the end of a request that has begun: what was answered and how many bytes of body were sent."""
        self._in_flight -= 1
        self._bytes += sent
        self._by_status[status] += 1
        self._by_path.setdefault(path, Counter())[status] += 1

    def report(self) -> dict[str, Any]:
        """Return all counts as JSON; paths are as asked, lower-cased, without query and slash at the end."""
        return {
            "requests": self._requests,
            "by_status": {str(status): count for status, count in sorted(self._by_status.items())},
            "by_path": {
                path: {str(status): count for status, count in sorted(by_status.items())}
                for path, by_status in sorted(self._by_path.items())
            },
            "peak_concurrency": self._peak_concurrency,
            "in_flight": self._in_flight,
            "peak_connections": self._peak_connections,
            "bytes": self._bytes,
            "user_agents": [agent for agent in self._user_agents if agent],
        }

    def _forget_closed(self) -> None:
        self._connections = {connection for connection in self._connections if not connection.is_closing()}
