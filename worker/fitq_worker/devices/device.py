"""A device, what a worker asks for, and what it then holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fitq_shared.queues import DeviceKind
from fitq_worker.devices.cores import ranges


@dataclass(frozen=True)
class Device:
    """What can be held, wholly or by a share: one GPU, or one core of the CPU.

    Attributes:
        number: as `nvidia-smi` or the kernel counts.
        resource: what a lease on it is on.
        name: the model of a GPU.
        uuid: of a GPU.
        memory: of a GPU, in bytes.
    """

    kind: DeviceKind
    number: int
    resource: str
    name: str = ""
    uuid: str = ""
    memory: int | None = None


@dataclass(frozen=True)
class Holding:
    """The devices that a worker holds, `share` of each.

    Attributes:
        cores: those on which its processes run.
    """

    devices: tuple[Device, ...]
    share: float
    cores: tuple[int, ...]

    @property
    def kind(self) -> DeviceKind:
        """What its devices are."""
        return self.devices[0].kind

    @property
    def label(self) -> str:
        """For example "cpu0-3" or "gpu1"."""
        return self.kind + _numbers(self.devices)

    @property
    def name(self) -> str:
        """For example "CPU, 2 cores (0-1)" or "NVIDIA T4, 15 GiB"."""
        part = "" if self.share == 1 else f", a share of {self.share:g}"
        if self.kind == "cpu":
            return f"CPU, {_count(len(self.devices), 'core')} ({_numbers(self.devices)}){part}"
        times = "" if len(self.devices) == 1 else f"{len(self.devices)} × "
        models = dict.fromkeys(f"{gpu.name}, {gib(gpu.memory)}" for gpu in self.devices)
        return f"{times}{' / '.join(models)}{part}"

    @property
    def memory(self) -> int | None:
        """How many bytes of each of its GPUs are its own; None for a CPU."""
        sizes = [gpu.memory for gpu in self.devices if gpu.memory is not None]
        return int(min(sizes) * self.share) if sizes else None

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to see these devices and no others."""
        uuids = ",".join(gpu.uuid for gpu in self.devices if gpu.uuid)
        return {"CUDA_VISIBLE_DEVICES": uuids or "-1"}


@dataclass(frozen=True)
class Demand:
    """What a worker asks for: so many of these devices, a share of each.

    Attributes:
        cores: of a GPU's worker: those on which its processes run.
        core_limit: how many of its cores a process can keep busy.
    """

    devices: tuple[Device, ...]
    count: int
    share: float
    cores: tuple[int, ...]
    core_limit: int

    @property
    def kind(self) -> DeviceKind:
        """What the devices are."""
        return self.devices[0].kind

    @property
    def label(self) -> str:
        """For example "gpu", or "cpu0-3" if nothing else would do."""
        return self.holding(self.devices).label if self._whole else self.kind

    @property
    def name(self) -> str:
        """For example "1 of 4 GPUs (0-3)"."""
        if self._whole:
            return self.holding(self.devices).name
        noun = "GPU" if self.kind == "gpu" else "core"
        return f"{self.count} of {_count(len(self.devices), noun)} ({_numbers(self.devices)})"

    def holding(self, devices: Sequence[Device]) -> Holding:
        """What it is to hold these devices."""
        numbers = tuple(device.number for device in devices)
        cores = numbers if self.kind == "cpu" else self.cores
        return Holding(tuple(devices), self.share, cores)

    def threads(self, holding: Holding) -> int:
        """How many threads are of use there."""
        return min(len(holding.cores), self.core_limit)

    @property
    def _whole(self) -> bool:
        return self.count == len(self.devices)


def gib(size: int | None) -> str:
    """Bytes as people say them."""
    if size is None:
        return "unknown memory"
    return f"{size / 2**30:.0f} GiB" if size >= 10 * 2**30 else f"{size / 2**30:.1f} GiB"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _numbers(devices: Sequence[Device]) -> str:
    return ranges([device.number for device in devices])
