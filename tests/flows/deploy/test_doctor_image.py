"""`pokelake doctor` on the image of tasks: whether it is in its repository, and of which lock its packages are."""

from pathlib import Path

import boto3
import pytest

from flows.deploy.doctor.image import image, packages
from tests.flows.deploy.conftest import REPOSITORY
from tests.flows.deploy.on_ecs import FARGATE, HOST, IMAGE, TAG, installation, make_repository, push_image

PUSH = [
    f"`IMAGE={HOST}/pokelake:$(pokelake image-tag)`, in a checkout",
    f"`aws ecr get-login-password --region us-east-1 | docker login --username AWS --password-stdin {HOST}`",
    "`docker build --platform linux/amd64 --tag $IMAGE . && docker push $IMAGE`",
    f"`pokelake setup --work-pool {FARGATE} --image $IMAGE`",
]


@pytest.fixture(autouse=True)
def _pushed(clients: None, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Push the image of this checkout."""
    monkeypatch.chdir(REPOSITORY)
    make_repository()
    push_image(TAG)


def test_the_image_of_this_checkout():
    at = installation()
    found = image(at)
    assert found.status == "ok"
    assert found.found.startswith(f"{IMAGE} is in its repository, since 2")
    assert packages(at).found == f"those of this checkout, {TAG}"


def test_an_image_that_is_not_in_its_repository():
    """The pool's definition of tasks names it, and ECS takes that without a look."""
    at = installation(image=f"{HOST}/pokelake:lock-000000000000")
    found = image(at)
    assert found.found == f"{HOST}/pokelake:lock-000000000000 is not in its repository, so no task starts"
    assert found.mend.splitlines() == PUSH


def test_a_repository_that_is_gone():
    boto3.client("ecr").delete_repository(repositoryName="pokelake", force=True)
    found = image(installation())
    assert found.found == "ECR has no repository pokelake, so no task starts"
    make = "`aws ecr create-repository --region us-east-1 --repository-name pokelake`"
    assert found.mend.splitlines() == [make, *PUSH]


def test_an_image_of_another_lock():
    push_image("lock-000000000000", "other")
    found = packages(installation(image=f"{HOST}/pokelake:lock-000000000000"))
    assert found.found == f"expected those of this checkout, {TAG}, found those of lock-000000000000"
    assert found.mend.splitlines() == PUSH


def test_of_an_image_by_digest_or_another_tag_ecr_knows_the_lock():
    digest = push_image("newest")
    for name in (f"{HOST}/pokelake@{digest}", f"{HOST}/pokelake:newest"):
        at = installation(image=name)
        assert (image(at).status, packages(at).status) == ("ok", "ok")


def test_outside_of_a_checkout_the_lock_is_said_and_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    found = packages(installation())
    said = f"not compared, because this folder is no checkout: the image has those of {TAG}"
    assert (found.status, found.found) == ("skipped", said)


def test_a_tag_of_ones_own_says_nothing_about_the_lock():
    push_image("1", "other")
    found = packages(installation(image=f"{HOST}/pokelake:1"))
    said = f"not known, because no tag of {HOST}/pokelake:1 is one that `pokelake image-tag` prints"
    assert (found.status, found.found) == ("skipped", said)


@pytest.mark.parametrize(("name", "status"), [(f"ghcr.io:443/us/pokelake:{TAG}", "ok"), ("pokelake", "skipped")])
def test_an_image_elsewhere_is_not_looked_for_and_its_tag_is_read(name: str, status: str):
    at = installation(image=name)
    found = image(at)
    assert (found.status, found.found) == ("skipped", f"not looked at, because it is not in ECR: {name}")
    assert packages(at).status == status


def test_an_image_elsewhere_is_pushed_there():
    found = packages(installation(image="ghcr.io:443/us/pokelake:lock-000000000000"))
    assert found.mend.splitlines() == [
        "`IMAGE=ghcr.io:443/us/pokelake:$(pokelake image-tag)`, in a checkout",
        *PUSH[2:],
    ]
