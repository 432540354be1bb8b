"""What parent and child tell each other without Redis or signals, in shared memory.

The memory is made before the fork. "drain" and "cut off" are set by the parent; "warm", the
process's id and the attempt that it has in hand by the child. A process that runs a job for the
child finds it by an inherited descriptor.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
from collections.abc import Iterator

VARIABLE = "FITQ_FLAGS_FD"

# An id has at most 32 letters, and the number of an attempt 7 digits: see job_message.py.
_DRAIN, _WARM, _CUT_OFF, _CHILD, _IN_HAND, _SIZE = 0, 1, 2, 8, 16, 64


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
    _FLAGS[_CHILD:_IN_HAND] = struct.pack("q", os.getpid())
    _say_in_hand("")  # a child that was killed could not put its attempt away
    _FLAGS[_WARM] = 1


def warm() -> bool:
    """Whether a child has had Keras since the worker started."""
    return _FLAGS[_WARM] == 1


def child_pid() -> int | None:
    """The process that runs the jobs; None before the first is ready."""
    pid: int = struct.unpack("q", _FLAGS[_CHILD:_IN_HAND])[0]
    return pid or None


@contextlib.contextmanager
def in_hand(job_id: str, attempt: int) -> Iterator[None]:
    """Say for as long as this lasts that the calling process, the child, has this attempt."""
    _say_in_hand(_name(job_id, attempt))
    try:
        yield
    finally:
        _say_in_hand("")


def has_in_hand(job_id: str, attempt: int) -> bool:
    """Whether the child has this attempt, or died with it and was not replaced yet."""
    said = bytes(_FLAGS[_IN_HAND:_SIZE]).rstrip(b"\0")
    return said == _name(job_id, attempt).encode()


def _name(job_id: str, attempt: int) -> str:
    return f"{job_id}:{attempt}"


def _say_in_hand(name: str) -> None:
    _FLAGS[_IN_HAND:_SIZE] = name.encode().ljust(_SIZE - _IN_HAND, b"\0")
