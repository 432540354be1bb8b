"""For how long Redis has answered without a break: only then is a lease that is gone run out."""

from __future__ import annotations

import math
import time

SHORTEST_WAIT_SECONDS = 3.0


class Contact:
    """Counts answers, not failures: a Redis that stalls, or that was away before, raises none.

    A lease has two thirds of its life left when its owner renews it. So a break of one third
    ends no living worker's lease. After a longer one, and at the start, those who live need
    time to renew theirs: a keeper's command may have to run out of time before it tries again.

    Args:
        lease_seconds: how long a lease stands without being renewed.
    """

    def __init__(self, lease_seconds: float) -> None:
        self._longest_break = lease_seconds / 3
        self._wait = min(lease_seconds, max(SHORTEST_WAIT_SECONDS, lease_seconds / 2))
        self._since = self._answered = -math.inf

    def answered(self) -> None:
        """Redis has just answered."""
        now = time.monotonic()
        if now - self._answered > self._longest_break:
            self._since = now
        self._answered = now

    def refused(self) -> None:
        """Redis has just refused to write, so nobody could renew a lease."""
        self._answered = -math.inf

    @property
    def settled(self) -> bool:
        """Whether whoever lives has had the time to renew its lease."""
        return self._answered - self._since > self._wait
