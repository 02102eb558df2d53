"""Everything a crawl needs to know about a source, and how to be polite to it.

Each setting is declared here and nowhere else: its default, its sentence and its bounds, and above it the reason of the
number. The source block, the flows' parameters and the command's flags are made from this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from lake.setting import setting as _setting
from lake.table_settings import TableSettings, require_valid, said_of

# A crawl asks for each document once, and again for those that fail. One that asks three times as often for all of them
# runs away. For all of PokeAPI, 15,500 documents, the least is as much.
REQUESTS_PER_DOCUMENT, SPARE_REQUESTS, LEAST_REQUESTS = 3, 1_000, 50_000

# A year. What nobody has decided by then is no question any more.
MAX_HELD_HOURS = 24 * 365


@dataclass(frozen=True, slots=True)
class Rest:
    """Where things lie in the listings of a JSON REST API; a path is dotted, such as ``pagination.next``."""

    collections: tuple[tuple[str, str], ...] = _setting(
        (), "Each resource's name, and the path of its listing below the base URL."
    )
    results_path: str = _setting("results", "Where a page keeps its items; empty where the page itself is the list.")
    id_path: str = _setting("id", "Where an item keeps its id, an integer or a string.")
    paging: Literal["next", "cursor", "offset", "page", "header"] = _setting(
        "next",
        "How to come from a page to the one that follows: next, by a link on it; cursor, by a cursor on it; offset, by"
        " the number of items before; page, by its number; header, by the header Link.",
    )
    # Null ends a listing as well.
    next_path: str = _setting(
        "next", "Where a page keeps that link or cursor, if another follows; empty where there is one page."
    )
    cursor_parameter: str = _setting("cursor", "Query parameter that takes the cursor, with paging by cursor.")
    offset_parameter: str = _setting("offset", "Query parameter that takes the offset, with paging by offset.")
    page_parameter: str = _setting("page", "Query parameter that takes the page's number, with paging by page.")
    first_page: int = _setting(1, "Number of the first page, with paging by page.", ge=0)
    page_size_parameter: str = _setting(
        "", "Query parameter that takes the page size; empty: none is sent. Paging by offset needs it."
    )
    count_path: str = _setting("", "Where a page says how many items the whole listing has; empty where none does.")
    count_header: str = _setting(
        "", "Header that says how many items the whole listing has, such as X-Total-Count; empty where none does."
    )
    more_path: str = _setting(
        "", "Where a page says, by true or false, whether another follows; empty where none does."
    )
    # `{listing}` is the path of the resource's listing.
    document_path: str = _setting(
        "",
        "Where a document lies below the base URL, such as `{listing}/{id}`; `{id}` alone where the id is its address;"
        " empty if items are documents.",
    )
    since_parameter: str = _setting(
        "",
        "Query parameter that takes a time, for a listing of what changed since then; empty: none is sent.",
    )
    since_format: Literal["rfc3339", "unix", "date"] = _setting(
        "rfc3339", "How that time is written: rfc3339, unix, the seconds since 1970, or date, a day."
    )
    # Only a complete listing lacks what was deleted.
    complete_every: int = _setting(
        10, "Of so many refreshes one lists everything, which alone sees deletions; 1: each does.", ge=1
    )


@dataclass(frozen=True, slots=True)
class Source:
    """One API to crawl. Each limit holds for one process unless it says otherwise."""

    base_url: str = _setting("https://pokeapi.co/api/v2/", "Address below which every resource lies.", title="Base URL")

    # A name in the registry of crawlers.
    kind: str = _setting("pokeapi", "Crawler that knows this sort of API: pokeapi, rest, or an installed one.")

    resources: tuple[str, ...] = _setting((), "Resources to crawl; empty for all that the source lists.")

    # The other kinds know where things lie in their listings.
    rest: Rest | None = _setting(  # noqa: RUF009
        None, "How to read the listings of a source of kind rest; none for others.", title="REST"
    )

    tables: tuple[tuple[str, TableSettings], ...] = _setting(
        (),
        "What is said of the tables of a source other than PokeAPI, by resource, or by resource and list: shop,"
        " shop.goods[]; what is not said is inferred.",
    )

    # A refresh that follows a look at the listings within the hour does not read them again.
    listing_ttl_seconds: float = _setting(3600, "Seconds for which a listing is used after it was read.", ge=0)

    # An API without ETags sends every document at every refresh, whether it changed or not.
    reask_seconds: float = _setting(
        0, "Seconds for which a document that came without an ETag is not asked for again; 0: always asked for.", ge=0
    )

    # PokeAPI bans by address those who break its fair use policy. Ten a second reads 15,500 documents in 26 minutes; a
    # replica needs no limit.
    requests_per_second: float = _setting(10, "Requests a second of one process; 0 for no limit.", ge=0)

    # Eight keep up ten requests a second as long as an answer takes 0.8 s at most.
    connections: int = _setting(8, "Connections open at the same time, over all shards.", ge=1)

    # As many more shards are staged meanwhile. Four fetch 15,464 unchanged documents in 14 s, two in 17 s, because
    # connections rest at the end of every shard; a kill loses the shards under way.
    parallel_shards: int = _setting(4, "Shards at work at the same time, sharing the connections.", ge=1)

    global_limit: str = _setting(
        "", "Global concurrency limit that paces the documents' requests of all runs together; empty for none."
    )

    # Documents, listings and probe are asked for by clients of their own, and each counts for itself.
    requests_per_run: int = _setting(
        0,
        "Requests for documents that one run may make before it stops, and its listings as many again; 0 for three a"
        " document and 1,000 more, at least 50,000.",
        ge=0,
    )

    # Whoever runs a lake should be reachable, and only they can say how.
    user_agent: str = _setting(
        "pokelake/0.1 (no contact given)", "How requests introduce themselves; with a way to reach you."
    )

    # The key itself is kept only in that block.
    api_key_block: str = _setting(
        "",
        "Name of the Secret or AWS Secret block that holds the API's key; empty for an API that needs none.",
        title="API Key Block",
    )
    api_key_in: Literal["header", "query", "basic", "oauth2"] = _setting(
        "header",
        "How requests carry the key: in a header; in the query; as user and password of HTTP Basic, if it is"
        " user:password; or as a token of OAuth 2.0 that client_id:client_secret, or a JSON object of these two, is"
        " exchanged for.",
        title="API Key In",
    )
    # Header and prefix of most APIs that take a token.
    api_key_header: str = _setting(
        "Authorization", "Header that carries the key, or the token of OAuth 2.0.", title="API Key Header"
    )
    api_key_prefix: str = _setting(
        "Bearer ", "What stands before the key in its header, with the space between them.", title="API Key Prefix"
    )
    api_key_parameter: str = _setting(
        "api_key", "Query parameter that carries the key, if it goes into the query.", title="API Key Parameter"
    )
    oauth2_token_url: str = _setting(
        "", "Address that gives tokens of OAuth 2.0, if the key is exchanged for one.", title="OAuth2 Token URL"
    )
    oauth2_scope: str = _setting(
        "", "Scopes to ask for with the token, with spaces between them; empty for none.", title="OAuth2 Scope"
    )

    # One page as large as the collection cannot change between two pages.
    page_size: int = _setting(100_000, "Entries asked for in one page of a listing.", ge=1)

    # The largest document of PokeAPI has 0.8 MB.
    max_document_bytes: int = _setting(32 << 20, "Decompressed size above which a document is refused.", ge=1)

    # With five tries, a URL at which nobody answers holds a connection for less than three minutes.
    timeout_seconds: float = _setting(30, "Seconds to wait for a connection, or for more of an answer.", gt=0)

    # Ten times the slowest answers of PokeAPI. A body that trickles in, a byte a second, never runs into the timeout.
    deadline_seconds: float = _setting(120, "Seconds for the whole of one answer.", gt=0)

    # With the delay below the last one comes after fifteen seconds at most, half that on average.
    attempts: int = _setting(5, "Tries for one URL, the first one included.", ge=1)
    retry_delay_seconds: float = _setting(1, "Scale of the growing, random delay between tries.", ge=0)

    # When a source asks for more patience than this, the document stays stale and the run goes on.
    max_retry_after_seconds: float = _setting(120, "Longest Retry-After that is waited for.", ge=0)

    # PokeAPI has listed documents that did not exist; where many more fail, the source itself is in trouble.
    tolerated_failures: float = _setting(
        0.02, "Share of a resource's documents that may fail; if more do, it stays as it was.", ge=0, le=1
    )

    # The worst real update in 19 months removed 8 documents, each with a row in most of its tables. In small tables and
    # resources the numbers count, in large ones the shares.
    tolerated_lost_rows: int = _setting(
        20, "Rows that a table may lose at once without a question; or the share below, if that is more.", ge=0
    )
    tolerated_lost_rows_share: float = _setting(
        0.02, "Share of its rows that a table may lose at once without a question.", ge=0, le=1
    )
    tolerated_deletions: int = _setting(
        20, "Documents that a resource may lose at once without a question; or the share below, if that is more.", ge=0
    )
    tolerated_deletions_share: float = _setting(
        0.02, "Share of its documents that a resource may lose at once without a question.", ge=0, le=1
    )

    # Whoever is asked on a Friday evening can answer on Monday evening.
    held_hours: int = _setting(
        72, "Hours for which a snapshot that an audit holds back waits for a verdict.", ge=1, le=MAX_HELD_HOURS
    )

    def __post_init__(self) -> None:
        if not self.base_url.endswith("/"):
            object.__setattr__(self, "base_url", self.base_url + "/")
        require_valid(self.tables)

    def bounded(self, documents: int = 0) -> "Source":
        """Return these settings with a number for `requests_per_run`, which bounds a crawl of so many documents.

        >>> Source().bounded(60_000).requests_per_run, Source(requests_per_run=7).bounded(60_000).requests_per_run
        (181000, 7)
        """
        if self.requests_per_run:
            return self
        wanted = documents * REQUESTS_PER_DOCUMENT + SPARE_REQUESTS
        return replace(self, requests_per_run=max(LEAST_REQUESTS, wanted))

    @property
    def declared(self) -> dict[str, Any]:
        """The settings that say what tables its documents fill, as a commit keeps them; none for PokeAPI."""
        said = {"id_path": self.rest.id_path} if self.rest else {}
        return {**said, "tables": said_of(self.tables)} if self.tables else said

    @property
    def connections_per_shard(self) -> int:
        """Each shard's share of the connections."""
        return max(1, self.connections // max(1, min(self.parallel_shards, self.connections)))

    @property
    def tolerances(self) -> "Tolerances":
        """What may be lost at once without a question."""
        return Tolerances(
            self.tolerated_lost_rows,
            self.tolerated_lost_rows_share,
            self.tolerated_deletions,
            self.tolerated_deletions_share,
        )

    @property
    def shards_at_once(self) -> int:
        """How many shards may be at work: never more than there are connections."""
        return max(1, min(self.parallel_shards, self.connections))


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What may be lost at once without a question: rows of a table, documents of a resource, and shares of them."""

    rows: int
    rows_share: float
    documents: int
    documents_share: float

    def may_lose_rows(self, before: int, after: int) -> bool:
        """Tell whether a table may have so many fewer rows than before."""
        return before - after <= max(self.rows, before * self.rows_share)

    def may_lose_documents(self, before: int, deleted: int) -> bool:
        """Tell whether so many of a resource's documents may be deleted."""
        return deleted <= max(self.documents, before * self.documents_share)


# Those of a source whose settings nobody changed.
TOLERANCES, HELD_HOURS = Source().tolerances, Source().held_hours

# The declaration of each setting of a source, without its type and default.
SETTINGS: Mapping[str, Mapping[str, Any]] = {setting.name: setting.metadata for setting in fields(Source)}
