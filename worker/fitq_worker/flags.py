"""Two flags that parent and child share: "drain", set by the parent, and "warm", by the child.

They are bytes of anonymous shared memory made before the fork, so they need no Redis and no
signal.
"""

from __future__ import annotations

import mmap

_DRAIN, _WARM = 0, 1
_FLAGS = mmap.mmap(-1, 2)


def start_draining() -> None:
    """Ask the job in hand to stop at its next batch."""
    _FLAGS[_DRAIN] = 1


def draining() -> bool:
    """Whether the worker is to give back the job in hand and leave."""
    return _FLAGS[_DRAIN] == 1


def set_warm() -> None:
    """Say that a child has Keras."""
    _FLAGS[_WARM] = 1


def warm() -> bool:
    """Whether a child has had Keras since the worker started."""
    return _FLAGS[_WARM] == 1
