"""What containers go through in their lives: `make soak` runs it where there is an engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from support.compose import Containers, docker
from support.waiting import wait_until

pytestmark = [pytest.mark.compose, pytest.mark.soak, pytest.mark.timeout(900)]

LONG = (
    "train --dataset mnist --model mlp --rows 12000 --epochs 5000 --batch-size 128 "
    "--seed 1 --no-wait --json"
)
SHORT = "train --dataset mnist --model mlp --rows 2000 --epochs 1 --seed 1"


def test_redis_is_restarted_and_loses_nothing(containers: Containers) -> None:
    # Given a job that has ended, one that runs, and one more than there are workers
    containers.fitq(f"{SHORT} --name before-the-restart")
    running = [json.loads(containers.fitq(LONG))["id"] for _ in range(3)]
    for job in running:
        containers.wait_for_epoch(job)
    waiting = json.loads(containers.fitq(f"{SHORT} --no-wait --json"))["id"]
    # When Redis is killed, and starts again
    containers.compose("kill", "--signal", "KILL", "redis")
    containers.compose("up", "--detach", "--wait", "--no-recreate", "redis")
    # Then all jobs are as they were, in their first attempts
    assert containers.job("before-the-restart")["state"] == "succeeded"
    for job in running:
        record = containers.job(job)
        assert (record["state"], record["attempt"]) == ("running", 1)
    assert containers.job(waiting)["state"] == "queued"
    # And when there is room the one that waited runs
    for job in running:
        containers.fitq(f"cancel {job}")
    containers.fitq(f"wait {waiting}")
    assert containers.job(waiting)["state"] == "succeeded"


def test_jobs_and_artifacts_outlast_down_and_up(containers: Containers, tmp_path: Path) -> None:
    # Given a trained model
    containers.fitq(f"{SHORT} --name before-down")
    before = containers.job("before-down")
    # When everything is taken down, and put up again
    containers.compose("down")
    containers.compose(
        "up", "--detach", "--wait", "--scale", "worker-cpu=3", "redis", "worker-cpu", "flower"
    )
    # Then the job is there, with its artifacts, and its model predicts
    after = containers.job("before-down")
    assert after == before
    assert "succeeded" in containers.fitq("predict before-down --dataset mnist")
    # And Flower remembers the task
    tasks = containers.flower("/api/tasks")
    assert [uuid for uuid in tasks if uuid.startswith(before["id"])]


def test_flower_remembers_though_it_is_killed_between_two_saves(containers: Containers) -> None:
    # Given a task that Flower shows, and has saved since
    containers.fitq(f"{SHORT} --name before-the-kill")
    job = containers.job("before-the-kill")["id"]

    def known() -> list[str]:
        return [task for task in containers.flower("/api/tasks") if task.startswith(job)]

    def saved() -> int:
        newest = "stat -c %Y /state/* | sort -n | tail -1"
        return int(containers.compose("exec", "-T", "flower", "sh", "-c", newest))

    wait_until(lambda: _shows(known), 60, "the task in Flower")
    shown = saved()
    wait_until(lambda: saved() > shown, 120, "a save of Flower's state")
    # When it is killed, and comes back
    containers.compose("kill", "--signal", "KILL", "flower")
    containers.compose("up", "--detach", "--wait", "--no-recreate", "flower")
    # Then it still knows the task
    assert wait_until(lambda: _shows(known), 60, "the task in Flower")


def _shows(known: Callable[[], list[str]]) -> list[str]:
    """What Flower knows; nothing while it does not serve yet."""
    try:
        return known()
    except OSError:
        return []


def test_a_client_without_the_volume_uses_the_store_service(
    containers: Containers, tmp_path: Path
) -> None:
    # Given the store service, a model, and a client that has only addresses and passwords
    containers.compose("build", "store")
    containers.compose("up", "--detach", "--wait", "store")
    containers.fitq(f"{SHORT} --name far-away")
    user, _, password = (containers.secrets / "store_login").read_text().strip().partition(":")
    work = tmp_path / "work"
    work.mkdir()
    work.chmod(0o777)

    def far(*words: str) -> str:
        return docker(
            *("run", "--rm", "--read-only", "--tmpfs", "/tmp", "--workdir", "/work"),
            *("--network", f"{containers.project}_default"),
            *("--volume", f"{work}:/work"),
            *("--volume", f"{containers.secrets}/redis_password:/run/secrets/redis_password:ro"),
            *("--env", "FITQ_REDIS_URL=redis://redis:6379/0"),
            *("--env", "FITQ_REDIS_PASSWORD_FILE=/run/secrets/redis_password"),
            *("--env", f"FITQ_STORE=webdav+http://{user}:{quote(password)}@store:8080"),
            *words,
        )

    client = "fitq/client:local"
    make = "import numpy as np; np.save('/work/input.npy', np.zeros((4, 28, 28), np.uint8))"
    far("--entrypoint", "python", client, "-c", make)
    # When it submits a prediction of an array of its own, and pulls what came out
    predicted = far(client, "predict", "far-away", "--input", "input.npy", "--name", "mine")
    far(client, "pull", "mine", "pulled")
    # Then the array has reached the worker, and the artifacts the client
    assert predicted.count("\n") >= 4
    assert (work / "pulled/predictions.npz").stat().st_size > 0
    assert (work / "pulled/predictions.csv").exists() or (work / "pulled/metrics.json").exists()
    # And nothing that it prints shows the password
    assert password not in far(client, "doctor") + far(client, "show", "mine")


def test_a_worker_that_is_stopped_turns_unhealthy(containers: Containers) -> None:
    # Given a worker that is healthy
    worker = containers.workers()[0]

    def health() -> str:
        return docker("inspect", "--format", "{{.State.Health.Status}}", worker)

    wait_until(lambda: health() == "healthy", 60, "a healthy worker")
    # When all its processes stand still, while its container is up
    docker("exec", worker, "sh", "-c", "kill -STOP -1 2>/dev/null || true")
    # Then its health check finds out
    wait_until(lambda: health() == "unhealthy", 240, "an unhealthy worker")
    # And it is well again when they go on
    docker("exec", worker, "sh", "-c", "kill -CONT -1 2>/dev/null || true")
    wait_until(lambda: health() == "healthy", 120, "a healthy worker")
