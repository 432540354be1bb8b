"""The CPU cores that this process may use, and how many of them it can keep busy."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path

from fitq_shared.errors import InvalidInput, Mistake

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def usable_cores() -> tuple[int, ...]:
    """The cores on which the kernel lets this process run."""
    return tuple(sorted(os.sched_getaffinity(0)))


def core_limit(quota: float | None, cores: int) -> int:
    """How many of so many cores a quota lets a process keep busy, the last one perhaps in part."""
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def cpu_quota(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> float | None:
    """How much time of how many cores the control groups of this process allow.

    Those above it count, too. None where there is no such limit, or no control groups.

    Args:
        cgroups: where the control groups are mounted, of version 1 or 2.
        membership: the file that tells to which groups this process belongs.
    """
    limits = [
        limit
        for mount, group in _groups(cgroups, membership)
        for folder in _up(mount, group)
        if (limit := _limit(folder)) is not None
    ]
    return min(limits, default=None)


def parse_cores(text: str, usable: Iterable[int]) -> tuple[int, ...]:
    """Read a list of cores such as "0-3,6".

    Raises:
        InvalidInput: it is none, or names cores that are not usable.
    """
    may_be = set(usable)
    expected = f"cores such as 0-3 or 0,2 among {ranges(may_be)}"
    cores: set[int] = set()
    try:
        for part in text.split(","):
            first, dash, last = part.partition("-")
            span = range(int(first), int(last if dash else first) + 1)
            if not span or span[-1] > max(may_be):
                raise ValueError(part)
            cores |= set(span)
    except ValueError:
        cores = set()
    if not cores or not cores <= may_be:
        raise InvalidInput([Mistake("--cores", text, expected)])
    return tuple(sorted(cores))


def ranges(numbers: Iterable[int]) -> str:
    """For example (0, 1, 2, 5) as "0-2,5"."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)


def _groups(cgroups: Path, membership: Path) -> list[tuple[Path, str]]:
    """The mounts that may limit the time of cores, each with the path of our group in it."""
    lines = _read(membership).splitlines()
    fields = [line.split(":", 2) for line in lines if line.count(":") >= 2]
    found = []
    for _, controllers, group in fields:
        if controllers == "":
            found += [(cgroups, group), (cgroups / "unified", group)]
        elif "cpu" in controllers.split(","):
            found += [(cgroups / controllers, group), (cgroups / "cpu", group)]
    return found


def _up(mount: Path, group: str) -> list[Path]:
    """The folder of a group, and those above it up to the mount.

    A container may see its own group as the mount, under the name that it has on the host: then
    only the mount itself is there, and is the one.
    """
    folders = [mount]
    for part in Path(group.lstrip("/")).parts:
        if part == "..":
            return [mount]
        folders.append(folders[-1] / part)
    return folders


def _limit(folder: Path) -> float | None:
    words = _read(folder / "cpu.max").split()
    if not words:
        words = [_read(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    try:
        quota, period = (int(word) for word in words)
    except ValueError:
        return None
    return quota / period if quota > 0 and period > 0 else None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
