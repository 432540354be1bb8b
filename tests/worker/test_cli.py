"""The command `fitq-worker`, as a person or a container starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fitq.queue import Queue
from fitq_shared.redis_link import open_redis
from fitq_shared.settings import Settings
from fitq_shared.specs.describe import DescribeJob
from fitq_shared.workers import WorkerInfo, list_workers
from fitq_worker import __version__
from fitq_worker.devices.gpus import find_gpus
from support.redis_server import free_port
from support.waiting import wait_until
from support.worker import Worker

PROGRAM = str(Path(sys.executable).parent / "fitq-worker")


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in an empty folder, with no settings but these."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("FITQ_")}
    return subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env={**others, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What was said about the failure, which must be no traceback."""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_says_its_version_and_its_options(tmp_path: Path) -> None:
    version = start(tmp_path, "--version")
    assert (version.returncode, version.stdout.split()[-1]) == (0, __version__)
    help_ = start(tmp_path, "--help")
    assert help_.returncode == 0
    options = ("--device", "--cores", "--core-count", "--core-share", "--gpus", "--gpu-share")
    for option in (*options, "--threads", "--log-level"):
        assert option in help_.stdout


def test_without_a_queue_it_says_where_one_is_named(tmp_path: Path) -> None:
    done = start(tmp_path)
    assert done.returncode == 3
    assert "FITQ_REDIS_URL" in told(done)
    assert "try: " in told(done)


def test_without_a_store_it_does_not_start(tmp_path: Path, settings: Settings) -> None:
    done = start(tmp_path, FITQ_REDIS_URL=settings.redis_url)
    assert done.returncode == 1
    assert "FITQ_STORE is not set" in told(done)
    assert not list_workers(open_redis(settings))


def test_a_store_that_is_not_there_does_not_do(tmp_path: Path, settings: Settings) -> None:
    missing = str(tmp_path / "unmounted")
    done = start(tmp_path, FITQ_REDIS_URL=settings.redis_url, FITQ_STORE=missing)
    assert done.returncode == 1
    assert f"{missing!r} is not a folder of this machine" in told(done)
    assert "mount the volume" in told(done)


def test_a_bucket_that_does_not_answer_does_not_do(tmp_path: Path, settings: Settings) -> None:
    done = start(
        tmp_path,
        FITQ_REDIS_URL=settings.redis_url,
        FITQ_STORE="s3://volume/fitq",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_ACCESS_KEY_ID="tester",
        AWS_SECRET_ACCESS_KEY="secret",
    )
    assert done.returncode == 1
    assert "in the store 's3://volume/fitq'" in told(done)
    assert "check address and login in FITQ_STORE, and that its server runs" in told(done)
    assert "Traceback" not in told(done)


@pytest.mark.parametrize("cores", ["999999", "no", "1-0"])
def test_cores_that_are_not_there(tmp_path: Path, settings: Settings, cores: str) -> None:
    done = start(
        tmp_path,
        *("--cores", cores),
        FITQ_REDIS_URL=settings.redis_url,
        FITQ_STORE=str(tmp_path),
    )
    assert done.returncode == 2
    assert f"--cores = '{cores}': expected cores such as 0-3" in told(done)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("FITQ_CORES", "no", "--cores = 'no'"),
        ("FITQ_CORE_COUNT", "0", "--core-count = 0"),
        ("FITQ_CORE_SHARE", "2", "--core-share = 2.0"),
        ("FITQ_GPUS", "0", "--gpus = 0"),
        ("FITQ_GPU_SHARE", "x", "'x' is not a valid float"),
        ("FITQ_DEVICE", "abacus", "'abacus' is not one of"),
        ("FITQ_THREADS", "many", "'many' is not a valid integer"),
        ("FITQ_HOST", "no host", "FITQ_HOST = 'no host'"),
        ("FITQ_CACHE_BYTES", "some", "FITQ_CACHE_BYTES = 'some': expected a size"),
    ],
)
def test_each_option_may_be_a_variable(
    tmp_path: Path, settings: Settings, variable: str, value: str, said: str
) -> None:
    done = start(
        tmp_path,
        **{"FITQ_REDIS_URL": settings.redis_url, "FITQ_STORE": str(tmp_path), variable: value},
    )
    assert done.returncode == 2
    assert said in told(done)


def test_an_empty_variable_is_none(tmp_path: Path, settings: Settings) -> None:
    """As compose passes what its user has not set."""
    names = ("DEVICE", "CORES", "CORE_COUNT", "CORE_SHARE", "GPUS", "GPU_SHARE", "THREADS", "HOST")
    empty = {f"FITQ_{name}": "" for name in names}
    done = start(tmp_path, FITQ_REDIS_URL=settings.redis_url, **empty)
    # All of them are read before the store is missed
    assert done.returncode == 1
    assert "FITQ_STORE is not set" in told(done)


def test_a_gpu_that_is_not_there(tmp_path: Path, settings: Settings) -> None:
    if find_gpus():
        pytest.skip("this machine has a GPU")
    done = start(
        tmp_path,
        *("--device", "gpu"),
        FITQ_REDIS_URL=settings.redis_url,
        FITQ_STORE=str(tmp_path),
    )
    assert done.returncode == 2
    assert "--device = 'gpu'" in told(done)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--device", "abacus"),
        ("--log-level", "nonsense"),
        ("--threads", "0"),
        ("--no-such-option",),
    ],
)
def test_wrong_use_is_no_traceback(
    tmp_path: Path, settings: Settings, arguments: tuple[str, ...]
) -> None:
    done = start(tmp_path, *arguments, FITQ_REDIS_URL=settings.redis_url, FITQ_STORE=str(tmp_path))
    assert done.returncode == 2
    assert arguments[0] in told(done)


def test_redis_that_does_not_answer(tmp_path: Path) -> None:
    url = f"redis://:secret@127.0.0.1:{free_port()}/0"
    done = start(tmp_path, FITQ_REDIS_URL=url, FITQ_STORE=str(tmp_path))
    assert done.returncode == 3
    assert "does not answer" in told(done)
    assert "secret" not in told(done)


def one_that_waits(settings: Settings, worker: Worker) -> WorkerInfo | None:
    """The worker's announcement, once it says that it waits."""
    infos = list_workers(open_redis(settings))
    mine = [info for info in infos if info.pid == worker.process.pid]
    return mine[0] if mine and mine[0].state == "waiting" else None


def test_a_second_worker_on_the_same_cores_waits_for_the_first(
    settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    # Given a worker on a core
    core = str(min(os.sched_getaffinity(0)))
    first = start_worker(core).wait_until_ready()
    # When two more are started on it
    second, third = start_worker(core), start_worker(core)
    waiting = wait_until(lambda: one_that_waits(settings, second), 30, "a worker that waits")
    wait_until(lambda: one_that_waits(settings, third), 30, "another that waits")
    # Then they say that they wait, and for what, and have not loaded Keras
    assert waiting.device_name == f"CPU, 1 core ({core})"
    assert first.info is not None
    assert waiting.waits_for == f"held by {first.info.name}"
    assert second.text().count("waiting for") == 1
    assert f"waiting for CPU, 1 core ({core}): held by {first.info.name}" in second.text()
    assert "Keras is ready" not in second.text()
    # And one that is interrupted leaves at once, and is forgotten
    third.process.send_signal(signal.SIGINT)
    assert third.process.wait(timeout=20) == 130
    assert third.info is None
    # And when the first leaves, the one that waited steps in
    first.stop()
    assert first.process.returncode == 0
    second.wait_until_ready()
    wait_until(lambda: second.info and second.info.state == "ready", 10, "a worker that is ready")
    # And runs jobs
    client = Queue(settings)
    record = client.submit(DescribeJob(name="one", owner="tester", dataset="mnist"))
    ended = client.wait(record, 120)
    assert second.info is not None
    assert (ended.state, ended.worker) == ("succeeded", second.info.name)
