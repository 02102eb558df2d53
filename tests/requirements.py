"""What the project needs, by its own metadata and that of what is installed."""

import tomllib
from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs import REPOSITORY


def required(extras: tuple[str, ...]) -> set[str]:
    """Return the distributions that this project needs with some extras, and those that they need themselves."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(text for extra in extras for text in project["optional-dependencies"][extra])]
    pending, needed = [Requirement(text) for text in asked], set()
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": e}) for e in ("", *requirement.extras)):
            continue
        for extra in ("", *requirement.extras):
            if (name, extra) not in needed:
                needed.add((name, extra))
                found = [Requirement(text) for text in requires(requirement.name) or ()]
                pending += [r for r in found if not r.marker or r.marker.evaluate({"extra": extra})]
    return {name for name, _ in needed}
