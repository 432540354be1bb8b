from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field

import pytest

from fitq_shared.errors import FitqError, InvalidInput
from fitq_worker import devices
from fitq_worker.devices import find_devices


class NVMLError(Exception):
    """What NVML raises where there is no driver."""


@dataclass
class Memory:
    total: int


@dataclass
class FakeNvml:
    """Two GPUs, or what is given; stands where the real library would find none."""

    gpus: tuple[tuple[str, str, int], ...] = (
        ("GPU-aaaa", "NVIDIA H100 80GB HBM3", 80 * 2**30),
        ("GPU-bbbb", "NVIDIA T4", 15 * 2**30),
    )
    driver: bool = True
    open: int = field(default=0, init=False)
    NVMLError = NVMLError

    def nvmlInit(self) -> None:  # noqa: N802
        if not self.driver:
            raise NVMLError("driver not loaded")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> tuple[str, str, int]:  # noqa: N802
        return self.gpus[index]

    def nvmlDeviceGetUUID(self, handle: tuple[str, str, int]) -> str:  # noqa: N802
        return handle[0]

    def nvmlDeviceGetName(self, handle: tuple[str, str, int]) -> str:  # noqa: N802
        return handle[1]

    def nvmlDeviceGetMemoryInfo(self, handle: tuple[str, str, int]) -> Memory:  # noqa: N802
        return Memory(handle[2])


def nvml(monkeypatch: pytest.MonkeyPatch, fake: FakeNvml) -> FakeNvml:
    monkeypatch.setattr(devices, "pynvml", fake)
    return fake


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    return nvml(monkeypatch, FakeNvml())


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process may use cores 0 to 5, 8 and 9."""
    usable = {0, 1, 2, 3, 4, 5, 8, 9}
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: usable)


# -- CPU ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    ("text", "cores", "ranges"),
    [
        ("0", (0,), "0"),
        ("0-3", (0, 1, 2, 3), "0-3"),
        ("0,2", (0, 2), "0,2"),
        ("3-3", (3,), "3"),
        ("5,0-2,1", (0, 1, 2, 5), "0-2,5"),
        ("8,9,0", (0, 8, 9), "0,8-9"),
        (" 1 , 2 ", (1, 2), "1-2"),
        (None, (0, 1, 2, 3, 4, 5, 8, 9), "0-5,8-9"),
    ],
)
def test_cores_are_numbers_and_ranges(
    text: str | None, cores: tuple[int, ...], ranges: str
) -> None:
    (device,) = find_devices("cpu", text)
    assert (device.kind, device.cores) == ("cpu", cores)
    assert device.label == f"cpu{ranges}"
    assert device.resource == f"cpu:{socket.gethostname()}:{ranges}"


@pytest.mark.usefixtures("eight_cores")
def test_a_cpu_s_name_tells_how_many_cores() -> None:
    assert find_devices("cpu", "0-1")[0].name == "CPU, 2 cores (0-1)"
    assert find_devices("cpu", "2")[0].name == "CPU, 1 core (2)"


@pytest.mark.usefixtures("eight_cores")
def test_the_same_cores_are_the_same_resource_however_they_are_written() -> None:
    assert find_devices("cpu", "0,1,2")[0].resource == find_devices("cpu", "2,0-1")[0].resource


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "x", "0,", "0-", "-1", "0--1", "1.5", "0;1", "0-1-2"),
        *("6", "0-9", "0,99", "3-1", "0,3-1", "0-99999999999999"),
    ],
)
def test_cores_that_make_no_sense_or_are_not_ours(text: str) -> None:
    # Given cores that cannot be read, or that this process may not use
    with pytest.raises(InvalidInput) as caught:
        find_devices("cpu", text)
    # Then the message shows what was given, how to write it, and which there are
    assert f"--cores = {text!r}" in caught.value.message
    assert "0-3 or 0,2" in caught.value.message
    assert "among 0-5,8-9" in caught.value.message


def test_a_process_on_the_cpu_sees_no_gpu() -> None:
    assert find_devices("cpu")[0].environment == {"CUDA_VISIBLE_DEVICES": "-1"}


@pytest.mark.usefixtures("two_gpus")
def test_cpu_means_the_cpu_even_where_there_are_gpus() -> None:
    assert [device.kind for device in find_devices("cpu")] == ["cpu"]


# -- GPU ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gpu", "auto"])
def test_each_gpu_is_a_device_known_by_its_uuid(kind: str, two_gpus: FakeNvml) -> None:
    # Given two GPUs
    first, second = find_devices(kind)
    # Then each has a lease of its own, and is the only one its process will see
    assert (first.kind, first.label, first.resource) == ("gpu", "gpu0", "gpu:GPU-aaaa")
    assert first.name == "NVIDIA H100 80GB HBM3, 80 GiB"
    assert first.environment == {"CUDA_VISIBLE_DEVICES": "GPU-aaaa"}
    assert (second.label, second.resource) == ("gpu1", "gpu:GPU-bbbb")
    assert second.name == "NVIDIA T4, 15 GiB"
    assert second.environment == {"CUDA_VISIBLE_DEVICES": "GPU-bbbb"}
    assert two_gpus.open == 0


def test_a_gpu_s_process_may_use_all_cores(two_gpus: FakeNvml) -> None:
    assert set(find_devices("gpu")[0].cores) == os.sched_getaffinity(0)


@pytest.mark.usefixtures("two_gpus")
def test_naming_cores_asks_for_the_cpu() -> None:
    core = min(os.sched_getaffinity(0))
    (device,) = find_devices("auto", str(core))
    assert (device.kind, device.cores) == ("cpu", (core,))


@pytest.mark.parametrize("fake", [FakeNvml(driver=False), FakeNvml(gpus=())])
def test_without_a_gpu_auto_takes_the_cpu(fake: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    nvml(monkeypatch, fake)
    assert [device.kind for device in find_devices("auto")] == ["cpu"]
    assert fake.open == 0


@pytest.mark.parametrize("fake", [FakeNvml(driver=False), FakeNvml(gpus=())])
def test_without_a_gpu_gpu_is_refused(fake: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    nvml(monkeypatch, fake)
    with pytest.raises(InvalidInput) as caught:
        find_devices("gpu")
    assert "--device = 'gpu'" in caught.value.message
    assert "none is here" in caught.value.message
    assert "--device cpu" in caught.value.hint


def test_nvml_is_closed_when_a_gpu_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a GPU that has fallen off the bus
    class Lost(FakeNvml):
        def nvmlDeviceGetUUID(self, handle: object) -> str:  # noqa: N802
            raise NVMLError("GPU is lost")

    fake = nvml(monkeypatch, Lost())
    with pytest.raises(FitqError) as caught:
        find_devices("gpu")
    assert "GPU is lost" in caught.value.message
    assert fake.open == 0
