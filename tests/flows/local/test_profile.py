"""The profile of a stack in Prefect's file: it comes and goes, and all else there stays, byte for byte."""

import os
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_PROFILES_PATH, load_profiles, temporary_settings

from flows.local.profile import profiles_path, written_profile
from lake.errors import LakeError

HERE = {"PREFECT_API_URL": "http://127.0.0.1:9/api"}

MINE = """\
# Those of the team come first.
active = "work"

[profiles.work]
PREFECT_API_URL = "https://prefect.example.org/api"  # PostgreSQL

[profiles.pokelake-up-old]
PREFECT_API_URL = "http://127.0.0.1:8/api"
"""


@pytest.mark.parametrize("before", [MINE, MINE.rstrip("\n") + "\n\n\n", 'active = "ephemeral"\n'])
def test_it_comes_after_what_is_there_and_leaves_it_as_it_was(tmp_path: Path, before: str):
    path = tmp_path / "profiles.toml"
    path.write_text(before)
    path.chmod(0o640)
    with written_profile(path, "pokelake-up", HERE) as name:
        assert (name, path.read_text().startswith(before)) == ("pokelake-up", True)
        assert path.read_text().endswith('\n\n[profiles.pokelake-up]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n')
    assert (path.read_text(), path.stat().st_mode & 0o777) == (before, 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_prefect_takes_it_and_the_file_it_made_goes_with_it(tmp_path: Path):
    path = tmp_path / "prefect" / "profiles.toml"
    with written_profile(path, "pokelake-up", HERE) as name:
        assert path.stat().st_mode & 0o777 == 0o600
        with temporary_settings({PREFECT_PROFILES_PATH: path}):
            assert load_profiles()[name].settings == {PREFECT_API_URL: HERE["PREFECT_API_URL"]}
    assert not path.exists()


def test_one_that_a_killed_stack_left_is_replaced_and_that_of_another_is_not(tmp_path: Path):
    path = tmp_path / "profiles.toml"
    path.write_text(f'[profiles.pokelake-up]\nPREFECT_API_URL = "http://127.0.0.1:8/api"\n\n{MINE}')
    with written_profile(path, "pokelake-up", HERE) as name:
        assert (name, path.read_text().count("[profiles.pokelake-up]")) == ("pokelake-up", 1)
    path.write_text('[profiles.pokelake-up]\nPREFECT_API_URL = "https://prefect.example.org/api"\n')
    before = path.read_text()
    with written_profile(path, "pokelake-up", HERE) as name:
        assert name == "pokelake-up-2"
    assert path.read_text() == before


def test_what_somebody_wrote_meanwhile_stays(tmp_path: Path):
    path = tmp_path / "profiles.toml"
    path.write_text(MINE)
    with written_profile(path, "pokelake-up", HERE):
        path.write_text(path.read_text() + '\n[profiles.new]\nPREFECT_API_URL = "http://127.0.0.1:7/api"\n')
    assert path.read_text() == MINE + '\n[profiles.new]\nPREFECT_API_URL = "http://127.0.0.1:7/api"\n'
    with written_profile(path, "pokelake-up", HERE):
        path.write_text(changed := path.read_text().replace(":9/", ":6/"))
    assert path.read_text() == changed


def test_a_file_that_is_no_toml_is_named_and_left_alone(tmp_path: Path):
    path = tmp_path / "profiles.toml"
    path.write_text("active = work\n")
    with pytest.raises(LakeError, match=r"profiles.toml: expected Prefect's profiles as TOML: .*; mend it"):
        written_profile(path, "pokelake-up", HERE).__enter__()
    assert path.read_text() == "active = work\n"


def test_the_file_is_where_prefect_looks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PREFECT_PROFILES_PATH", raising=False)
    monkeypatch.delenv("PREFECT_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert profiles_path() == tmp_path / ".prefect" / "profiles.toml"
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    assert profiles_path() == tmp_path / "home" / "profiles.toml"
    (tmp_path / "real.toml").touch()
    os.symlink(tmp_path / "real.toml", tmp_path / "link.toml")
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "link.toml"))
    assert profiles_path() == tmp_path / "real.toml"
