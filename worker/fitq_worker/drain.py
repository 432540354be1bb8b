"""The drain flag: set in the parent, seen by the child at its next batch.

It is one byte of anonymous shared memory made before the fork, so it needs no Redis and no
signal to the child.
"""

from __future__ import annotations

import mmap

_FLAG = mmap.mmap(-1, 1)


def start() -> None:
    """Ask the job in hand to stop at its next batch."""
    _FLAG[0] = 1


def requested() -> bool:
    """Whether the worker is to give back the job in hand and leave."""
    return _FLAG[0] == 1
