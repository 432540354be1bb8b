"""What parent and child tell each other without Redis or signals, in shared memory.

The memory is made before the fork. "drain" and "cut off" are set by the parent, "warm" and the
process's id by the child. A process that runs a job for the child finds it by an inherited
descriptor.
"""

from __future__ import annotations

import mmap
import os
import struct

VARIABLE = "FITQ_FLAGS_FD"

_DRAIN, _WARM, _CUT_OFF, _CHILD, _SIZE = 0, 1, 2, 8, 16


def _open() -> int:
    inherited = os.environ.get(VARIABLE)
    if inherited is not None:
        return int(inherited)
    descriptor = os.memfd_create("fitq-flags")
    os.ftruncate(descriptor, _SIZE)
    return descriptor


DESCRIPTOR = _open()
_FLAGS = mmap.mmap(DESCRIPTOR, _SIZE)


def start_draining() -> None:
    """Ask the job in hand to stop at its next batch."""
    _FLAGS[_DRAIN] = 1


def draining() -> bool:
    """Whether the worker is to give back the job in hand and leave."""
    return _FLAGS[_DRAIN] == 1


def set_cut_off() -> None:
    """Say that Redis has been out of reach for so long that the devices must be left."""
    _FLAGS[_CUT_OFF] = 1


def cut_off() -> bool:
    """Whether nobody is to wait for Redis any more."""
    return _FLAGS[_CUT_OFF] == 1


def set_warm() -> None:
    """Say that a child, the calling process, has Keras."""
    _FLAGS[_CHILD:_SIZE] = struct.pack("q", os.getpid())
    _FLAGS[_WARM] = 1


def warm() -> bool:
    """Whether a child has had Keras since the worker started."""
    return _FLAGS[_WARM] == 1


def child_pid() -> int | None:
    """The process that runs the jobs; None before the first is ready."""
    pid: int = struct.unpack("q", _FLAGS[_CHILD:_SIZE])[0]
    return pid or None
