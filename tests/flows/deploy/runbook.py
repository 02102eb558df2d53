"""The pages on deploying and operating, and a terminal in which their commands run."""

import os
import re
import signal
import subprocess
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.flows.deploy.conftest import REPOSITORY

FIRST, DAILY, LAST = "From an empty AWS account to the first snapshot", "Day to day", "Take it down"


def section(title: str) -> str:
    """Return one section of the pages."""
    pages = "".join((REPOSITORY / "docs" / name).read_text() for name in ("deploy.md", "operate.md"))
    return pages.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(title: str) -> list[str]:
    """Return the commands of a section, block by block."""
    return re.findall(r"^```sh\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)


def inline_commands(title: str) -> list[str]:
    """Return the commands that stand within the text of a section, each once, without those that leave something open.

    A word in capitals stands for what the reader knows, and an ellipsis for more flags.
    """
    found = re.findall(r"`((?:pokelake|prefect) [^`\n]+)`", section(title))
    return list(dict.fromkeys(code for code in found if not re.search(r"(^| )[A-Z]+( |$)|…", code)))


@dataclass(frozen=True)
class Terminal:
    """Somebody's shell in a checkout; what one block of commands sets is there for the next one, in the file `kept`."""

    checkout: Path
    environment: Mapping[str, str]
    kept: Path

    def run(self, commands: str, seconds: float | None = None) -> str:
        """Run commands, which must all succeed, in time if it is given; return what they said."""
        process = subprocess.Popen(
            ["bash", "-c", f'set -eu\ntouch "$KEPT" && . "$KEPT"\nset -a\n{commands}\nset +a\nexport -p > "$KEPT"'],
            cwd=self.checkout,
            env={**self.environment, "KEPT": str(self.kept)},
            # Nothing in it asks.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=seconds)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        assert process.returncode == 0, f"{commands}\n{said}"
        return said

    def words(self, command: str) -> list[str]:
        """Return the words of a command, with what was set in the place of variables."""
        return self.run(f"printf '%s\\n' {command}").splitlines()

    def docker(self) -> list[str]:
        """Return what Docker was asked to do."""
        return (self.checkout.parent / "docker.log").read_text().splitlines()

    def pushed(self) -> list[str]:
        """Return the images that Docker was asked to push."""
        return [line.removeprefix("push ") for line in self.docker() if line.startswith("push ")]


def open_terminal(checkout: Path, environment: Mapping[str, str]) -> Terminal:
    """Open a terminal with the commands of this project, and with a Docker that only notes what it is asked to do."""
    stubs = checkout.parent / "stubs"
    stubs.mkdir()
    (stubs / "docker").write_text(f'#!/bin/sh\necho "$*" >> {checkout.parent}/docker.log\n')
    (stubs / "docker").chmod(0o755)
    path = f"{stubs}:{sysconfig.get_path('scripts')}:{environment['PATH']}"
    return Terminal(checkout, {**environment, "PATH": path, "COLUMNS": "400"}, checkout.parent / "kept")
