"""A worker's parent and its child, and how workers share a queue."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fitq.queue import Queue
from fitq_shared.lanes import Place
from fitq_shared.queues import queue_for
from fitq_shared.record import JobRecord
from fitq_shared.redis_link import open_redis
from fitq_shared.settings import Settings
from fitq_shared.specs.base import JobSpec
from fitq_shared.specs.describe import DescribeJob
from fitq_worker.parent import out_of_memory_kills
from support.jobs import training, wait_for_epoch, wait_for_state
from support.waiting import wait_until
from support.worker import Worker


def loaded(pid: int) -> str:
    """The libraries that a process has mapped."""
    return Path(f"/proc/{pid}/maps").read_text()


def test_only_the_child_has_tensorflow(shared_worker: Worker) -> None:
    # Given a worker that is ready
    parent, child = shared_worker.process.pid, shared_worker.child().pid
    # Then the child has loaded TensorFlow, and the parent has not
    for name in ("libtensorflow", "_pywrap_tensorflow"):
        assert name in loaded(child)
        assert name not in loaded(parent)
    assert "tensorflow" not in loaded(parent)


def test_there_is_one_child(shared_worker: Worker) -> None:
    children = psutil.Process(shared_worker.process.pid).children(recursive=True)
    assert [child.pid for child in children] == [shared_worker.child().pid]


def test_the_name_shows_the_device(shared_worker: Worker, client: Queue) -> None:
    # Given a worker on all cores
    cores = sorted(os.sched_getaffinity(0))
    wait_until(lambda: client.workers()[0].state == "ready", 10, "a worker that is ready")
    (info,) = client.workers()
    # Then its name begins with them, and it says what it works on
    assert info == shared_worker.info
    assert info.name.startswith(f"cpu{cores[0]}")
    assert info.name.endswith(f"@{socket.gethostname()}")
    assert info.device_name.startswith(f"CPU, {len(cores)} core")
    assert info.device == "cpu"


def test_the_process_s_title_names_the_device_s_worker(shared_worker: Worker) -> None:
    # Celery shows the name to those who look at Flower or `inspect`
    info = shared_worker.info
    assert info is not None
    assert info.name in " ".join(psutil.Process(shared_worker.process.pid).cmdline())


def test_the_child_is_held_to_the_worker_s_cores(shared_worker: Worker) -> None:
    child = shared_worker.child()
    assert set(child.cpu_affinity()) == os.sched_getaffinity(0)
    assert child.environ()["CUDA_VISIBLE_DEVICES"] == "-1"


def test_kills_for_want_of_memory_are_counted(tmp_path: Path) -> None:
    # Given the counters of a kernel that has killed, of one that does not count, and of none
    (tmp_path / "kills").write_text("pgfault 12\noom_kill 7\nswap_ra 3\n")
    (tmp_path / "counts no kills").write_text("pgfault 12\n")
    # Then they are read as such
    counted = [tmp_path / name for name in ("kills", "counts no kills", "nothing")]
    assert [out_of_memory_kills(counters) for counters in counted] == [7, 0, 0]


@pytest.mark.skipif(not Path("/proc/vmstat").exists(), reason="only Linux counts its kills")
def test_this_kernel_s_counters_have_the_form_that_is_read() -> None:
    # Since Linux 4.13
    assert re.search(r"^oom_kill \d+$", Path("/proc/vmstat").read_text(), re.MULTILINE)
    assert out_of_memory_kills() >= 0


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two workers need two cores")
def test_nothing_is_prefetched(
    settings: Settings,
    session_settings: Settings,
    client: Queue,
    start_worker: Callable[..., Worker],
) -> None:
    # Given a worker that is busy with a long job
    assert client.wait(client.submit(describing(client)), 120).state == "succeeded"
    kept = Path(session_settings.store_url or "") / "datasets"
    (Path(settings.store_url or "") / "datasets").symlink_to(kept)
    queue, redis = Queue(settings), open_redis(settings)
    busy = start_worker(arguments=("--core-count", "1")).wait_until_ready()
    long = queue.submit(training(queue, epochs=10_000, batch_size=8192))
    wait_for_epoch(queue, long)
    # When a second one comes
    second = queue.submit(describing(queue))
    seen = epochs(queue, long)
    wait_until(lambda: epochs(queue, long) > seen + 1, 60, "two more epochs of the first job")
    # Then it waits in the queue, for whoever has time
    assert redis.llen(queue_for("any")) == 1
    assert queue.place(second) == Place(0, 0, 0)
    # And an idle worker takes it, while the first job goes on
    idle = start_worker(arguments=("--core-count", "1")).wait_until_ready()
    ended = wait_for_state(queue, second, "succeeded", "failed")
    assert ended.state == "succeeded"
    assert idle.info is not None
    assert busy.info is not None
    assert ended.worker == idle.info.name != busy.info.name
    assert redis.llen(queue_for("any")) == 0
    running = queue.job(long.id)
    assert (running.state, running.worker) == ("running", busy.info.name)
    # And each child is held to a core of its own, with as many threads
    (one,), (other,) = busy.child().cpu_affinity(), idle.child().cpu_affinity()
    assert one != other
    assert busy.child().environ()["OMP_NUM_THREADS"] == "1"
    assert (busy.info.name, idle.info.name) == (
        f"cpu{one}@{socket.gethostname()}",
        f"cpu{other}@{socket.gethostname()}",
    )
    queue.cancel(long)
    wait_for_state(queue, long, "cancelled")


def describing(queue: Queue) -> JobSpec:
    """A job of a moment, after which the volume has the data set."""
    return DescribeJob(name="described", owner=queue.settings.owner, dataset="mnist")


def epochs(queue: Queue, record: JobRecord) -> int:
    """How many epochs the job has told so far."""
    return len(queue.artifacts.folder(queue.job(record.id)).read("history.csv").splitlines())
