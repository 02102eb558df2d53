"""Tables that nobody declared: what they hold follows from the documents of a resource, over all of them."""

from lake.tables.inferred.assumed import Assumed, Assumption, UnassumedError, assumable
from lake.tables.inferred.declare import Declared, declare
from lake.tables.inferred.grow import grown
from lake.tables.inferred.known import Key
from lake.tables.inferred.notes import Note
from lake.tables.inferred.shape import NOTHING, Shape, all_joined, joined

__all__ = [
    "NOTHING",
    "Assumed",
    "Assumption",
    "Declared",
    "Key",
    "Note",
    "Shape",
    "UnassumedError",
    "all_joined",
    "assumable",
    "declare",
    "grown",
    "joined",
]
