"""The ready views of a snapshot: those whose tables it has."""

from lake.commit import Commit
from lake.errors import LakeError, UnknownNameError
from lake.views import VIEWS, View


def ready_views(commit: Commit) -> list[View]:
    """Return the views of which a snapshot has all tables, and no table of the same name."""
    return [view for name, view in VIEWS.items() if name not in commit.tables and not view.lacking(commit.tables)]


def known(commit: Commit) -> list[str]:
    """Return the names of everything that can be read: tables and ready views."""
    return sorted([*commit.tables, *(view.name for view in ready_views(commit))])


def ready_view(commit: Commit, name: str) -> View | None:
    """Return the view of this name; None if a table of the snapshot has it.

    Raises:
        UnknownNameError: There is neither.
        LakeError: The snapshot lacks a table that the view needs.
    """
    if isinstance(name, str) and name in commit.tables:
        return None
    if not isinstance(name, str) or name not in VIEWS:
        raise UnknownNameError("table", name, known(commit))
    if lacking := VIEWS[name].lacking(commit.tables):
        tables = "the table" if len(lacking) == 1 else "the tables"
        raise LakeError(f"{name} is a view, and snapshot {commit.snapshot} lacks {tables} {', '.join(lacking)} for it")
    return VIEWS[name]


def require_files(commit: Commit, name: str) -> None:
    """Raise a `LakeError` unless the name is a table's, because a view has no files.

    Raises:
        UnknownNameError: There is nothing of this name.
    """
    if ready_view(commit, name) is not None:
        raise LakeError(
            f"{name} is a view, which is made when somebody asks and has no files: `read`, `sql`, `connect` and"
            " `columns` take it; `export` writes it into a file"
        )
