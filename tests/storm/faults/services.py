"""Faults of what all share: Redis and the volume."""

from __future__ import annotations

import socket
import time

from storm.rig import Rig
from storm.strike import Strike


def kill_redis(rig: Rig, strike: Strike) -> None:
    """SIGKILL to Redis, and a start from its append-only file up to six seconds later."""
    strike.begins("redis")
    pid = rig.server.kill()
    try:
        socket.create_connection(("127.0.0.1", rig.server.port), 2).close()
        strike.complaint = f"process {pid} gone, but a connection was accepted"
    except ConnectionRefusedError:
        strike.saw(f"process {pid} gone, connections refused")
    time.sleep(6 * strike.planned.chance)
    rig.server.start()
    strike.note("answers PING again")


def full_volume(rig: Rig, strike: Strike) -> None:
    """No room on the volume for two to five seconds, also not what others free meanwhile."""
    strike.begins("volume")
    end = time.monotonic() + 2 + 3 * strike.planned.chance
    refused = 0
    while time.monotonic() < end:
        refused += rig.volume.fill()
        time.sleep(0.05)
    rig.volume.free()
    if refused:
        strike.saw(f"ENOSPC met by {refused} writes of our own")
    else:
        strike.complaint = "no write of our own met ENOSPC"
    strike.note("no room yet" if rig.volume.full() else "room again")
