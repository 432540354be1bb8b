"""The devices of this host that a worker may hold: GPUs by NVML, or a set of CPU cores."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field

import pynvml

from fitq_shared.errors import FitqError, InvalidInput, Mistake
from fitq_shared.queues import DeviceKind


@dataclass(frozen=True)
class Device:
    """One device. `environment` is what a process needs to see this device and no other."""

    kind: DeviceKind
    label: str
    name: str
    resource: str
    cores: tuple[int, ...]
    environment: dict[str, str] = field(default_factory=dict)


def find_devices(kind: str, cores: str | None = None) -> list[Device]:
    """The devices that a worker could claim, in the order to try them.

    Args:
        kind: "cpu", "gpu", or "auto" for GPUs where there are any, else the CPU.
        cores: for the CPU, a list such as "0-3" or "0,2"; None for all this process may use.

    Raises:
        InvalidInput: no such device here, or cores that this process may not use.
    """
    if kind == "gpu" and cores is not None:
        raise InvalidInput([Mistake("--cores", cores, "nothing: cores are for --device cpu")])
    gpus = _gpus() if kind in ("gpu", "auto") and cores is None else []
    if kind == "gpu" and not gpus:
        raise InvalidInput(
            [Mistake("--device", "gpu", "a GPU that NVML shows; none is here")],
            "check `nvidia-smi`, or start the worker with --device cpu",
        )
    return gpus or [_cpu(_parse_cores(cores))]


def _cpu(cores: tuple[int, ...]) -> Device:
    label = "cpu" + _ranges(cores)
    plural = "" if len(cores) == 1 else "s"
    return Device(
        kind="cpu",
        label=label,
        name=f"CPU, {len(cores)} core{plural} ({_ranges(cores)})",
        resource=f"cpu:{socket.gethostname()}:{_ranges(cores)}",
        cores=cores,
        environment={"CUDA_VISIBLE_DEVICES": "-1"},
    )


def _gpus() -> list[Device]:
    """The GPUs that NVML shows; none where there is no NVIDIA driver."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_gpu(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError as error:
        raise FitqError(f"NVML cannot describe the GPUs: {error}", "check `nvidia-smi`") from error
    finally:
        pynvml.nvmlShutdown()


def _gpu(index: int) -> Device:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    uuid = str(pynvml.nvmlDeviceGetUUID(handle))
    gib = pynvml.nvmlDeviceGetMemoryInfo(handle).total / 2**30
    return Device(
        kind="gpu",
        label=f"gpu{index}",
        name=f"{pynvml.nvmlDeviceGetName(handle)}, {gib:.0f} GiB",
        resource=f"gpu:{uuid}",
        cores=tuple(sorted(os.sched_getaffinity(0))),
        environment={"CUDA_VISIBLE_DEVICES": uuid},
    )


def _parse_cores(text: str | None) -> tuple[int, ...]:
    usable = os.sched_getaffinity(0)
    if text is None:
        return tuple(sorted(usable))
    expected = f"cores such as 0-3 or 0,2 among {_ranges(tuple(sorted(usable)))}"
    cores: set[int] = set()
    try:
        for part in text.split(","):
            first, dash, last = part.partition("-")
            span = range(int(first), int(last if dash else first) + 1)
            if not span or span[-1] > max(usable):
                raise ValueError(part)
            cores |= set(span)
    except ValueError:
        cores = set()
    if not cores or not cores <= usable:
        raise InvalidInput([Mistake("--cores", text, expected)])
    return tuple(sorted(cores))


def _ranges(cores: tuple[int, ...]) -> str:
    """For example (0, 1, 2, 5) as "0-2,5"."""
    parts: list[list[int]] = []
    for core in cores:
        if parts and core == parts[-1][-1] + 1:
            parts[-1].append(core)
        else:
            parts.append([core])
    return ",".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)
