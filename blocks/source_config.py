"""The block that holds everything about a source."""

from dataclasses import asdict, fields
from typing import Any, Literal

from prefect.blocks.core import Block
from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from lake.crawl import Rest, Source

_DEFAULT = Source()
_REST = Rest()


class RestConfig(BaseModel):
    """Where things lie in the listings of a JSON REST API; a path is dotted, such as `pagination.next`."""

    model_config = ConfigDict(extra="forbid")

    collections: dict[str, str] = Field(
        default={}, description="Each resource's name, and the path of its listing below the base URL."
    )
    results_path: str = Field(
        default=_REST.results_path, description="Where a page keeps its items; empty where the page itself is the list."
    )
    id_path: str = Field(default=_REST.id_path, description="Where an item keeps its id, an integer or a string.")
    paging: Literal["next", "cursor"] = Field(
        default=_REST.paging, description="How a page leads to the one that follows: by a link, or by a cursor."
    )
    next_path: str = Field(
        default=_REST.next_path,
        description="Where a page keeps that link or cursor, if another follows; empty where there is one page.",
    )
    cursor_parameter: str = Field(
        default=_REST.cursor_parameter, description="Query parameter that takes the cursor, with paging by cursor."
    )
    page_size_parameter: str = Field(
        default=_REST.page_size_parameter, description="Query parameter that takes the page size; empty: none is sent."
    )
    count_path: str = Field(
        default=_REST.count_path,
        description="Where a page says how many items the whole listing has; empty where none does.",
    )
    document_path: str = Field(
        default=_REST.document_path,
        description="Where a document lies below the base URL, such as `{listing}/{id}`; empty if items are documents.",
    )

    @classmethod
    def of(cls, rest: Rest) -> "RestConfig":
        """Return the form that holds these settings."""
        return cls(**{**asdict(rest), "collections": dict(rest.collections)})

    def rest(self) -> Rest:
        """Return the settings as the crawl takes them."""
        return Rest(**{**self.model_dump(), "collections": tuple(self.collections.items())})


class SourceConfig(Block):
    """What to crawl, and how to be polite to it; the fields mean what they mean in `lake.crawl.Source`."""

    _block_type_name = "Pokélake Source"
    _block_type_slug = "pokelake-source"
    _description = "An API that Pokélake crawls: its address, resources and limits."

    base_url: HttpUrl = Field(
        default=HttpUrl(_DEFAULT.base_url), title="Base URL", description="Address below which every resource lies."
    )
    kind: str = Field(
        default=_DEFAULT.kind, description="Crawler that knows this sort of API: pokeapi, rest, or an installed one."
    )
    resources: list[str] = Field(
        default=list(_DEFAULT.resources), description="Resources to crawl; empty for all that the source lists."
    )
    rest: RestConfig | None = Field(
        default=None, title="REST", description="How to read the listings of a source of kind rest; none for others."
    )
    listing_ttl_seconds: float = Field(
        default=_DEFAULT.listing_ttl_seconds,
        ge=0,
        description="Seconds for which a listing that was read stands for the source's.",
    )
    requests_per_second: float = Field(
        default=_DEFAULT.requests_per_second, ge=0, description="Requests a second of one process; 0 for no limit."
    )
    connections: int = Field(
        default=_DEFAULT.connections, ge=1, description="Connections open at the same time, over all shards."
    )
    parallel_shards: int = Field(
        default=_DEFAULT.parallel_shards, ge=1, description="Shards at work at the same time, sharing the connections."
    )
    global_limit: str = Field(
        default=_DEFAULT.global_limit,
        description="Global concurrency limit that bounds the shards at work over all processes; empty for none.",
    )
    requests_per_run: int = Field(
        default=_DEFAULT.requests_per_run, ge=1, description="Requests that one run may make before it stops."
    )
    user_agent: str = Field(
        default=_DEFAULT.user_agent, description="How requests introduce themselves; with a way to reach you."
    )
    api_key_block: str = Field(
        default=_DEFAULT.api_key_block,
        title="API Key Block",
        description="Name of the Secret block that holds the API's key; empty for an API that needs none.",
    )
    api_key_header: str = Field(
        default=_DEFAULT.api_key_header, title="API Key Header", description="Header that carries the key."
    )
    api_key_prefix: str = Field(
        default=_DEFAULT.api_key_prefix,
        title="API Key Prefix",
        description="What stands before the key in its header, with the space between them.",
    )
    page_size: int = Field(default=_DEFAULT.page_size, ge=1, description="Entries asked for in one page of a listing.")
    max_document_bytes: int = Field(
        default=_DEFAULT.max_document_bytes, ge=1, description="Size above which a document is refused, decompressed."
    )
    timeout_seconds: float = Field(
        default=_DEFAULT.timeout_seconds,
        gt=0,
        description="Seconds to wait for a connection, or for more of an answer.",
    )
    attempts: int = Field(default=_DEFAULT.attempts, ge=1, description="Tries for one URL, the first one included.")
    retry_delay_seconds: float = Field(
        default=_DEFAULT.retry_delay_seconds, ge=0, description="Scale of the growing, random delay between tries."
    )
    max_retry_after_seconds: float = Field(
        default=_DEFAULT.max_retry_after_seconds, ge=0, description="Longest Retry-After that is waited for."
    )
    tolerated_failures: float = Field(
        default=_DEFAULT.tolerated_failures,
        ge=0,
        le=1,
        description="Share of a resource's documents that may fail before the run does.",
    )

    @classmethod
    def of(cls, source: Source) -> "SourceConfig":
        """Return the block that holds these settings."""
        return cls(**{**asdict(source), "rest": RestConfig.of(source.rest) if source.rest else None})

    def source(self) -> Source:
        """Return the settings as the crawl takes them."""
        settings: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(Source)}
        settings["base_url"] = str(self.base_url)
        settings["resources"] = tuple(self.resources)
        settings["rest"] = self.rest.rest() if self.rest else None
        return Source(**settings)
