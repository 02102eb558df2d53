"""Everything a crawl needs to know about a source, and how to be polite to it."""

from dataclasses import dataclass

# The core of the Pokémon domain.
POKEAPI_RESOURCES = ("ability", "evolution-chain", "generation", "move", "pokemon", "pokemon-species", "type")


@dataclass(frozen=True, slots=True)
class Source:
    """One API to crawl. Each limit holds for one process unless it says otherwise."""

    base_url: str = "https://pokeapi.co/api/v2/"
    resources: tuple[str, ...] = POKEAPI_RESOURCES

    # PokeAPI bans by address those who break its fair use policy. Ten a second reads 15,500 documents in 26 minutes;
    # 0 means no limit, for a replica.
    requests_per_second: float = 10

    # Open at the same time, over all shards.
    connections: int = 8

    # Fetched at the same time, each with its share of the connections. Two hide each other's waits for S3; four are
    # no faster, and a kill loses them all.
    parallel_shards: int = 2

    # More would mean that something runs away: all of PokeAPI is 15,500 documents and 50 listings.
    requests_per_run: int = 50_000

    # Who runs a lake should be reachable; only they can say how.
    user_agent: str = "pokelake/0.1 (no contact given)"

    # One page as large as the collection cannot change between two pages.
    page_size: int = 100_000

    # The largest document of PokeAPI has 0.8 MB.
    max_document_bytes: int = 32 << 20

    timeout_seconds: float = 30

    # The first try counts. With the delay below the last one comes after fifteen seconds at most, half that on average.
    attempts: int = 5
    retry_delay_seconds: float = 1
    # A source that asks for more patience than this gets none: the document stays stale.
    max_retry_after_seconds: float = 120

    # The share of a resource's documents that may fail before the run does.
    tolerated_failures: float = 0.02

    def __post_init__(self) -> None:
        if not self.base_url.endswith("/"):
            object.__setattr__(self, "base_url", self.base_url + "/")

    @property
    def connections_per_shard(self) -> int:
        """Each shard's share of the connections."""
        return max(1, self.connections // max(1, min(self.parallel_shards, self.connections)))

    @property
    def shards_at_once(self) -> int:
        """How many shards may be at work: never more than there are connections."""
        return max(1, min(self.parallel_shards, self.connections))
