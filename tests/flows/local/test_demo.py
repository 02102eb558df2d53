"""`make demo`'s command: the whole stack starts, says what it did, and is gone afterwards."""

import fcntl
import io
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.local.around import look_around
from flows.local.stack import local_stack
from lake.errors import LakeError


@pytest.mark.server
def test_the_demo_tells_the_whole_story(tmp_path: Path):
    command = [str(Path(sys.executable).with_name("pokelake")), "demo"]
    # An empty home, and a database that is not the demo's: it must not lean on what its user has configured.
    database = f"sqlite+aiosqlite:///{tmp_path}/prefect.db"
    # Nor on the folder that it is called in, on a locale that has all letters, or on a way to loopback past a proxy.
    for name in ("lake", "flows", "blocks", "moto"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('this is not the package')")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "[::1],fd00::/8"}
    own = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PREFECT_API_DATABASE_CONNECTION_URL": database}
    screen, keyboard = os.openpty()
    fcntl.ioctl(keyboard, termios.TIOCSWINSZ, struct.pack("4H", 40, 80, 0, 0))
    there: dict[str, Any] = {"env": {**own, **locale, **proxies}, "cwd": tmp_path}
    with (
        Screen(screen) as shown,
        subprocess.Popen(command, stdin=keyboard, stdout=keyboard, stderr=subprocess.PIPE, text=True, **there) as demo,
    ):
        os.close(keyboard)
        told = shown.until("Press Enter")
        exports, hints = commands(told)
        tried = [
            # A shell that knows nothing else of the lake.
            subprocess.Popen(["sh", "-c", f"{exports}{hint}"], **there, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for hint in hints
        ]
        answers = [(*(text.decode() for text in one.communicate(timeout=120)), one.returncode) for one in tried]
        os.write(screen, b"\n")
        told += shown.until("Everything is stopped")
        assert demo.stderr is not None
        assert (demo.wait(60), demo.stderr.read()) == (0, "")
    assert "Completed in" in told
    assert "pokemon_moves" in told
    assert re.search(r"jolteon +130 +525\n +mewtwo +130 +680\n +alakazam +120", told)
    assert "Unchanged in" in told
    assert re.search(r"vine-whip +35 +45\n +tackle +35 +40", told)
    assert "commits/         2 objects  " in told
    assert not list(tmp_path.glob("**/prefect.db"))

    assert all(hint.startswith(command[0]) for hint in hints)
    expected = ("is_default", "meowscarada", "Use the Water Stone", "vine-whip", "wrote the page of", "wrote 2")
    for (said, complaint, code), answer in zip(answers, expected, strict=True):
        assert code == 0, complaint
        assert answer in said
    [page] = [path for path in tmp_path.glob("pokelake-*.html") if path.name != "pokelake-demo.html"]
    for file in (page, tmp_path / "pokelake-demo.html"):
        assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    with duckdb.connect(tmp_path / "pokeapi.duckdb", read_only=True) as taken_home:
        assert taken_home.sql("SELECT count(*) FROM pokemon").fetchall() == [(70,)]


class Screen:
    """What a program prints to a terminal, whose other end is `descriptor`; it is read until the program ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._said = descriptor, bytearray()

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def until(self, words: str, seconds: float = 180) -> str:
        """Return what was printed since the last time, up to and with these words and the line that they are in."""
        deadline = time.monotonic() + seconds
        while (place := self._said.find(words.encode())) < 0 or b"\n" not in self._said[place:]:
            ready, _, _ = select.select([self._descriptor], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"it did not say {words!r}: {self._said.decode()}"
            # A terminal whose program has ended gives an error in the place of an end.
            self._said += os.read(self._descriptor, 65536)
        told, self._said = self._said.decode().replace("\r\n", "\n"), bytearray()
        return told


def commands(told: str) -> tuple[str, list[str]]:
    """Return what to type elsewhere: the lines of exports, and the commands, some of which have two lines."""
    [section] = re.findall(r"^7\. Look around.*\n\n((?: {3}.*\n)+)\n", told, re.MULTILINE)
    lines = re.findall(r"^ {3}((?:.*\\\n)?.*\n)", section, re.MULTILINE)
    exports = [line for line in lines if line.startswith("export ")]
    return "".join(exports), lines[len(exports) :]


def test_without_a_terminal_the_demo_ends_by_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO("never asked for\n"))
    look_around({}, "bucket", "prefix", None)
    assert "`make up` runs one" in capsys.readouterr().out
    assert sys.stdin.readline() == "never asked for\n"


@pytest.mark.server
def test_a_part_that_does_not_start_is_named():
    with (
        pytest.raises(LakeError, match=r"PokeAPI replica did not start: .*no-such-corpus"),
        local_stack("no-such-corpus", print),
    ):
        pass
