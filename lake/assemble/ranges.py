"""Where a resource's documents are cut into parts: ranges of ids, planned before anything is read.

A part has at most about 32 MB of JSON, and 768 kB packed, so that one changed document costs no more. What was cut once
stays cut there; a part that has grown by half is cut anew when its documents change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lake.assemble.staging import Staged
from lake.assemble.stored import StoredFile

# All of PokeAPI has 51 resources in some 65 parts. Each part is a request in every snapshot, and the smaller it is, the
# less is sent when a document changes.
PART_JSON_BYTES = 32 << 20
PART_BYTES = 768 << 10

LEAST_ID, GREATEST_ID = -(2**63), 2**63 - 1

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Range:
    """One range of ids, both ends included: the parent's file of it, and the ids at which it is cut further.

    `number` is that of the first file that its documents will be in.
    """

    number: int
    low: int
    high: int
    before: StoredFile | None = None
    cuts: tuple[int, ...] = ()

    def meets(self, first: int, last: int) -> bool:
        """Tell whether some ids may lie in the range."""
        return first <= self.high and last >= self.low


def plan_ranges(
    before: Sequence[StoredFile], starts: Sequence[int], staged: Sequence[Staged], ids: Numbers, sizes: Numbers
) -> list[Range]:
    """Return the ranges of a resource: those of the parent's files, cut further where they are too large.

    `starts` are the least ids of these files, but the first; `ids` and `sizes` those of the parent's documents and the
    bytes of their JSON, none if they are not known. Without a file before, what was staged says where to cut.
    """
    bounds = pairwise([LEAST_ID, *starts, GREATEST_ID + 1])
    files = before or (None,)
    ranges = list[Range]()
    number = 0
    for file, (low, next_low) in zip(files, bounds, strict=True):
        inside = (ids >= low) & (ids <= next_low - 1)
        cuts = _cuts_of_file(file, ids[inside], sizes[inside]) if file else []
        cuts = cuts or _cuts_of_staged([one for one in staged if low <= one.first_id and one.last_id < next_low])
        if file is None:
            for one, two in pairwise([low, *cuts, next_low]):
                ranges.append(Range(number, one, two - 1))
                number += 1
            continue
        ranges.append(Range(number, low, next_low - 1, file, tuple(cuts)))
        number += 1 + len(cuts)
    return ranges


def _cuts_of_file(file: StoredFile, ids: Numbers, sizes: Numbers) -> list[int]:
    """Return the ids before which a file that has grown too large is cut into pieces of about the same size."""
    total = int(sizes.sum())
    share = max(total / PART_JSON_BYTES, file.file.bytes / PART_BYTES)
    if share <= 1.5 or total == 0:
        return []
    pieces = int(np.ceil(share))
    places = np.searchsorted(sizes.cumsum(), [total * number / pieces for number in range(1, pieces)]) + 1
    return sorted({int(ids[place]) for place in places if 0 < place < len(ids)} - {int(ids[0])})


def _cuts_of_staged(staged: Sequence[Staged]) -> list[int]:
    """Return the ids before which documents are cut that come with a crawl, most of which the parent does not have."""
    cuts, filled = list[int](), 0.0
    if sum(map(_share, staged)) <= 1.5:
        return []
    for one in sorted(staged, key=lambda one: one.last_id):
        share = _share(one)
        if filled and filled + share > 1:
            cuts.append(one.first_id)
            filled = 0
        if share > 1.5 and one.first_id > LEAST_ID:
            pieces = int(np.ceil(share))
            width = (one.last_id + 1 - one.first_id) / pieces
            cuts += [one.first_id + int(width * number) for number in range(1, pieces)]
            share /= pieces
        filled += share
    return sorted(set(cuts))


def _share(staged: Staged) -> float:
    """Return how much of a part a staged object fills."""
    return max(staged.json_bytes / PART_JSON_BYTES, staged.packed_bytes / PART_BYTES)
