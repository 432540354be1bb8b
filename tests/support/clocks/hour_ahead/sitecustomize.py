"""A host whose clock is an hour ahead, for processes that have this folder on PYTHONPATH.

What Python programs ask is shifted: `time.time` and `time.time_ns`. The kernel's own clock, and
what C code asks it, are as before.
"""

import time

HOUR_SECONDS = 3600

_time, _time_ns = time.time, time.time_ns


def _ahead() -> float:
    return _time() + HOUR_SECONDS


def _ahead_ns() -> int:
    return _time_ns() + HOUR_SECONDS * 10**9


time.time, time.time_ns = _ahead, _ahead_ns
