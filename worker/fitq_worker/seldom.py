"""Says whether it is time to say something again that goes on and on."""

from __future__ import annotations

import math

AGAIN_SECONDS = 60.0


class Seldom:
    """Due at first, and then once a minute at most."""

    def __init__(self) -> None:
        self._next = -math.inf

    def due(self, now: float) -> bool:
        """Whether to say it now.

        Args:
            now: in seconds, by a clock that only goes forward.
        """
        due = now >= self._next
        if due:
            self._next = now + AGAIN_SECONDS
        return due
