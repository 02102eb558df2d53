"""The tag of the image names the lock that its packages are from."""

from hashlib import sha256
from pathlib import Path

import pytest

from flows.cli import main
from flows.deploy.image import LOCK, image_tag
from lake.errors import LakeError
from tests.flows.deploy.conftest import REPOSITORY


def test_another_lock_has_another_tag_and_another_folder_has_not(tmp_path: Path):
    (tmp_path / LOCK).write_bytes((REPOSITORY / LOCK).read_bytes())
    digest = sha256((REPOSITORY / LOCK).read_bytes()).hexdigest()
    assert image_tag(tmp_path) == image_tag(REPOSITORY) == f"lock-{digest[:12]}"
    (tmp_path / LOCK).write_text("prefect==3.8.9")
    assert image_tag(tmp_path) != image_tag(REPOSITORY)


def test_a_folder_without_a_lock_is_no_checkout(tmp_path: Path):
    with pytest.raises(LakeError, match=rf"{tmp_path}/{LOCK}: .* run this in a checkout of pokelake"):
        image_tag(tmp_path)


def test_the_command_prints_the_tag_alone_so_that_a_shell_can_use_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(SystemExit) as ended:
        main(["image-tag"])
    said = capsys.readouterr()
    assert (ended.value.code or 0, said.out, said.err) == (0, f"{image_tag(REPOSITORY)}\n", "")
