"""A full disk: output that cannot be written ends in one paragraph, and nothing else writes to the disk at all."""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.cli import main
from flows.local.replica import demo_documents
from lake.store import Store
from tests.lake.assemble.lakeside import Lakeside, changed, only

LAKE = ("--bucket", "lake", "--prefix", "pokelake")
DOCUMENTS = only(demo_documents(), "nature")


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "command",
    [("tables", *LAKE), ("snapshots", *LAKE, "--json"), ("document", "nature", "1", *LAKE), ("--help",)],
    ids=lambda command: " ".join(command[:1] + command[-1:]),
)
def test_output_for_which_there_is_no_space_ends_in_one_paragraph(
    store: Store, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    Lakeside(store).fill(DOCUMENTS)
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as ended:
            main(list(command))
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "pokelake: the disk is full ([Errno 28] No space left on device): free some space there, and run the command"
        " again\n"
    )


def test_with_a_full_disk_a_lake_is_filled_and_read_as_ever(store: Store, tmp_path: Path):
    """All that is written goes to the bucket."""
    one = Lakeside(store)
    with full_disk():
        with pytest.raises(OSError, match="File too large"):
            (tmp_path / "file").write_bytes(b"1")
        first = one.fill(DOCUMENTS)
        second = one.fill(changed(DOCUMENTS, "nature/1", name="brave-new"))
        rows = one.lake.sql("select name from natures order by nature_id limit 1")
        found = one.lake.diff("natures", first.snapshot, second.snapshot)
    assert rows["name"].tolist() == ["brave-new"]
    assert len(found) == 1
