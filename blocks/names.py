"""The names of what belongs to a lake in Prefect: each is made here, of the name of the lake's S3Bucket block.

Nothing here loads Prefect.
"""

import re
from dataclasses import dataclass

from lake.bucket import LAKE_BLOCK
from lake.errors import LakeError

# The source of the first lake, `LAKE_BLOCK`. What belongs to this lake has names without a suffix.
SOURCE_BLOCK = "pokeapi"

# The tag of the first lake's deployments and their runs, because a Prefect server is shared with others.
_TAG = "pokelake"

_RESULTS = "-results"

# As Prefect wants the names of blocks. Of those longer than this, a work pool's name would leave ECS no room.
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Names:
    """The names of what belongs to a lake; `lake` is that of its S3Bucket block.

    >>> first, moon = Names(), Names("moon")
    >>> first.results, first.credentials, first.tag, first.own("refresh"), first.own("crawl")
    ('pokelake-results', 'pokelake', 'pokelake', 'refresh', 'crawl')
    >>> moon.results, moon.credentials, moon.tag, moon.own("refresh"), moon.own("crawl")
    ('moon-results', 'moon', 'pokelake-moon', 'refresh-moon', 'crawl-moon')
    """

    lake: str = LAKE_BLOCK

    @property
    def suffix(self) -> str:
        """What the names of deployments, automations and the like end with; nothing for the first lake."""
        return "" if self.lake == LAKE_BLOCK else f"-{self.lake}"

    @property
    def results(self) -> str:
        """The S3Bucket block of Prefect's results."""
        return f"{self.lake}{_RESULTS}"

    @property
    def credentials(self) -> str:
        """The AwsCredentials block."""
        return self.lake

    @property
    def tag(self) -> str:
        """The tag of the lake's deployments and their runs."""
        return self.own(_TAG)

    @property
    def flags(self) -> str:
        """The flag that names the lake to a command, with a space before it; nothing for the first lake."""
        return "" if self.lake == LAKE_BLOCK else f" --lake {self.lake}"

    def own(self, name: str) -> str:
        """Return the name of this lake's own deployment, automation or queue."""
        return f"{name}{self.suffix}"


FIRST = Names()


def check_lake(name: str) -> str:
    """Return the name of a lake that is to be set up.

    Raises:
        LakeError: No lake can have this name.
    """
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise LakeError(
            f"--lake {name!r}: expected small letters, digits and single hyphens between them,"
            f" at most {LONGEST_NAME} characters"
        )
    if name.endswith(_RESULTS):
        raise LakeError(f"--lake {name!r}: a name that ends in {_RESULTS} is that of another lake's results")
    return name
