"""Where Redis keeps the records of sweeps, and in which sets it has which of them."""

from __future__ import annotations

SWEEPS = "fitq:sweeps"
# Those that a worker's conductor has to look after.
OPEN = "fitq:sweeps:open"
# Those of which the volume may have an older copy.
UNKEPT = "fitq:sweeps:unkept"


def sweep_key(sweep_id: str) -> str:
    """The key of a sweep's record."""
    return f"fitq:sweep:{sweep_id}"


def trials_key(sweep_id: str) -> str:
    """The key of a sweep's trials, by their number."""
    return f"fitq:sweep:{sweep_id}:trials"


def name_key(name: str) -> str:
    """The key of the sweeps that go by a name, by the time they were created."""
    return f"fitq:sweeps:name:{name}"
