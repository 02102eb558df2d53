"""The command that makes the page of a snapshot: whom it needs to be allowed what, and what it leaves behind."""

import stat
import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest

from lake.cli.readers import main
from lake.errors import StoreError
from lake.layout import REPORTS, report_key
from lake.read import Lake
from lake.store import Store
from tests.lake.read import FIRST, SECOND

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Return a function that runs the command in an empty folder: its exit code, and both streams."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["report", "--bucket", lake.store.bucket, "--prefix", lake.store.prefix.strip("/"), *arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def kept(store: Store) -> list[str]:
    return [item.key for item in store.list(REPORTS)]


def test_it_writes_a_file_here_and_nothing_to_the_bucket(ran: Ran, lake: Lake, tmp_path: Path):
    before = kept(lake.store)
    code, out, err = ran()
    [path] = tmp_path.iterdir()
    assert (code, err, path.name) == (0, "", f"pokelake-{SECOND}.html")
    assert out == f"wrote the page of {SECOND} into {path.name}: {path.stat().st_size / 1000:.0f} kB\n"
    assert f"Snapshot {SECOND}" in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) & 0o044 == 0o044
    assert kept(lake.store) == before


def test_an_earlier_snapshot_has_its_page_in_the_file_that_is_named(ran: Ran, tmp_path: Path):
    assert ran("--out", "page.html")[0] == 0
    assert ran("--as-of", FIRST, "--out", "page.html")[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert f"Snapshot {FIRST}" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", ["of yesterday", "<!doctype html><title>Mine</title>"])
def test_a_file_that_is_no_page_of_a_snapshot_stays(ran: Ran, tmp_path: Path, content: str):
    (tmp_path / "mine.html").write_text(content)
    code, out, err = ran("--out", "mine.html")
    assert (code, out, (tmp_path / "mine.html").read_text()) == (1, "", content)
    assert err == "pokelake: --out mine.html: a file that is no page of a snapshot is there, and stays; name another\n"
    (tmp_path / "mine.html").write_text("")
    assert ran("--out", "mine.html")[0] == 0


def test_open_shows_the_file_in_the_browser_or_says_that_there_is_none(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) is None and len(opened) == 1)
    assert ran("--open", "--out", "a b.html")[2] == ""
    assert opened == [(tmp_path / "a b.html").as_uri()]
    assert ran("--open", "--out", "a b.html")[2] == "found no browser; open a b.html yourself\n"


def test_keep_creates_the_page_in_the_bucket_once(ran: Ran, lake: Lake):
    store, key = lake.store, report_key(SECOND)
    code, out, err = ran("--keep")
    assert (code, err, kept(store)) == (0, "", [key])
    assert out.splitlines()[1] == f"kept it as {store.uri(key)}; browsers find it at {store.page(key)}"
    store.delete([key])
    store.create(key, b"made by earlier code")
    code, out, err = ran("--keep")
    assert (code, err) == (0, f"{store.uri(key)} is there already and stays; --anew replaces it\n")
    assert store.get(key) == b"made by earlier code"
    assert ran("--keep", "--anew")[0] == 0
    assert f"Snapshot {SECOND}" in store.get(key).decode()


def test_who_may_only_read_has_the_file_and_is_told_what_was_refused(
    ran: Ran, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):

    def refuse(self: Store, key: str, body: bytes, content_type: str = "") -> None:
        raise StoreError(f"{self.uri(key)}: S3 answered AccessDenied")

    monkeypatch.setattr(Store, "create", refuse)
    code, _, err = ran("--keep")
    assert (code, len(list(tmp_path.iterdir()))) == (1, 1)
    assert err == f"pokelake: {lake.store.uri(report_key(SECOND))}: S3 answered AccessDenied\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--out", "."), 1, "pokelake: --out .: expected a file, found a folder\n"),
        (("--out", "nowhere/page.html"), 1, "pokelake: --out nowhere/page.html: No such file or directory\n"),
        (("--pokemon", "missingno"), 1, "pokelake: no Pokémon 'missingno'"),
        (("--out", "s3://lake/page.html"), 1, "--out: expected a file of this machine"),
        (("--anew",), 2, "pass --keep as well"),
        (("--as-of", "20260101T000000Z-00000000"), 1, FIRST),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    ran: Ran, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
):
    ended, out, err = ran(*arguments)
    assert (ended, out, list(tmp_path.iterdir())) == (code, "", [])
    assert said in err
