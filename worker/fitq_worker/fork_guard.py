"""Keeps the parent's threads out of Redis while it forks a child.

A lock that some thread holds while its process forks is held in the child for ever. Python's own
are made anew there; those of OpenSSL are not, so a child's first connection over TLS could wait for
one without end: the worker would be ready, and never run the job that it has taken.
"""

from __future__ import annotations

import os
import threading

# How long a fork waits for the threads. Redis may be away, and a child is needed all the same.
LONGEST_WAIT_SECONDS = 5.0


class ForkGuard:
    """Any number of threads may be inside, and none is while the process forks."""

    def __init__(self) -> None:
        self._open()
        os.register_at_fork(
            before=self._begin, after_in_parent=self._end, after_in_child=self._open
        )

    def __enter__(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._forking)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def _open(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._forking = False

    def _begin(self) -> None:
        with self._changed:
            self._forking = True
            self._changed.wait_for(lambda: not self._inside, LONGEST_WAIT_SECONDS)

    def _end(self) -> None:
        with self._changed:
            self._forking = False
            self._changed.notify_all()


fork_guard = ForkGuard()
