from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitq_shared.queues import (
    GIB,
    GPU_SIZES,
    LANES,
    LARGEST_GPU,
    PRIORITIES,
    SHARE_OF_SIZE,
    Needs,
    QueueName,
    is_job_queue,
    lanes_of,
    needs_served_by,
    queue_for,
    queues_served_by,
    task_name,
)
from fitq_shared.schema import SCHEMA_VERSION
from support.fuzzing import few

# What NVML says of real cards, in MiB, and the size under which they are sold, in GB.
REAL_CARDS = {
    "GTX 1080 Ti": (11_264, 12),
    "RTX 2080 Ti": (11_019, 12),
    "RTX 3060": (12_288, 12),
    "T4 with ECC": (15_109, 16),
    "T4": (15_360, 16),
    "V100": (16_160, 16),
    "RTX 4000 Ada": (20_475, 20),
    "A10G": (22_731, 24),
    "L4": (23_034, 24),
    "RTX 4090": (24_564, 24),
    "RTX 5090": (32_607, 32),
    "A100 40 GB": (40_536, 40),
    "L40S": (46_068, 48),
    "RTX A6000": (49_140, 48),
    "H100": (81_559, 80),
    "A100 80 GB": (81_920, 80),
    "H100 NVL": (95_830, 96),
    "H200": (143_771, 144),
    "B200": (183_359, 192),
}

needs = st.builds(
    Needs,
    device=st.just("gpu"),
    min_gpu_memory=st.none() | st.integers(1, LARGEST_GPU),
    gpus=st.none() | st.integers(1, 16),
    code=st.booleans(),
) | st.builds(Needs, device=st.sampled_from(["any", "cpu"]), code=st.booleans())
names = st.builds(
    QueueName,
    need=needs.map(lambda need: need.name),
    priority=st.sampled_from(PRIORITIES),
    lane=st.sampled_from(LANES),
    schema=st.integers(1, 99),
)


@few
@given(name=names)
def test_a_name_can_be_read_back(name):
    assert QueueName.parse(str(name)) == name
    assert is_job_queue(str(name)) is (name.schema == SCHEMA_VERSION)


@pytest.mark.parametrize(
    "text",
    [
        *("", "celery", "fitq.v1.any", "fitq.v1.any.normal", "fitq.v1.any.normal.8"),
        *("fitq.v1.any.urgent.0", "fitq.v1.tpu.high.0", "fitq.v1.1gpu.high.0"),
        *("fitq.v1.17gpu.high.0", "fitq.v1.gpu-23g.high.0", "fitq.v1.cpu-8g.high.0"),
        *("fitq.v1.any.normal.0.front", "fitq.v1.any.normal.0\n", "fitq:jobs"),
    ],
)
def test_what_is_no_queue_of_jobs_is_refused(text):
    assert not is_job_queue(text)
    with pytest.raises(ValueError, match="not a queue of jobs"):
        QueueName.parse(text)


def test_each_version_of_jobs_has_queues_of_its_own():
    """So a worker never takes a job that it cannot read."""
    assert queue_for("any", schema=7) == "fitq.v7.any.normal.0"
    assert not is_job_queue(queue_for("any", schema=SCHEMA_VERSION + 1))


@pytest.mark.parametrize(
    ("need", "name", "words"),
    [
        (Needs(), "any", "any device"),
        (Needs("cpu"), "cpu", "a CPU"),
        (Needs("gpu"), "gpu", "a GPU"),
        (Needs("gpu", gpus=1), "gpu", "a GPU"),
        (Needs("gpu", 20 * GIB), "gpu-20g", "a GPU of 20 GB or more"),
        (Needs("gpu", 20 * GIB + 1), "gpu-24g", "a GPU of 24 GB or more"),
        (Needs("gpu", 1), "gpu-4g", "a GPU of 4 GB or more"),
        (Needs("gpu", LARGEST_GPU), "gpu-288g", "a GPU of 288 GB or more"),
        (Needs("gpu", gpus=2), "2gpu", "2 GPUs of one worker"),
        (
            Needs("gpu", 17 * GIB, 4),
            "4gpu-20g",
            "4 GPUs of one worker of 20 GB or more each",
        ),
    ],
)
def test_a_need_is_named_for_redis_and_for_people(need, name, words):
    assert need.name == name
    assert str(need) == words


@few
@given(least=st.integers(1, LARGEST_GPU), memory=st.integers(1, LARGEST_GPU))
def test_a_gpu_that_takes_a_job_falls_short_of_its_need_by_little(least, memory):
    if Needs("gpu", least).name in needs_served_by("gpu", memory):
        assert memory >= SHARE_OF_SIZE * least


@pytest.mark.parametrize("card", REAL_CARDS)
def test_no_job_waits_for_a_card_that_would_do(card):
    # Given a card as NVML describes it
    memory, size = REAL_CARDS[card][0] * 2**20, REAL_CARDS[card][1]
    served = needs_served_by("gpu", memory)
    # Then it takes whatever needs no more than it has
    assert all(
        Needs("gpu", least).name in served for least in range(GIB // 4, memory + 1, GIB // 4)
    )
    # And what needs the size under which it is sold, but nothing larger
    assert Needs("gpu", size * GIB).name in served
    assert Needs("gpu", size * 10**9).name in served
    assert Needs("gpu", size * GIB + 1).name not in served


@few
@given(smaller=st.integers(1, LARGEST_GPU), larger=st.integers(1, LARGEST_GPU))
def test_a_larger_gpu_serves_all_that_a_smaller_one_serves(smaller, larger):
    smaller, larger = sorted((smaller, larger))
    assert set(needs_served_by("gpu", smaller)) <= set(needs_served_by("gpu", larger))


@pytest.mark.parametrize(
    ("worker", "served"),
    [
        (("cpu",), ("cpu", "any")),
        (("cpu", 64 * GIB), ("cpu", "any")),
        (("gpu",), ("gpu", "any")),
        (("gpu", 3 * GIB), ("gpu", "any")),
        (("gpu", 12 * GIB), ("gpu-12g", "gpu-10g", "gpu-8g", "gpu-6g", "gpu-4g", "gpu", "any")),
        (("gpu", None, 2), ("2gpu",)),
        (("gpu", 6 * GIB, 16), ("16gpu-6g", "16gpu-4g", "16gpu")),
    ],
)
def test_which_needs_a_worker_meets(worker, served):
    assert needs_served_by(*worker) == served


def test_who_holds_two_gpus_serves_only_jobs_that_want_two():
    two = needs_served_by("gpu", 80 * GIB, 2)
    assert {Needs("gpu", gpus=2).name, Needs("gpu", 80 * GIB, 2).name} <= set(two)
    assert not set(two) & set(needs_served_by("gpu", 80 * GIB, 1))
    assert not set(two) & set(needs_served_by("gpu", 80 * GIB, 3))


def test_a_worker_takes_from_all_lanes_of_all_priorities_of_the_needs_that_it_meets():
    queues = queues_served_by("gpu", 6 * GIB)
    assert len(queues) == len(set(queues)) == 4 * len(PRIORITIES) * len(LANES)
    assert all(map(is_job_queue, queues))
    assert set(lanes_of("gpu-6g", "low")) <= set(queues)


def test_the_largest_gpu_that_is_sold_has_not_too_many_queues():
    """A worker names them all to Redis each time that it waits for work."""
    largest = queues_served_by("gpu", LARGEST_GPU)
    assert len(largest) == (len(GPU_SIZES) + 2) * 24 == 480


def test_a_task_is_named_by_its_kind():
    assert task_name("train") == "fitq.train"


@few
@given(need=needs)
def test_code_is_a_need_of_its_own(need):
    # Given a job with code and one without, with the same needs of devices
    bare, code = replace(need, code=False), replace(need, code=True)
    # Then their queues differ, and the names say which is which
    name = QueueName.parse(queue_for(code.name))
    assert name.need == f"{bare.name}-code"
    assert (name.code, name.device_need) == (True, bare.name)
    assert not QueueName.parse(queue_for(bare.name)).code
    assert "allows code" in str(code)
    assert "allows code" not in str(bare)


@pytest.mark.parametrize(("kind", "memory"), [("cpu", None), ("gpu", 24 * GIB)])
def test_only_who_allows_code_takes_jobs_with_code(kind, memory):
    without, allowing = (needs_served_by(kind, memory, code=code) for code in (False, True))
    assert not [need for need in without if need.endswith("-code")]
    # Who allows it takes all others as well, after those that fewer can take
    assert allowing == (*(f"{need}-code" for need in without), *without)
