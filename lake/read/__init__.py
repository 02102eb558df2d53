"""What readers import: tables of one whole snapshot, today's or any earlier one's. Never writes."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lake.read.lake import Lake

__all__ = ["Lake"]


def __getattr__(name: str) -> Any:
    """Load the reader when it is asked for: no run but that of the report needs pandas and DuckDB."""
    if name == "Lake":
        from lake.read.lake import Lake

        return Lake
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
