"""Processes as Linux knows them, told apart by more than their number.

A pid is given out again after its process has ended, and after a reboot all of them are. So a
process is named by its pid together with its start, in clock ticks since the boot, and the
boot's own id.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process, as it was when it was looked at."""

    pid: int
    start: int
    state: str
    group: int
    session: int

    @property
    def alive(self) -> bool:
        """False for a zombie: it has ended, only nobody has asked for its exit code."""
        return self.state not in "ZXx"

    @property
    def leads_its_group(self) -> bool:
        """True for what supervisor started itself, not for the children of that."""
        return self.group == self.pid

    @property
    def folder(self) -> Path | None:
        """The folder it runs in, if we may know."""
        with contextlib.suppress(OSError):
            return (PROC / str(self.pid) / "cwd").readlink()
        return None

    @property
    def environment(self) -> list[str]:
        """The NAME=value lines it was started with, if we may know."""
        with contextlib.suppress(OSError):
            content = (PROC / str(self.pid) / "environ").read_bytes()
            return content.decode(errors="replace").split("\0")
        return []

    def send(self, signal: int) -> None:
        """Send the signal, unless the process has ended."""
        now = process(self.pid)
        if now is not None and now.start == self.start:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal)


def process(pid: int) -> Process | None:
    """The process of this pid, a zombie too; None if there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # See proc_pid_stat(5). The name, in parentheses, may hold anything.
    fields = text.rpartition(")")[2].split()
    return Process(
        pid=pid,
        state=fields[0],
        group=int(fields[2]),
        session=int(fields[3]),
        start=int(fields[19]),
    )


def all_processes() -> Iterator[Process]:
    """Every process that has not ended."""
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            found = process(int(entry.name))
            if found is not None and found.alive:
                yield found


def boot_id() -> str:
    """Another after each boot of the machine."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()
