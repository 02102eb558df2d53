"""The block that holds everything about a source."""

from dataclasses import asdict, fields
from typing import Any

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl

from lake.crawl import Source

_DEFAULT = Source()


class SourceConfig(Block):
    """What to crawl, and how to be polite to it; the fields mean what they mean in `lake.crawl.Source`."""

    _block_type_name = "Pokélake Source"
    _block_type_slug = "pokelake-source"
    _description = "An API that Pokélake crawls: its address, resources and limits."

    base_url: HttpUrl = Field(
        default=HttpUrl(_DEFAULT.base_url), title="Base URL", description="Address below which every resource lies."
    )
    resources: list[str] = Field(
        default=list(_DEFAULT.resources), description="Resources to crawl, as the API's root names them."
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
    requests_per_run: int = Field(
        default=_DEFAULT.requests_per_run, ge=1, description="Requests that one run may make before it stops."
    )
    user_agent: str = Field(
        default=_DEFAULT.user_agent, description="How requests introduce themselves; with a way to reach you."
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
        return cls(**asdict(source))

    def source(self) -> Source:
        """Return the settings as the crawl takes them."""
        settings: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(Source)}
        settings["base_url"] = str(self.base_url)
        settings["resources"] = tuple(self.resources)
        return Source(**settings)
