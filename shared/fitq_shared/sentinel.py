"""Redis behind Sentinels: a connection that goes where the primary is now."""

from __future__ import annotations

from typing import Any

from redis.sentinel import SentinelManagedConnection


class FollowingConnection(SentinelManagedConnection):
    """A connection that asks the Sentinels whenever it connects again.

    redis-py's own asks them when it is taken from its pool, but not when it was lost in the middle
    of a command: each new try then goes to the address of the primary that has died (redis-py
    issue 3874).
    """

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Send a command, to the present primary if the connection was lost."""
        if not self._sock:
            self.connect_to(self.connection_pool.get_master_address())  # type: ignore[no-untyped-call]
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]
