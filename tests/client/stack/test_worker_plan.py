from __future__ import annotations

import pytest

from fitq.stack import worker_plan
from fitq.stack.worker_plan import WorkerPlan, core_list, plan_workers
from fitq_shared.errors import InvalidInput, StackError


@pytest.fixture
def machine(monkeypatch):
    """Says how many GPUs and which cores the machine has."""

    def have(gpus: int = 0, cores: tuple[int, ...] = (0, 1, 2, 3)) -> None:
        monkeypatch.setattr(worker_plan, "count_gpus", lambda: gpus)
        monkeypatch.setattr(worker_plan.os, "sched_getaffinity", lambda pid: set(cores))

    return have


def test_one_worker_for_each_gpu(machine):
    machine(gpus=2)
    assert plan_workers() == [WorkerPlan("gpu"), WorkerPlan("gpu")]


def test_one_worker_with_all_cores_where_there_is_no_gpu(machine):
    machine()
    assert plan_workers() == [WorkerPlan("cpu")]
    assert plan_workers()[0].arguments == ("--device", "cpu")


def test_the_cpu_on_request_even_where_there_are_gpus(machine):
    machine(gpus=2)
    assert plan_workers("cpu") == [WorkerPlan("cpu")]


def test_cpu_workers_share_the_cores(machine):
    machine(cores=(0, 1, 2, 5, 6))
    plans = plan_workers(count=2)
    assert plans == [WorkerPlan("cpu", (0, 1, 2)), WorkerPlan("cpu", (5, 6))]
    assert plans[0].arguments == ("--device", "cpu", "--cores", "0-2")


def test_no_worker_on_request(machine):
    machine()
    assert plan_workers(count=0) == []


def test_more_workers_than_cores(machine):
    machine(cores=(0, 1))
    with pytest.raises(InvalidInput, match="workers = 3: expected at most one for each CPU core"):
        plan_workers(count=3)


@pytest.mark.parametrize(("gpus", "count"), [(0, None), (1, 2)])
def test_more_gpu_workers_than_gpus(machine, gpus, count):
    machine(gpus=gpus)
    with pytest.raises(InvalidInput, match=rf"nvidia-smi -L` lists \({gpus}\)"):
        plan_workers("gpu", count)


def test_some_of_the_gpus(machine):
    machine(gpus=4)
    assert plan_workers("gpu", 2) == [WorkerPlan("gpu")] * 2


@pytest.mark.parametrize(
    ("cores", "text"), [((0,), "0"), ((0, 1), "0-1"), ((3, 0, 1, 7), "0-1,3,7")]
)
def test_core_list(cores, text):
    assert core_list(cores) == text


def test_gpus_are_counted_as_nvidia_smi_lists_them(tmp_path, monkeypatch):
    # Given an nvidia-smi that lists two GPUs, one of them cut in two
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\n"
        "echo 'GPU 0: NVIDIA A100 (UUID: GPU-1)'\n"
        "echo '  MIG 3g.20gb Device 0: (UUID: MIG-1)'\n"
        "echo '  MIG 3g.20gb Device 1: (UUID: MIG-2)'\n"
        "echo 'GPU 1: NVIDIA A100 (UUID: GPU-2)'\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    # Then two are counted
    assert worker_plan.count_gpus() == 2


def test_no_nvidia_smi_means_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert worker_plan.count_gpus() == 0


def test_a_missing_worker_program_is_explained(tmp_path, monkeypatch):
    monkeypatch.setattr(worker_plan.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError) as caught:
        worker_plan.find_worker_program()
    assert "fitq-worker[cpu]" in caught.value.hint


def test_the_worker_program_beside_python_comes_first(tmp_path, monkeypatch):
    program = tmp_path / "fitq-worker"
    program.touch(mode=0o755)
    monkeypatch.setattr(worker_plan.sys, "executable", str(tmp_path / "python"))
    assert worker_plan.find_worker_program() == str(program)
