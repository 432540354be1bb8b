from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import pytest

from fitq_shared.errors import InvalidInput
from fitq_worker.devices.demands import Wishes, find_demand
from fitq_worker.devices.device import Demand
from support.fake_nvml.fake_nvml import FakeNvml

Quota = Callable[[float | None], None]


def demand(**wishes: Any) -> Demand:
    return find_demand(Wishes(**wishes), "host-1")


def numbers(found: Demand) -> list[int]:
    return [device.number for device in found.devices]


def mistake(**wishes: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        demand(**wishes)
    return caught.value.message


# -- CPU ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("eight_cores")
def test_without_wishes_all_usable_cores_are_asked_for() -> None:
    found = demand(device="cpu")
    assert (found.kind, found.count, found.share) == ("cpu", 8, 1.0)
    assert numbers(found) == [0, 1, 2, 3, 4, 5, 8, 9]
    assert found.devices[6].resource == "core:host-1:8"
    assert (found.label, found.name) == ("cpu0-5,8-9", "CPU, 8 cores (0-5,8-9)")


@pytest.mark.usefixtures("eight_cores")
def test_a_quota_says_how_many_of_the_cores(quota: Quota) -> None:
    # Given a container that may use the time of one and a half cores, on any of eight
    quota(1.5)
    # Then two of them are asked for, whichever are free
    found = demand(device="cpu")
    assert (found.count, len(found.devices)) == (2, 8)
    assert (found.label, found.name) == ("cpu", "2 of 8 cores (0-5,8-9)")


@pytest.mark.usefixtures("eight_cores")
def test_a_number_of_cores_is_taken_from_all() -> None:
    found = demand(device="cpu", core_count=3, core_share=0.5)
    assert (found.count, found.share, len(found.devices)) == (3, 0.5, 8)


@pytest.mark.usefixtures("eight_cores")
def test_named_cores_are_those_and_no_others(quota: Quota) -> None:
    quota(1.0)
    found = demand(cores="2-3")
    assert (found.kind, found.count, numbers(found)) == ("cpu", 2, [2, 3])
    # But one thread is as many as are of use there
    assert found.threads(found.holding(found.devices)) == 1


@pytest.mark.usefixtures("eight_cores")
def test_what_is_held_is_named_after_its_cores() -> None:
    found = demand(core_count=2, core_share=0.5)
    holding = found.holding(found.devices[:2])
    assert (holding.label, holding.cores) == ("cpu0-1", (0, 1))
    assert holding.name == "CPU, 2 cores (0-1), a share of 0.5"
    assert found.threads(holding) == 2
    assert holding.memory is None
    # And a process there sees no GPU
    assert holding.environment == {"CUDA_VISIBLE_DEVICES": "-1"}


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"core_count": 0}, "--core-count = 0: expected a number from 1 to 8 here"),
        ({"core_count": 9}, "--core-count = 9: expected a number from 1 to 8 here"),
        ({"core_count": 2, "cores": "0-1"}, "--core-count = 2: expected nothing beside --cores"),
        ({"core_share": 0.0, "device": "cpu"}, "--core-share = 0.0: expected a number from 0.01"),
        ({"core_share": 1.5}, "--core-share = 1.5"),
        ({"core_share": math.nan}, "--core-share = nan"),
        ({"device": "cpu", "gpus": 2}, "--gpus = 2: expected nothing: GPUs are for --device gpu"),
        ({"device": "cpu", "gpu_share": 0.5}, "--gpu-share = 0.5"),
        ({"core_count": 1, "gpus": 2}, "--gpus = 2"),
        ({"device": "gpu", "cores": "0"}, "--cores = '0': expected nothing: cores are for"),
        ({"device": "gpu", "core_share": 0.5}, "--core-share = 0.5"),
    ],
)
def test_wishes_that_cannot_be_met(wishes: dict[str, Any], said: str) -> None:
    assert said in mistake(**wishes)


@pytest.mark.usefixtures("eight_cores")
def test_a_quota_limits_the_number_of_cores(quota: Quota) -> None:
    quota(2.5)
    assert demand(core_count=3).count == 3
    assert "a number from 1 to 3" in mistake(core_count=4)


# -- GPU ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("four_gpus")
@pytest.mark.parametrize("kind", ["gpu", "auto"])
def test_where_there_are_gpus_one_of_them_is_asked_for(kind: str) -> None:
    found = demand(device=kind)
    assert (found.kind, found.count, numbers(found)) == ("gpu", 1, [0, 1, 2, 3])
    assert (found.label, found.name) == ("gpu", "1 of 4 GPUs (0-3)")
    # And its process may use all cores
    holding = found.holding(found.devices[1:2])
    assert set(holding.cores) == os.sched_getaffinity(0)
    assert (holding.label, holding.name) == ("gpu1", "NVIDIA H100, 80 GiB")
    assert holding.environment == {"CUDA_VISIBLE_DEVICES": "GPU-0001-aaaa"}
    assert holding.memory == 80 * 2**30


@pytest.mark.usefixtures("four_gpus")
def test_two_gpus_at_once() -> None:
    found = demand(gpus=2)
    holding = found.holding([found.devices[0], found.devices[3]])
    assert (holding.label, holding.name) == ("gpu0,3", "2 × NVIDIA H100, 80 GiB")
    assert holding.environment == {"CUDA_VISIBLE_DEVICES": "GPU-0000-aaaa,GPU-0003-aaaa"}


@pytest.mark.usefixtures("four_gpus")
def test_a_share_of_a_gpu_is_a_share_of_its_memory() -> None:
    found = demand(gpu_share=0.25)
    holding = found.holding(found.devices[:1])
    assert holding.memory == 20 * 2**30
    assert holding.name == "NVIDIA H100, 80 GiB, a share of 0.25"


@pytest.mark.usefixtures("four_gpus")
@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"gpus": 5}, "--gpus = 5: expected a number from 1 to 4"),
        ({"gpus": 0}, "--gpus = 0"),
        ({"gpu_share": -1.0}, "--gpu-share = -1.0"),
    ],
)
def test_gpus_that_cannot_be_had(wishes: dict[str, Any], said: str) -> None:
    assert said in mistake(**wishes)


@pytest.mark.usefixtures("four_gpus")
@pytest.mark.parametrize("wishes", [{"device": "cpu"}, {"core_count": 1}, {"core_share": 0.5}])
def test_who_asks_for_cores_gets_no_gpu(wishes: dict[str, Any]) -> None:
    assert demand(**wishes).kind == "cpu"


@pytest.mark.usefixtures("nvml")
def test_without_a_gpu_auto_takes_the_cpu() -> None:
    assert demand().kind == "cpu"


def test_hidden_gpus_are_none(four_gpus: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert demand().kind == "cpu"
    assert "--device = 'gpu'" in mistake(device="gpu")


@pytest.mark.usefixtures("nvml")
@pytest.mark.parametrize("wishes", [{"device": "gpu"}, {"gpus": 2}, {"gpu_share": 0.5}])
def test_without_a_gpu_who_asks_for_one_is_refused(wishes: dict[str, Any]) -> None:
    assert "a GPU that NVML shows; none is here" in mistake(**wishes)
