"""A checkout is as it was when a fault has been taken out, and a mutant that is lost is told."""

import json
from argparse import Namespace
from pathlib import Path

import pytest

from tests.mutants.__main__ import ORIGINAL, compare, fault, restore
from tests.mutants.mutation import places

SOURCE = "def level():\n    return 5\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "lake" / "level.py"
    file.parent.mkdir()
    file.write_text(SOURCE)
    return file


def test_a_fault_is_there_for_a_while(file: Path):
    """Also if something fails meanwhile; and the file has its old time again, which bytecode is known by."""
    [place] = [place for place in places(SOURCE) if place.mutation.before == "5"]
    before = file.stat().st_mtime_ns
    seen = []

    def look() -> None:
        with fault(file, place):
            seen.append(file.read_text())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look()
    assert seen == ["def level():\n    return (6)\n"]
    assert (file.read_text(), file.stat().st_mtime_ns) == (SOURCE, before)
    assert list(file.parent.iterdir()) == [file]


def test_what_a_killed_run_left_is_taken_out(file: Path, tmp_path: Path):
    """The next run begins with it."""
    file.rename(file.with_name(file.name + ORIGINAL))
    file.write_text("def level():\n    return (6)\n")
    restore(tmp_path)
    assert file.read_text() == SOURCE
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("after", "code"),
    [
        (["caught", "survived"], 0),
        (["caught", "caught"], 0),
        (["survived", "survived"], 1),
        (["missing", "survived"], 1),
    ],
)
def test_only_a_mutant_that_was_caught_can_be_lost(
    after: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """What is missing or unreached is lost as well: nothing catches it."""
    names = {"function": "level", "before": "5", "after": "(6)"}
    for name, found in (("before", ["caught", "survived"]), ("after", after)):
        lines = (json.dumps({"id": number, "verdict": verdict, **names}) for number, verdict in enumerate(found))
        (tmp_path / name).write_text("\n".join(lines))
    assert compare(Namespace(before=tmp_path / "before", after=tmp_path / "after")) == code
    assert ("! " in capsys.readouterr().out) == bool(code)
