"""Errors of the lake, as other processes get them."""

import pickle

import pytest

from lake import errors
from lake.errors import ConflictError, DamagedObjectError, HeldError, LakeError, OversizeError, SourceError


@pytest.mark.parametrize(
    "error",
    [
        SourceError("down", may_pass=False),
        ConflictError("s3://lake/a"),
        OversizeError("s3://lake/a", 1, 2),
        DamagedObjectError("s3://lake/a", "00ff"),
        HeldError("draft", None, ["one"], ["two"]),
    ],
)
def test_an_error_is_the_same_in_another_process(error: LakeError):
    """A worker's reaches the run that asked, and its message is not made twice."""
    same = pickle.loads(pickle.dumps(error))
    assert (type(same), str(same), same.__dict__) == (type(error), str(error), error.__dict__)
    assert same.may_pass == error.may_pass


def test_every_kind_of_error_goes_to_another_process_in_the_same_way():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LakeError)]
    assert len(kinds) > 10
    assert {kind.__name__ for kind in kinds if kind.__reduce__ is not LakeError.__reduce__} == set()
