"""The faults, by kind: each breaks one thing, looks whether it broke, and mends it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from storm.faults import commit, messages, network, processes, services
from storm.rig import Rig
from storm.strike import Strike

Fault = Callable[[Rig, Strike], None]

OF_A_WORKER: dict[str, Fault] = {
    "kill-parent": processes.kill_parent,
    "kill-child": processes.kill_child,
    "stop": processes.stop,
    "drain": processes.drain,
    "cut": network.cut,
    "cut-long": network.cut_long,
    "kill-before-commit": commit.kill_before_commit,
    "late-commit": commit.late_commit,
}
OF_REDIS: dict[str, Fault] = {"kill-redis": services.kill_redis}
OF_THE_VOLUME: dict[str, Fault] = {"full-volume": services.full_volume}
OF_MESSAGES: dict[str, Fault] = {
    "client-killed": messages.client_killed,
    "duplicate": messages.duplicate,
}
FAULTS = {**OF_A_WORKER, **OF_REDIS, **OF_THE_VOLUME, **OF_MESSAGES}


def lock_for(rig: Rig, strike: Strike) -> Any:
    """What must be held while the fault lasts, or None: faults of the same thing take turns."""
    kind = strike.planned.kind
    if kind in OF_A_WORKER:
        return rig.members[strike.planned.worker].lock
    if kind in OF_REDIS:
        return rig.redis_lock
    return rig.volume_lock if kind in OF_THE_VOLUME else None
