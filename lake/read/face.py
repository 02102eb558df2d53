"""How a lake shows itself: in a line of text, and as a small table where a notebook asks for HTML."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from threading import Thread

from lake.commit import Commit
from lake.store import Store
from lake.text import counted, minute, shown

# Whoever shows a lake waits no longer for S3 than that, although a question would go on trying.
PATIENCE_SECONDS = 5.0

# Characters of a message that one line has room for.
_SAID_CHARACTERS = 300

# Colours are those of the page, so it reads in light and dark alike; a notebook would align cells to the right.
_TABLE = '<table style="color: inherit"><tbody>'
_CELL = "text-align: left; vertical-align: top; padding: 0.1em 1em 0.1em 0"
_NUMBER = "text-align: right; vertical-align: top; padding: 0.1em 1em 0.1em 0"


@dataclass
class _Answer:
    """What came of asking for a commit: the commit, or why there is none."""

    commit: Commit | None = None
    said: str = ""


def as_text(store: Store, find: Callable[[], Commit]) -> str:
    """Return one line: address, snapshot, when it was published, tables and rows; or why it cannot be read."""
    answer = _asked(find)
    lake = f"Lake({store.uri()!r})"
    if answer.commit is None:
        return f"{lake}: {answer.said}"
    return f"{lake}: {answer.commit.snapshot}, published {_time(answer.commit)}, {_size(answer.commit)}"


def as_html(store: Store, find: Callable[[], Commit]) -> str:
    """Return the same, and a list of the tables to unfold; nothing in it is taken for markup."""
    answer = _asked(find)
    facts = {"address": f"<code>{escape(store.uri())}</code>"}
    if answer.commit is None:
        return _facts(facts | {"": escape(answer.said)})
    commit = answer.commit
    rows = "".join(
        f'<tr><td style="{_CELL}"><code>{escape(name)}</code></td><td style="{_NUMBER}">{table.rows:,}</td>'
        f'<td style="{_CELL}">{escape(table.grain)}</td></tr>'
        for name, table in sorted(commit.tables.items())
    )
    tables = f"<details><summary>{escape(_size(commit))}</summary>{_TABLE}{rows}</tbody></table></details>"
    facts |= {"snapshot": f"<code>{escape(commit.snapshot)}</code>", "published": escape(_time(commit))}
    return _facts(facts | {"tables": tables})


def _asked(find: Callable[[], Commit]) -> _Answer:
    """Ask for a commit in a thread that nobody waits for, because a notebook must not hang where S3 is out of reach."""
    answer = _Answer(said=f"S3 has not answered within {PATIENCE_SECONDS:g} seconds")

    def ask() -> None:
        try:
            answer.commit = find()
        except Exception as error:
            # Whatever is wrong, to show a lake must not fail.
            answer.said = shown(str(error) or type(error).__name__, _SAID_CHARACTERS)

    asking = Thread(target=ask, name="face", daemon=True)
    asking.start()
    asking.join(PATIENCE_SECONDS)
    return answer


def _facts(facts: dict[str, str]) -> str:
    rows = "".join(
        f'<tr><th scope="row" style="{_CELL}">{name}</th><td style="{_CELL}">{said}</td></tr>'
        for name, said in facts.items()
    )
    return f"{_TABLE}{rows}</tbody></table>"


def _time(commit: Commit) -> str:
    return minute(datetime.fromisoformat(commit.committed_at))


def _size(commit: Commit) -> str:
    rows = sum(table.rows for table in commit.tables.values())
    return f"{counted(len(commit.tables), 'table')}, {counted(rows, 'row')}"
