"""Which workers the stack starts: one for each device, unless told otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fitq.stack.folder import StackFolder
from fitq.stack.program import Program
from fitq_shared.errors import InvalidInput, Mistake, StackError
from fitq_shared.queues import DeviceKind

GROUP = "workers"
DeviceChoice = Literal["auto", "cpu", "gpu"]


@dataclass(frozen=True)
class WorkerPlan:
    """One worker: the kind of its device and, for a CPU worker, its cores (none named: all)."""

    device: DeviceKind
    cores: tuple[int, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the program `fitq-worker` is told."""
        device = ("--device", self.device)
        return (*device, "--cores", core_list(self.cores)) if self.cores else device

    def __str__(self) -> str:
        if self.device == "gpu":
            return "gpu"
        return f"cpu (cores {core_list(self.cores)})" if self.cores else "cpu (all cores)"


def plan_workers(device: DeviceChoice = "auto", count: int | None = None) -> list[WorkerPlan]:
    """The workers for this machine.

    Args:
        device: "auto" takes the GPUs if there are any and no count is given, else the CPU.
        count: how many; CPU workers share the cores so that none has two workers.

    Raises:
        InvalidInput: there are fewer devices than that.
    """
    if device == "gpu" or (device == "auto" and count is None):
        gpus = count_gpus()
        if gpus and (count is None or count <= gpus):
            return [WorkerPlan("gpu")] * (gpus if count is None else count)
        if device == "gpu":
            given = "gpu" if count is None else f"gpu, {count} workers"
            raise InvalidInput(
                [Mistake("device", given, f"no more than `nvidia-smi -L` lists ({gpus})")],
                "leave --device out for workers on the CPU",
            )
    if count is None:
        return [WorkerPlan("cpu")]
    cores = sorted(os.sched_getaffinity(0))
    if count > len(cores):
        raise InvalidInput(
            [Mistake("workers", count, f"at most one for each CPU core ({len(cores)})")]
        )
    share, more = divmod(len(cores), max(count, 1))
    plans = []
    for index in range(count):
        first = index * share + min(index, more)
        last = first + share + (index < more)
        plans.append(WorkerPlan("cpu", tuple(cores[first:last])))
    return plans


def worker_programs(
    folder: StackFolder, plans: Sequence[WorkerPlan], command: Sequence[str]
) -> list[Program]:
    """The programs of these workers, first to stop, all together.

    SIGTERM goes to the Celery parent alone, which lets its child hand back its job; what is
    left after the stop seconds, child included, gets SIGKILL.
    """
    return [
        Program(
            name=f"worker-{number}",
            # The stack is its user's own: whoever submits here could run the code anyhow.
            command=(*command, *plan.arguments, "--allow-code"),
            folder=folder.workers,
            group=GROUP,
            may_leave=True,
            start_seconds=5,
            stop_seconds=20,
            stop_order=1,
        )
        for number, plan in enumerate(plans, 1)
    ]


def find_worker_program() -> str:
    """`fitq-worker`, beside this Python or on PATH."""
    beside = Path(sys.executable).with_name("fitq-worker")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("fitq-worker")
    if found is None:
        raise StackError(
            "the program `fitq-worker` is not installed",
            "pip install 'fitq-worker[cpu]', or 'fitq-worker[gpu]' where there is a GPU",
        )
    return found


def count_gpus() -> int:
    """How many GPUs `nvidia-smi -L` lists."""
    try:
        listing = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listing.stdout.splitlines())


def core_list(cores: Sequence[int]) -> str:
    """The cores as `taskset` writes them: 0-3,6."""
    parts: list[list[int]] = []
    for core in sorted(cores):
        if parts and core == parts[-1][-1] + 1:
            parts[-1].append(core)
        else:
            parts.append([core])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in parts)
