"""Pokélake: PokeAPI as a data lake. Readers need one name: ``from lake import Lake``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lake.read import Lake

__all__ = ["Lake"]


def __getattr__(name: str) -> Any:
    """Load the reader when it is asked for: whoever writes has no use for pandas."""
    if name == "Lake":
        from lake.read import Lake

        return Lake
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
