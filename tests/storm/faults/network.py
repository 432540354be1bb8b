"""Faults of the network between one worker, or the client, and Redis."""

from __future__ import annotations

import time

from storm.faults.processes import meet
from storm.rig import LEASE_SECONDS, Rig
from storm.strike import Strike

# Of all short cuts so many are for the client instead of a worker.
SHARE_OF_THE_CLIENT = 0.2


def cut(rig: Rig, strike: Strike) -> None:
    """All connections of one worker, or of the client, are reset once."""
    if strike.planned.chance < SHARE_OF_THE_CLIENT and rig.client_proxy.connections:
        strike.begins("the client")
        proxy = rig.client_proxy
    else:
        proxy = meet(rig, strike).proxy
    if closed := proxy.cut():
        strike.saw(f"{closed} connections closed")
    else:
        strike.complaint = "no connection was open"


def cut_long(rig: Rig, strike: Strike) -> None:
    """One worker cannot reach Redis for longer than the lease: refused, or without an answer."""
    member = meet(rig, strike)
    seconds = LEASE_SECONDS + 1.5 + 2 * strike.planned.chance
    if strike.planned.number % 2:
        closed = member.proxy.refuse()
        if not member.proxy.accepts():
            strike.saw(f"{closed} connections closed, new ones refused for {seconds:.1f} s")
        time.sleep(seconds)
        member.proxy.accept()
    else:
        member.proxy.hold()
        strike.saw(f"{member.proxy.connections} connections without an answer for {seconds:.1f} s")
        time.sleep(seconds)
        member.proxy.cut()
        member.proxy.release()
    strike.saw("back")
