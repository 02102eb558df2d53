"""The page of a snapshot: one self-contained file of HTML, made of what the snapshot's commit and tables say."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lake.report.page import make_page

__all__ = ["make_page"]


def __getattr__(name: str) -> Any:
    """Load what draws a page when it is asked for, because few commands and one flow of all need it."""
    if name == "make_page":
        from lake.report.page import make_page

        return make_page
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
