"""Which queue a job waits in, and which queues a device serves.

Redis lists cannot be filtered, so a queue's name says all that a worker must know before it
takes a job: `fitq.v<version>.<need>.<priority>.<lane>`. A worker takes from every queue whose
need its device meets. The version of the job is a need, too. Lanes are for fairness: the jobs
that one owner has waiting with one need and one priority are in one lane, and workers take
from the lanes in turn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self, cast, get_args

from fitq_shared.schema import SCHEMA_VERSION

DeviceNeed = Literal["any", "cpu", "gpu"]
DeviceKind = Literal["cpu", "gpu"]
Priority = Literal["high", "normal", "low"]

TASK_PREFIX = "fitq."
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
LANES = range(8)
MOST_GPUS = 16

GIB = 2**30
# The sizes that GPUs are sold in, in GiB. What a GPU reports is less than its name says, by
# what its firmware and ECC keep for themselves: it counts as its name if it has this share.
GPU_SIZES = (4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 144, 192, 288)
SHARE_OF_SIZE = 0.89
LARGEST_GPU = GPU_SIZES[-1] * GIB

CODE = "-code"
_DEVICE = rf"any|cpu|(?:[2-9]|1[0-6])?gpu(?:-(?:{'|'.join(map(str, GPU_SIZES))})g)?"
_NEED = rf"(?:{_DEVICE})(?:{CODE})?"
_FORM = re.compile(rf"fitq\.v([0-9]{{1,9}})\.({_NEED})\.({'|'.join(PRIORITIES)})\.([0-7])")


@dataclass(frozen=True)
class Needs:
    """What a job needs of the worker that runs it.

    Args:
        device: the kind of device.
        min_gpu_memory: how many bytes each of its GPUs must have; None for as many as may be.
        gpus: how many GPUs; None for one, of the GPU or of whatever device.
        code: whether it runs the user's own code, which not every worker allows.
    """

    device: DeviceNeed = "any"
    min_gpu_memory: int | None = None
    gpus: int | None = None
    code: bool = False

    @property
    def gpu_size(self) -> int | None:
        """The smallest size of GPU, in GiB, that has the memory."""
        least = self.min_gpu_memory
        if least is None:
            return None
        return next((size for size in GPU_SIZES if size * GIB >= least), GPU_SIZES[-1])

    @property
    def name(self) -> str:
        """The needs as a part of a queue's name: any, cpu, gpu, gpu-24g, 2gpu-24g, any-code."""
        gpu = self.device == "gpu"
        device = _gpu_need(self.gpus or 1, self.gpu_size) if gpu else self.device
        return device + CODE if self.code else device

    def __str__(self) -> str:
        return f"{self._device} of a worker that allows code" if self.code else self._device

    @property
    def _device(self) -> str:
        if self.device != "gpu":
            return {"any": "any device", "cpu": "a CPU"}[self.device]
        several = (self.gpus or 1) > 1
        text = f"{self.gpus} GPUs of one worker" if several else "a GPU"
        if self.gpu_size is None:
            return text
        return f"{text} of {self.gpu_size} GB or more{' each' if several else ''}"


def _gpu_need(count: int, size: int | None) -> str:
    return f"{count if count > 1 else ''}gpu{'' if size is None else f'-{size}g'}"


@dataclass(frozen=True)
class QueueName:
    """The parts of a queue's name."""

    need: str
    priority: Priority = "normal"
    lane: int = 0
    schema: int = SCHEMA_VERSION

    @property
    def code(self) -> bool:
        """Whether its jobs run code of their owners'."""
        return self.need.endswith(CODE)

    @property
    def device_need(self) -> str:
        """Its need without that of code."""
        return self.need.removesuffix(CODE)

    @property
    def group(self) -> tuple[str, Priority, int]:
        """What all lanes of its need and priority have in common, for `lanes_of`."""
        return self.need, self.priority, self.schema

    def __str__(self) -> str:
        return f"fitq.v{self.schema}.{self.need}.{self.priority}.{self.lane}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name.

        Raises:
            ValueError: it is not the name of a queue of jobs.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError(f"not a queue of jobs: {text!r}")
        return cls(found[2], cast(Priority, found[3]), int(found[4]), int(found[1]))


def queue_for(
    need: str, priority: Priority = "normal", lane: int = 0, schema: int = SCHEMA_VERSION
) -> str:
    """The queue of jobs of this version with this need and priority, in this lane."""
    return str(QueueName(need, priority, lane, schema))


def lanes_of(need: str, priority: Priority, schema: int = SCHEMA_VERSION) -> tuple[str, ...]:
    """The queues of all lanes of this need and priority."""
    return tuple(queue_for(need, priority, lane, schema) for lane in LANES)


def is_job_queue(name: str) -> bool:
    """Whether jobs of this version wait in the queue of this name."""
    found = _FORM.fullmatch(name)
    return found is not None and int(found[1]) == SCHEMA_VERSION


def needs_served_by(
    kind: DeviceKind, memory: int | None = None, devices: int = 1, *, code: bool = False
) -> tuple[str, ...]:
    """The needs that a worker meets, those first that the fewest workers meet.

    Args:
        memory: of each of its GPUs, in bytes; None if it is not known.
        devices: how many GPUs it holds. One that holds several takes only jobs that want just
            so many, since they would stand idle for any other.
        code: whether it allows the user's own code.
    """
    met = _device_needs(kind, memory, devices)
    return (*(need + CODE for need in met), *met) if code else met


def _device_needs(kind: DeviceKind, memory: int | None, devices: int) -> tuple[str, ...]:
    if kind == "cpu":
        return ("cpu", "any")
    sizes = [size for size in GPU_SIZES if (memory or 0) >= SHARE_OF_SIZE * size * GIB]
    own = (*(_gpu_need(devices, size) for size in reversed(sizes)), _gpu_need(devices, None))
    return own if devices > 1 else (*own, "any")


def queues_served_by(
    kind: DeviceKind, memory: int | None = None, devices: int = 1, *, code: bool = False
) -> tuple[str, ...]:
    """The queues that a worker takes from; the arguments as for `needs_served_by`.

    In which order it looks into them is decided anew before each job (`QueueCycle` of the
    worker).
    """
    return tuple(
        queue
        for priority in PRIORITIES
        for need in needs_served_by(kind, memory, devices, code=code)
        for queue in lanes_of(need, priority)
    )


def task_name(kind: str) -> str:
    """The Celery task of a job kind, as Flower shows it."""
    return f"{TASK_PREFIX}{kind}"
