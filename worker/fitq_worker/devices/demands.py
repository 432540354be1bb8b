"""From the options of `fitq-worker` to what it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fitq_shared.errors import InvalidInput, Mistake
from fitq_worker.devices.cores import core_limit, cpu_quota, parse_cores, usable_cores
from fitq_worker.devices.device import Demand, Device
from fitq_worker.devices.gpus import find_gpus

SMALLEST_SHARE = 0.01


@dataclass(frozen=True)
class Wishes:
    """What the options say; the defaults are those of the command.

    Attributes:
        device: "cpu", "gpu", or "auto" for a GPU where there are any, else the CPU.
        cores: a list such as "0-3" or "0,2".
        core_count: how many cores, whichever are free.
        core_share: how much of each core.
        gpus: how many GPUs.
        gpu_share: how much of each GPU.
    """

    device: str = "auto"
    cores: str | None = None
    core_count: int | None = None
    core_share: float = 1.0
    gpus: int = 1
    gpu_share: float = 1.0

    def of_cores(self) -> dict[str, object]:
        """The options that say something about cores."""
        share = None if self.core_share == 1 else self.core_share
        return _given(
            ("--cores", self.cores), ("--core-count", self.core_count), ("--core-share", share)
        )

    def of_gpus(self) -> dict[str, object]:
        """The options that say something about GPUs."""
        gpus = None if self.gpus == 1 else self.gpus
        share = None if self.gpu_share == 1 else self.gpu_share
        return _given(("--gpus", gpus), ("--gpu-share", share))


def find_demand(wishes: Wishes, host: str) -> Demand:
    """What a worker with these options asks for on this host.

    Args:
        host: as `host_id` names it.

    Raises:
        InvalidInput: the options contradict each other, or this host has no such devices.
        FitqError: NVML cannot describe the GPUs.
    """
    of_cores, of_gpus = wishes.of_cores(), wishes.of_gpus()
    if wishes.device == "gpu" and of_cores:
        raise InvalidInput(_mistakes(of_cores, "nothing: cores are for --device cpu"))
    if of_gpus and (wishes.device == "cpu" or of_cores):
        raise InvalidInput(_mistakes(of_gpus, "nothing: GPUs are for --device gpu"))
    if wishes.device == "cpu" or of_cores:
        return _cpu(wishes, host)
    gpus = find_gpus()
    if gpus or of_gpus or wishes.device == "gpu":
        return _gpu(wishes, gpus)
    return _cpu(wishes, host)


def _gpu(wishes: Wishes, gpus: Sequence[Device]) -> Demand:
    if not gpus:
        raise InvalidInput(
            _mistakes(
                wishes.of_gpus() or {"--device": "gpu"}, "a GPU that NVML shows; none is here"
            ),
            "check `nvidia-smi`, NVIDIA_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES, "
            "or start the worker with --device cpu",
        )
    mistakes = _share("--gpu-share", wishes.gpu_share)
    if not 1 <= wishes.gpus <= len(gpus):
        mistakes.append(Mistake("--gpus", wishes.gpus, f"a number from 1 to {len(gpus)}"))
    if mistakes:
        raise InvalidInput(mistakes)
    usable = usable_cores()
    limit = core_limit(cpu_quota(), len(usable))
    return Demand(tuple(gpus), wishes.gpus, wishes.gpu_share, usable, limit)


def _cpu(wishes: Wishes, host: str) -> Demand:
    usable = usable_cores()
    limit = core_limit(cpu_quota(), len(usable))
    mistakes = _share("--core-share", wishes.core_share)
    if wishes.cores is not None and wishes.core_count is not None:
        mistakes.append(
            Mistake("--core-count", wishes.core_count, "nothing beside --cores, which names them")
        )
    if wishes.core_count is not None and not 1 <= wishes.core_count <= limit:
        mistakes.append(
            Mistake("--core-count", wishes.core_count, f"a number from 1 to {limit} here")
        )
    if mistakes:
        raise InvalidInput(mistakes)
    cores = usable if wishes.cores is None else parse_cores(wishes.cores, usable)
    count = len(cores) if wishes.cores is not None else wishes.core_count or limit
    devices = tuple(Device("cpu", core, f"core:{host}:{core}") for core in cores)
    return Demand(devices, count, wishes.core_share, (), limit)


def _share(option: str, share: float) -> list[Mistake]:
    if SMALLEST_SHARE <= share <= 1:
        return []
    return [Mistake(option, share, f"a number from {SMALLEST_SHARE} to 1, such as 0.5")]


def _given(*options: tuple[str, object]) -> dict[str, object]:
    return {option: value for option, value in options if value is not None}


def _mistakes(given: Mapping[str, object], expected: str) -> list[Mistake]:
    return [Mistake(option, value, expected) for option, value in given.items()]
