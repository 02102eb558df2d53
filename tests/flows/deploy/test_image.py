"""The tag of the image names what it is built from: the lock of its packages, and the Dockerfile."""

import re
import shutil
from pathlib import Path

import pytest

from flows.cli import main
from flows.deploy.image import LOCKS, SOURCES, image_tag
from lake.errors import LakeError
from tests.flows.deploy.conftest import REPOSITORY


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in SOURCES:
        shutil.copy(REPOSITORY / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", SOURCES)
def test_another_lock_or_another_dockerfile_has_another_tag_and_another_folder_has_not(checkout: Path, name: str):
    assert image_tag(checkout) == image_tag(REPOSITORY)
    with (checkout / name).open("a") as file:
        file.write("# new\n")
    assert image_tag(checkout) != image_tag(REPOSITORY)


@pytest.mark.parametrize("name", SOURCES)
def test_a_folder_without_one_of_them_is_no_checkout(checkout: Path, name: str):
    (checkout / name).unlink()
    with pytest.raises(LakeError, match=rf"{checkout}/{name}: .* run this in a checkout of pokelake"):
        image_tag(checkout)


def test_the_image_is_built_from_nothing_else():
    copied = re.findall(r"^COPY (?!--from)(\S+)", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    assert copied == ["requirements-${LOCK}.lock"]
    assert [f"requirements-{chosen}.lock" for chosen in ("run", "cluster")] == [*LOCKS]


def test_the_command_prints_the_tag_alone_so_that_a_shell_can_use_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(SystemExit) as ended:
        main(["image-tag"])
    said = capsys.readouterr()
    assert (ended.value.code or 0, said.out, said.err) == (0, f"{image_tag(REPOSITORY)}\n", "")
