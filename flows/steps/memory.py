"""Memory: what is freed goes back to the system, so that a run's peak is what it holds, not what it once held."""

import ctypes
import platform

import pyarrow as pa

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

# Each of glibc's arenas keeps what was freed in it; by default there are eight for each core.
_ARENAS = 2

# Bodies and batches are larger than this, and most other things are smaller.
_MAPPED_BYTES = 1 << 20


def return_freed_memory() -> None:
    """Make allocations of a megabyte and more come from the system one by one; without glibc, only those of Arrow.

    By default glibc raises its threshold to 32 MB, and Arrow's own pool keeps what it freed: a refresh of the core
    resources then peaks at 890 MB instead of 650.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
