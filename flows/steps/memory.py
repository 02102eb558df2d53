"""Memory: what is freed goes back to the system, so that a run's peak is what it holds, not what it once held."""

import ctypes
import gc
import platform
from functools import cache

import pyarrow as pa

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

# Each of glibc's arenas keeps what was freed in it; by default there are eight for each core.
_ARENAS = 2

# Bodies and the columns of batches are larger than this, and most other things are smaller. With a megabyte, columns
# leave holes that nothing fits: 50 MB more while the tables of 68,000 documents are built.
_MAPPED_BYTES = 256 << 10

# New objects after which Python looks for garbage in circles among them. Each request to S3 and each task of Prefect
# leaves some, and 50,000 such objects can hold 30 MB.
_NEW_OBJECTS = 5_000


def return_freed_memory() -> None:
    """Make larger allocations come from the system one by one; without glibc, only Arrow's own pool is left out.

    By default glibc raises its threshold to 32 MB, and Arrow's own pool keeps what it freed: a refresh of the core
    resources then peaks at 890 MB instead of 650. What was loaded by now stays, so garbage is looked for beside it.
    The pool is the second half of what `flows` says to Arrow, where somebody has loaded it before.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 10, 10)
    pa.set_memory_pool(pa.system_memory_pool())
    if _is_glibc():
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def trim() -> None:
    """Give back the pages between what is still held, which takes some milliseconds; without glibc, do nothing."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


@cache
def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
