"""Everything a crawl needs to know about a source, and how to be polite to it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rest:
    """Where things lie in the listings of a JSON REST API; a path is dotted, such as ``pagination.next``."""

    # Each resource's name, and the path of its listing below the base URL.
    collections: tuple[tuple[str, str], ...] = ()

    # Where a page keeps its list of items; empty where the page itself is that list.
    results_path: str = "results"

    # Where an item keeps its id, an integer or a string.
    id_path: str = "id"

    # How a page leads to the one that follows: by a link, or by a value that goes into a query parameter.
    paging: Literal["next", "cursor"] = "next"

    # Where a page keeps that link or value; nothing there, or null, ends the listing. Empty where there is one page.
    next_path: str = "next"

    # The query parameter that takes the value, with paging by cursor.
    cursor_parameter: str = "cursor"

    # The query parameter that takes the page size, in items; empty: none is sent.
    page_size_parameter: str = ""

    # Where a page says how many items the whole listing has; empty where none does.
    count_path: str = ""

    # Where a document lies below the base URL, such as ``{listing}/{id}`` with the path of its listing and its id;
    # empty where the items are the documents.
    document_path: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One API to crawl. Each limit holds for one process unless it says otherwise."""

    base_url: str = "https://pokeapi.co/api/v2/"

    # The crawler that knows this sort of API, by its name in the registry.
    kind: str = "pokeapi"

    # What to crawl; empty means every resource that the source lists.
    resources: tuple[str, ...] = ()

    # How to read the listings of a source of kind "rest"; the other kinds know their own.
    rest: Rest | None = None

    # How long a listing that was read stands for the source's, in seconds.
    listing_ttl_seconds: float = 3600

    # PokeAPI bans by address those who break its fair use policy. Ten a second reads 15,500 documents in 26 minutes;
    # 0 means no limit, for a replica.
    requests_per_second: float = 10

    # Open at the same time, over all shards.
    connections: int = 8

    # Fetched at the same time, each with its share of the connections; as many more are staged meanwhile. Four fetch
    # 15,464 unchanged documents in 14 s, two in 17 s, for connections rest at the end of every shard; a kill loses
    # those under way.
    parallel_shards: int = 4

    # Name of the global concurrency limit that bounds the shards at work over all processes; empty: none does.
    global_limit: str = ""

    # More would mean that something runs away: all of PokeAPI is 15,500 documents and 50 listings.
    requests_per_run: int = 50_000

    # Who runs a lake should be reachable; only they can say how.
    user_agent: str = "pokelake/0.1 (no contact given)"

    # Name of the Secret block that holds the key, which is kept nowhere else; empty for a source that needs none.
    api_key_block: str = ""
    # The header that carries the key, and what stands before the key in it.
    api_key_header: str = "Authorization"
    api_key_prefix: str = "Bearer "

    # In items. One page as large as the collection cannot change between two pages.
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
