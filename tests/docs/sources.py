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
from tests.docs import REPOSITORY
from tests.sources import Api
from tests.sources.battles import battles
from tests.sources.gyms import gyms
from tests.sources.wares import next_day

PAGE = REPOSITORY / "docs/sources.md"

# Each API by the heading of its chapter.
APIS: dict[str, Callable[[], AbstractContextManager[Api]]] = {
    "Gyms: a Link header": gyms,
    "Battles: a cursor": battles,
}

# The bucket of its lakes.
BUCKET = "our-lake"

# What divides a chapter in which an API changes, and what does.
NEXT_DAY = "\n### The next day\n"
CHANGES: dict[str, Callable[[Api], None]] = {"Wares: page numbers and a key": next_day}

# The page has the APIs at addresses of this form.
HOST = re.compile(r"https://\w+\.example\.org(?=/)")

_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^(?=pokelake )", re.MULTILINE)
_SNAPSHOT = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")

# Lines of the page have as many columns.
_WIDTH = 110


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

    def read(self, text: str) -> str:
        """Return a text with every block of text as what stands before it prints."""
        host = HOST.search(text)
        assert host, "an API has its address on the page"
        return _BLOCK.sub(lambda block: self._block(block, host[0]), text)

    def _block(self, block: re.Match[str], host: str) -> str:
        origin = self.api.base_url.rpartition("/")[0].rpartition("/")[0]
        text = block["text"].replace(host, origin)
        match block["language"]:
            case "http":
                check_answer(text, origin)
            case "python":
                self.said = self._python(text)
            case "sh":
                self.said = "".join(map(command, _COMMAND.split(text)[1:]))
            case "text":
                said = _SNAPSHOT.sub(lambda name: f"{name[0][:9]}…", self.said.replace(origin, host))
                lines = "".join(f"{line.rstrip()}\n" for line in said.splitlines())
                return f"```text\n{lines}```"
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
            return str(answer.to_string(index=False) if isinstance(answer, pd.DataFrame) else answer)


def command(line: str) -> str:
    """Run a command, and return what a terminal shows."""
    program, *arguments = shlex.split(line)
    assert program == "pokelake"
    # An API on loopback needs no pace; what a command says of the pace is that of the settings.
    pace = {"POKELAKE_REQUESTS_PER_SECOND": "0"} if arguments[0] == "refresh" else {}
    environment = {"COLUMNS": str(_WIDTH), "TERM": "dumb", **pace}
    with (
        patch.dict(os.environ, environment),
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


def executed(heading: str, api: Api) -> str:
    """Return a chapter with every output as it is, with the changes of its API between one day and the next."""
    reader = Reader(api)
    first, next_day, rest = chapter(heading).partition(NEXT_DAY)
    text = reader.read(first)
    if next_day:
        CHANGES[heading](api)
        text += next_day + reader.read(rest)
    return text


def write() -> None:
    """Write the page with its outputs as they are."""
    from flows.local.stack import local_stack
    from lake.store import Store

    quiet = {"PREFECT_LOGGING_LEVEL": "CRITICAL", "PREFECT_LOGGING_TO_API_ENABLED": "false"}
    with local_stack(None, lambda text: None) as stack, patch.dict(os.environ, {**stack.environment, **quiet}):
        Store(BUCKET, "").create_bucket()
        for heading, serve in APIS.items():
            with serve() as api:
                text = executed(heading, api)
            PAGE.write_text(PAGE.read_text().replace(chapter(heading), text))


if __name__ == "__main__":
    write()
