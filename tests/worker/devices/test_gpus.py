from __future__ import annotations

import json

import pytest

from fitq_shared.errors import FitqError, InvalidInput
from fitq_worker.devices.gpus import compute_processes, find_gpus
from support.fake_nvml.fake_nvml import FakeNvml, describe

UUIDS = [f"GPU-000{number}-aaaa" for number in range(4)]


def test_each_gpu_is_known_by_number_uuid_name_and_memory(four_gpus: FakeNvml) -> None:
    # Given four GPUs, When they are looked for
    found = find_gpus({})
    # Then each is described, and a lease on it is on its UUID
    assert [(gpu.number, gpu.uuid) for gpu in found] == list(enumerate(UUIDS))
    assert found[2].resource == "gpu:GPU-0002-aaaa"
    assert (found[2].name, found[2].memory) == ("NVIDIA H100", 80 * 2**30)
    # And NVML is closed again
    assert four_gpus.open == 0


def test_without_a_driver_there_are_none(nvml: FakeNvml) -> None:
    assert find_gpus({}) == ()
    assert nvml.open == 0


@pytest.mark.usefixtures("four_gpus")
@pytest.mark.parametrize(
    ("runtime", "cuda", "numbers"),
    [
        ("all", None, [0, 1, 2, 3]),
        ("", None, [0, 1, 2, 3]),
        # CDI sets it in each container that it has given GPUs.
        ("void", None, [0, 1, 2, 3]),
        ("none", None, []),
        ("1,3", None, [1, 3]),
        (f"{UUIDS[3]},{UUIDS[0]}", None, [0, 3]),
        # The runtime has hidden the others, so NVML counts those that are left anew.
        ("4,5,6,7", None, [0, 1, 2, 3]),
        (None, "2,0", [2, 0]),
        (None, "", []),
        (None, "-1", []),
        (None, "1,-1,2", [1]),
        (None, "NoDevFiles", []),
        (None, "GPU-0002", [2]),
        (None, f" {UUIDS[1]} , 3", [1, 3]),
        (None, "1,1", [1]),
        # Numbers count what the runtime leaves.
        ("1,3", "1", [3]),
        ("1,3", "GPU-0001", [1]),
        ("none", "", []),
    ],
)
def test_gpus_that_a_variable_hides_are_left_out(
    runtime: str | None, cuda: str | None, numbers: list[int]
) -> None:
    said = {"NVIDIA_VISIBLE_DEVICES": runtime, "CUDA_VISIBLE_DEVICES": cuda}
    environment = {name: value for name, value in said.items() if value is not None}
    assert [gpu.number for gpu in find_gpus(environment)] == numbers


@pytest.mark.usefixtures("four_gpus")
@pytest.mark.parametrize(
    ("variable", "value", "word"),
    [
        ("CUDA_VISIBLE_DEVICES", "0,4", "4"),
        ("CUDA_VISIBLE_DEVICES", "GPU-9999", "GPU-9999"),
        ("CUDA_VISIBLE_DEVICES", "GPU-", "GPU-"),
        ("CUDA_VISIBLE_DEVICES", "first", "first"),
        ("CUDA_VISIBLE_DEVICES", "MIG-1234", "MIG-1234"),
        ("NVIDIA_VISIBLE_DEVICES", "0,7", "7"),
        ("NVIDIA_VISIBLE_DEVICES", "GPU-9999", "GPU-9999"),
    ],
)
def test_a_gpu_that_is_not_there_is_named_with_those_that_are(
    variable: str, value: str, word: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_gpus({variable: value})
    assert f"'{word}'" in caught.value.message
    assert f"in {variable} = '{value}'" in caught.value.message
    assert "1 = GPU-0001-aaaa" in caught.value.message


def test_nvml_is_closed_when_a_gpu_cannot_be_asked(four_gpus: FakeNvml) -> None:
    # Given a GPU that falls off the bus
    gpu = find_gpus({})[3]
    four_gpus.file.write_text(describe(3))
    # When it is asked
    with pytest.raises(FitqError) as caught:
        compute_processes(gpu)
    # Then that is said, and NVML is closed
    assert "GPU is lost" in caught.value.message
    assert four_gpus.open == 0


def test_the_processes_on_a_gpu_with_their_memory(four_gpus: FakeNvml) -> None:
    four_gpus.file.write_text(describe(4, gpu1={4242: 2**30}))
    found = find_gpus({})
    assert compute_processes(found[0]) == {}
    assert compute_processes(found[1]) == {4242: 2**30}


def test_a_driver_that_cannot_tell_shows_no_process(four_gpus: FakeNvml) -> None:
    described = json.loads(describe(1))
    described[0]["processes"] = None
    four_gpus.file.write_text(json.dumps(described))
    assert compute_processes(find_gpus({})[0]) == {}
    assert four_gpus.open == 0
