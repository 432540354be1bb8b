"""Faults of the network between one worker, or the client, and Redis."""

from __future__ import annotations

import socket
import time

from storm.faults.processes import meet
from storm.rig import LEASE_SECONDS, Rig
from storm.strike import Strike

# Of all short cuts so many are for the client instead of a worker.
SHARE_OF_THE_CLIENT = 0.2
# Redis answers a PING in far less.
ANSWER_SECONDS = 1.0


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
        if closed and not member.proxy.accepts():
            strike.saw(f"{closed} connections closed, new ones refused for {seconds:.1f} s")
        else:
            strike.complaint = f"{closed} connections closed, new ones refused or not"
        time.sleep(seconds)
        member.proxy.accept()
    else:
        connections = member.proxy.connections
        member.proxy.hold()
        if connections and _is_silent(member.proxy.port):
            strike.saw(f"{connections} connections without an answer for {seconds:.1f} s")
        else:
            strike.complaint = f"{connections} connections were open, and a PING answered or not"
        time.sleep(seconds)
        member.proxy.cut()
        member.proxy.release()
    strike.note("back")


def _is_silent(port: int) -> bool:
    """Whether a PING by this port stays without an answer."""
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as line:
        try:
            line.sendall(b"PING\r\n")
            line.recv(1)
        except TimeoutError:
            return True
        except ConnectionError:
            return False  # Redis itself is away
        return False
