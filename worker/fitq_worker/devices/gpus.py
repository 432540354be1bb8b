"""The NVIDIA GPUs of this host. All that is asked of NVML is asked here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

import pynvml

from fitq_shared.errors import FitqError
from fitq_worker.devices.device import Device
from fitq_worker.devices.visible import visible_to_cuda, visible_to_runtime


def find_gpus(environ: Mapping[str, str] | None = None) -> tuple[Device, ...]:
    """The GPUs that this process may use; none where there is no NVIDIA driver.

    What NVIDIA_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES take away is left out.

    Raises:
        InvalidInput: one of them names a GPU that is not there.
        FitqError: NVML cannot describe the GPUs.
    """
    environ = os.environ if environ is None else environ
    with _nvml() as there:
        count = pynvml.nvmlDeviceGetCount() if there else 0
        gpus = [_gpu(index) for index in range(count)]
    gpus = visible_to_runtime(gpus, environ.get("NVIDIA_VISIBLE_DEVICES"))
    return tuple(visible_to_cuda(gpus, environ.get("CUDA_VISIBLE_DEVICES")))


def compute_processes(gpu: Device) -> dict[int, int | None]:
    """The processes that compute on a GPU: the memory of each in bytes, None if it is not known.

    They are numbered as the host does, also in a container. A driver that cannot tell, as that of
    WSL, shows none.

    Raises:
        FitqError: the GPU cannot be asked any more.
    """
    with _nvml() as there:
        if not there:
            raise FitqError("the NVIDIA driver is gone", "check `nvidia-smi`")
        try:
            handle = pynvml.nvmlDeviceGetHandleByUUID(gpu.uuid)
            found = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
        except pynvml.NVMLError_NotSupported:
            return {}
        return {process.pid: process.usedGpuMemory for process in found}


@contextlib.contextmanager
def _nvml() -> Iterator[bool]:
    """NVML for a while; False where there is none."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield False
        return
    try:
        yield True
    except pynvml.NVMLError as error:
        raise FitqError(f"NVML cannot describe the GPUs: {error}", "check `nvidia-smi`") from error
    finally:
        pynvml.nvmlShutdown()


def _gpu(index: int) -> Device:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    uuid = str(pynvml.nvmlDeviceGetUUID(handle))
    return Device(
        kind="gpu",
        number=index,
        resource=f"gpu:{uuid}",
        name=str(pynvml.nvmlDeviceGetName(handle)),
        uuid=uuid,
        memory=int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
    )
