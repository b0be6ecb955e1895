"""Times of sources, by which a changed source is noticed, also one that was restored under an older date."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

# The coarsest unit in which current file systems store times: 100 ns on NTFS and SMB, 1 ns on the others.
_UNIT_NS = 100
_MILLISECOND = 10_000


def joint_time_ns(times_ns: Sequence[int]) -> int:
    """Return one time for several files, which changes with the time of any of them and with their number.

    This is the time of the newest file to the millisecond, followed by a checksum of all times.

    Args:
        times_ns: modification time of each file, in nanoseconds since the epoch, at least one.
    """
    if len(times_ns) == 1:
        return times_ns[0]
    newest = max(times_ns) // _UNIT_NS
    checksum = crc32(",".join(map(str, times_ns)).encode()) % _MILLISECOND
    return (newest - newest % _MILLISECOND + checksum) * _UNIT_NS


def is_same_time(first_ns: int, second_ns: int) -> bool:
    """Return True if two times are equal, apart from the rounding of file systems."""
    return abs(first_ns - second_ns) < _UNIT_NS
