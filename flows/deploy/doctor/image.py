"""Questions about the image of tasks: is it in its repository, and are its packages those of this checkout?"""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.deploy.doctor.check import Verdict, failed, ok, skipped
from flows.deploy.doctor.installation import Installation
from flows.deploy.image import LOCK_TAG, image_tag
from lake.errors import LakeError

_IMAGE = re.compile(r"(?P<repository>.*?)(?::(?P<tag>[^:/@]+))?(?:@(?P<digest>sha256:[0-9a-f]+))?")
_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<path>.+)")


@dataclass(frozen=True, slots=True)
class Image:
    """The image that a pool names; `account`, `region` and `path` are of its repository in ECR, if it is there."""

    name: str
    repository: str
    tag: str | None
    digest: str | None
    account: str | None = None
    region: str | None = None
    path: str | None = None

    @classmethod
    def of(cls, at: Installation) -> "Image":
        """Read the name."""
        name = at.variables().get("image", "")
        parts = _IMAGE.fullmatch(name)
        assert parts is not None
        place = _ECR.fullmatch(parts["repository"])
        tag = parts["tag"] or (None if parts["digest"] else "latest")
        return cls(name, parts["repository"], tag, parts["digest"], **(place.groupdict() if place else {}))

    def ecr(self, at: Installation) -> Any:
        """Return a client of the repository's region."""
        return at.credentials.get_boto3_session().client("ecr", region_name=self.region)

    def describe(self, ecr: Any) -> dict[str, Any]:
        """Ask ECR for the image."""
        wanted = {"imageDigest": self.digest} if self.digest else {"imageTag": self.tag}
        given = {"registryId": self.account, "repositoryName": self.path, "imageIds": [wanted]}
        found: list[dict[str, Any]] = ecr.describe_images(**given)["imageDetails"]
        return found[0]

    def push(self, at: Installation) -> str:
        """Return the commands that build the image of a checkout, push it beside this one, and name it in the pool."""
        host = self.repository.partition("/")[0]
        login = f"| docker login --username AWS --password-stdin {host}`"
        steps = [
            f"`IMAGE={self.repository}:$(pokelake image-tag)`, in a checkout",
            *([f"`aws ecr get-login-password --region {self.region} {login}"] if self.path else []),
            "`docker build --platform linux/amd64 --tag $IMAGE . && docker push $IMAGE`",
            f"`pokelake setup{at.names.flags} --work-pool {at.pool_name} --image $IMAGE`",
        ]
        return "\n".join(steps)


def image(at: Installation) -> Verdict:
    """Is the image of tasks in its repository?"""
    named = Image.of(at)
    if named.path is None:
        return skipped(f"not looked at, because it is not in ECR: {named.name or 'the pool names none'}")
    ecr = named.ecr(at)
    try:
        found = named.describe(ecr)
    except ecr.exceptions.RepositoryNotFoundException:
        make = f"`aws ecr create-repository --region {named.region} --repository-name {named.path}`"
        return failed(f"ECR has no repository {named.path}, so no task starts", f"{make}\n{named.push(at)}")
    except ecr.exceptions.ImageNotFoundException:
        return failed(f"{named.name} is not in its repository, so no task starts", named.push(at))
    return ok(f"{named.name} is in its repository, since {found['imagePushedAt']:%Y-%m-%d %H:%M}")


def packages(at: Installation) -> Verdict:
    """Does the image have the packages of the lock of this checkout?"""
    named = Image.of(at)
    locks = [tag for tag in _tags(at, named) if tag.startswith(LOCK_TAG)]
    if not locks:
        return skipped(f"not known, because no tag of {named.name} is one that `pokelake image-tag` prints")
    try:
        wanted = image_tag(Path.cwd())
    except LakeError:
        return skipped(f"not compared, because this folder is no checkout: the image has those of {', '.join(locks)}")
    if wanted not in locks:
        return failed(f"expected those of this checkout, {wanted}, found those of {', '.join(locks)}", named.push(at))
    return ok(f"those of this checkout, {wanted}")


def _tags(at: Installation, named: Image) -> list[str]:
    """Return the tag by which the pool names the image, and the others that ECR has of it."""
    known: list[str] = []
    if named.path is not None:
        ecr = named.ecr(at)
        # An image that is gone is named all the same; that it is gone is another question.
        with suppress(ecr.exceptions.RepositoryNotFoundException, ecr.exceptions.ImageNotFoundException):
            known = named.describe(ecr).get("imageTags", [])
    return list(dict.fromkeys([*([named.tag] if named.tag else []), *known]))
