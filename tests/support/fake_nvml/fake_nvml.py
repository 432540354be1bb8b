"""An NVML that shows the GPUs that a file tells of, as they are at each question.

The file holds a list of `{"uuid", "name", "memory", "processes": {pid: bytes}}`. Where there is no
file there is no driver.
"""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any


class NVMLError(Exception):
    """What NVML raises."""


class NVMLError_NotSupported(NVMLError):  # noqa: N801 - as NVML calls it
    """... for what this GPU cannot tell."""


class FakeNvml(types.ModuleType):
    """Stands for the module `pynvml`.

    Attributes:
        open: how often it was opened and not closed again.
    """

    NVMLError = NVMLError
    NVMLError_NotSupported = NVMLError_NotSupported

    def __init__(self, file: Path) -> None:
        super().__init__("pynvml")
        self.file = file
        self.open = 0

    def nvmlInit(self) -> None:  # noqa: N802
        if not self.file.exists():
            raise NVMLError("driver not loaded")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self._gpus())

    def nvmlDeviceGetHandleByIndex(self, index: int) -> dict[str, Any]:  # noqa: N802
        return self._gpus()[index]

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> dict[str, Any]:  # noqa: N802
        found = [gpu for gpu in self._gpus() if gpu["uuid"] == uuid]
        if not found:
            raise NVMLError("GPU is lost")
        return found[0]

    def nvmlDeviceGetUUID(self, handle: dict[str, Any]) -> str:  # noqa: N802
        return str(handle["uuid"])

    def nvmlDeviceGetName(self, handle: dict[str, Any]) -> str:  # noqa: N802
        return str(handle["name"])

    def nvmlDeviceGetMemoryInfo(self, handle: dict[str, Any]) -> Any:  # noqa: N802
        return types.SimpleNamespace(total=handle["memory"])

    def nvmlDeviceGetComputeRunningProcesses(self, handle: dict[str, Any]) -> list[Any]:  # noqa: N802
        if handle["processes"] is None:
            raise NVMLError_NotSupported("Not Supported")
        return [
            types.SimpleNamespace(pid=int(pid), usedGpuMemory=memory)
            for pid, memory in handle["processes"].items()
        ]

    def _gpus(self) -> list[dict[str, Any]]:
        return list(json.loads(self.file.read_text()))


def describe(count: int, memory: int = 80 * 2**30, **processes: dict[int, int]) -> str:
    """The text of a file with so many GPUs; `gpu1={4242: 1024}` puts a process on the second."""
    return json.dumps(
        [
            {
                "uuid": f"GPU-{number:04d}-aaaa",
                "name": "NVIDIA H100",
                "memory": memory,
                "processes": processes.get(f"gpu{number}", {}),
            }
            for number in range(count)
        ]
    )
