"""Tables that nobody declared: what they hold follows from the documents of a resource, over all of them."""

from lake.tables.inferred.grow import grown
from lake.tables.inferred.shape import NOTHING, Shape, all_joined, joined

__all__ = ["NOTHING", "Shape", "all_joined", "grown", "joined"]
