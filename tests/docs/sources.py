"""The blocks of ``docs/sources.md`` about three APIs, executed: ``python -m tests.docs.sources`` writes their outputs.

A block of Python or of commands is followed by one of text with what it prints. One of HTTP is a question to the API,
and the answer cut short: dots stand for anything, and blanks do not count.
"""

import ast
import io
import os
import re
import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import httpx
import pandas as pd

from flows.cli import main
from lake.crawl import Pace
from tests.docs import REPOSITORY
from tests.sources import Api
from tests.sources.battles import battles
from tests.sources.gyms import gyms
from tests.sources.wares import next_day, wares

PAGE = REPOSITORY / "docs/sources.md"

# The bucket of the page's lakes.
BUCKET = "our-lake"

# What divides a chapter in which an API changes.
_NEXT_DAY = "\n### The next day\n"

# The page has each API at an address of this form.
_HOST = re.compile(r"https://\w+\.example\.org(?=/)")

_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^(?=pokelake )", re.MULTILINE)
_SNAPSHOT = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")

# The name of each snapshot on the page.
_ONE_SNAPSHOT = "20260808T041200Z-1f3a9c02"

# Lines of the page have as many columns.
_WIDTH = 110


@dataclass(frozen=True, slots=True)
class Story:
    """An API, the chapters that are about it, in their order, and what becomes of it the next day."""

    serve: Callable[[], AbstractContextManager[Api]]
    headings: tuple[str, ...]
    next_day: Callable[[Api], None] = lambda api: None


STORIES = {
    "battles": Story(battles, ("From nothing to the first query", "Battles: a cursor")),
    "gyms": Story(gyms, ("Gyms: a Link header",)),
    "wares": Story(wares, ("Wares: page numbers and a key",), next_day),
}


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def chapter(heading: str) -> str:
    """Return what stands below a heading of the second level."""
    found = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert found, f"{PAGE.name} has no chapter {heading!r}"
    return found


@dataclass
class Reader:
    """Someone who does what a chapter says, with the API that runs; they keep what they named, and what came last."""

    api: Api
    names: dict[str, Any] = field(default_factory=lambda: {"pd": pd})
    said: str = ""
    host: str = ""

    def read(self, text: str) -> str:
        """Return a text with every output as it is; one that is cut short, by lines of dots, stays if it is right."""
        host = _HOST.search(text)
        self.host = host[0] if host else self.host
        return _BLOCK.sub(self._block, text)

    def _block(self, block: re.Match[str]) -> str:
        origin = "/".join(self.api.base_url.split("/")[:3])
        text = block["text"].replace(self.host, origin)
        match block["language"]:
            case "http":
                check_answer(text, origin)
            case "python":
                self.said = self._python(text)
            case "sh":
                self.said = "".join(map(command, _COMMAND.split(text)[1:]))
            case "text":
                said = _SNAPSHOT.sub(_ONE_SNAPSHOT, self.said.replace(origin, self.host))
                lines = "".join(f"{line.rstrip()}\n" for line in said.splitlines())
                is_part = "…\n" in block["text"].splitlines(keepends=True)
                return block[0] if is_part and _is_part(block["text"], lines) else f"```text\n{lines}```"
        return block[0]

    def _python(self, text: str) -> str:
        """Run lines of Python, and return what the last one gives, if it is an expression."""
        tree = ast.parse(text)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "sources.md", "exec"), self.names)
        if last is None:
            return ""
        answer = eval(ast.unparse(last), self.names)
        with pd.option_context("display.max_colwidth", None, "display.width", _WIDTH):
            # An index without a name only counts the rows.
            is_frame = isinstance(answer, pd.DataFrame)
            return str(answer.to_string(index=answer.index.name is not None) if is_frame else answer)


def _is_part(shown: str, said: str) -> bool:
    """Tell whether an output is the shown one, in which a line of dots stands for any lines."""
    parts = re.split(r"^…\n", shown, flags=re.MULTILINE)
    return re.fullmatch(r"(?:.*\n)*".join(map(re.escape, parts)), said) is not None


def command(line: str) -> str:
    """Run a command, and return what a terminal shows."""
    program, *arguments = shlex.split(line.replace("\\\n", " "))
    assert program == "pokelake"
    # What a command says of the pace is that of the settings. But an API on loopback needs none, neither here nor in
    # the process of a crawl.
    pace = {"POKELAKE_REQUESTS_PER_SECOND": "0"} if arguments[0] == "refresh" else {}
    environment = {"COLUMNS": str(_WIDTH), "TERM": "dumb", **pace}
    with (
        patch.dict(os.environ, environment),
        patch.object(Pace, "reserve", return_value=0.0),
        redirect_stdout(_Terminal()) as out,
        redirect_stderr(io.StringIO()) as errors,
    ):
        code = _code(arguments)
    assert code <= 1, f"{line}\n{errors.getvalue()}"
    return "".join(errors.getvalue().rpartition("pokelake: ")[1:]) if code else out.getvalue()


def _code(arguments: list[str]) -> int:
    try:
        main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def check_answer(shown: str, origin: str) -> None:
    """Fail if an answer of the API is not the shown one."""
    head, _, body = shown.partition("\n\n")
    asked, *headers = head.splitlines()
    method, _, path = asked.partition(" ")
    answer = httpx.request(method, origin + path)
    for line in headers:
        name, _, value = line.partition(": ")
        _check_alike(value, answer.headers[name])
    _check_alike(body, answer.text)


def _check_alike(shown: str, found: str) -> None:
    pattern = ".*".join(re.escape("".join(part.split())) for part in shown.split("…"))
    assert re.fullmatch(pattern, "".join(found.split()), re.DOTALL), f"expected {shown}\nfound {found}"


def executed(story: Story, api: Api) -> dict[str, str]:
    """Return the chapters of a story with their outputs as they are."""
    reader, found = Reader(api), dict[str, str]()
    for heading in story.headings:
        today, mark, tomorrow = chapter(heading).partition(_NEXT_DAY)
        found[heading] = reader.read(today)
        if mark:
            story.next_day(api)
            found[heading] += mark + reader.read(tomorrow)
    return found


def write() -> None:
    """Write the page with its outputs as they are."""
    from flows.local.stack import local_stack
    from lake.store import Store

    quiet = {"PREFECT_LOGGING_LEVEL": "CRITICAL", "PREFECT_LOGGING_TO_API_ENABLED": "false"}
    with local_stack(None, lambda text: None) as stack, patch.dict(os.environ, {**stack.environment, **quiet}):
        Store(BUCKET, "").create_bucket()
        for story in STORIES.values():
            with story.serve() as api:
                for heading, text in executed(story, api).items():
                    PAGE.write_text(PAGE.read_text().replace(chapter(heading), text))


if __name__ == "__main__":
    write()
