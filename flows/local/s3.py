"""The S3 of the local stack: moto's server, spared what it does anew at every request, a third of its time."""

import sys

import moto.backends
import moto.s3.models
from moto.server import main


def spare_moto() -> None:
    """Have moto list its own modules once, and load its table of addresses once."""
    modules = frozenset(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: modules
    moto.s3.models.reload = lambda module: module  # type: ignore[attr-defined]


if __name__ == "__main__":
    spare_moto()
    main(sys.argv[1:])
