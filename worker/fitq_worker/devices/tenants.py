"""Who computes on a GPU without holding a share of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from fitq_worker.devices.device import Device, gib
from fitq_worker.devices.gpus import compute_processes
from fitq_worker.identity import VARIABLE

PROC = Path("/proc")


@dataclass(frozen=True)
class Tenant:
    """A process on a GPU.

    Attributes:
        pid: as the host counts.
        name: the beginning of its command, as /proc shows it; "" where it cannot be seen.
        memory: of the GPU, in bytes, as far as the driver tells.
    """

    gpu: int
    pid: int
    name: str
    memory: int | None

    def __str__(self) -> str:
        who = f"{self.name}, process {self.pid}" if self.name else f"process {self.pid}"
        return f"GPU {self.gpu} is used by {who} ({gib(self.memory)})"


def foreign_tenants(gpu: Device, sharers: Collection[str]) -> list[Tenant]:
    """The processes on a GPU that belong to no worker with a share of it.

    A worker's processes are known by the identity in their environment. NVML counts processes as
    the host does, so those of other containers cannot be looked at from within one: if the GPU is
    shared, they are taken for the sharers'.

    Args:
        sharers: the tokens of the other workers that hold a share.

    Raises:
        FitqError: the GPU cannot be asked.
    """
    found = []
    for pid, memory in compute_processes(gpu).items():
        folder = PROC / str(pid)
        belongs = _token(folder) in sharers if folder.exists() else bool(sharers)
        if not belongs:
            found.append(Tenant(gpu.number, pid, _read(folder / "comm").strip(), memory))
    return found


def _token(folder: Path) -> str:
    """The token of the worker that a process belongs to; "" if it is none, or may not be seen."""
    for variable in _read(folder / "environ").split("\0"):
        name, _, value = variable.partition("=")
        if name == VARIABLE:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                return str(json.loads(value)["token"])
    return ""


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
