"""Bundles: the small shards of a batch are staged as one object, which takes one request to write and to read."""

from lake.store import Store

# A shard that takes more is an object of its own.
SMALL_BYTES = 48 << 10

# A bundle is in memory until it is full or its batch ends.
BUNDLE_BYTES = 1 << 20


class Bundle:
    """The packed documents of small shards, one after the other, on their way into one staged object."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key, self._body = "", bytearray()

    def add(self, key: str, packed: bytes) -> tuple[str, int]:
        """Take in a shard; return the key of its object, which is that of the first one in it, and where it begins."""
        if len(self._body) + len(packed) > BUNDLE_BYTES:
            self.write()
        if not self._body:
            self._key = key
        start = len(self._body)
        self._body += packed
        return self._key, start

    def write(self) -> None:
        """Put what was taken in into the store."""
        if self._body:
            self._store.create(self._key, bytes(self._body))
            self._body = bytearray()
