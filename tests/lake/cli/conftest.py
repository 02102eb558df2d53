"""The lake of the tests of reading, for the command."""

from tests.lake.read.conftest import lake

__all__ = ["lake"]
