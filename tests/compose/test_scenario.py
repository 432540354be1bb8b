"""The short scenario: what a newcomer does with docker-compose.yml, and one fault."""

from __future__ import annotations

import json
import urllib.error

import pytest

from support.compose import Containers, docker
from support.waiting import wait_until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]

# Long enough to be met in the middle, on any machine; it never ends by itself.
LONG = (
    "train --dataset mnist --model mlp --rows 12000 --epochs 5000 --batch-size 128 "
    "--seed 1 --no-wait --json"
)


def test_three_workers_train_and_predict(containers: Containers) -> None:
    # Given three workers that are healthy
    assert len(containers.workers()) == 3
    # When a model is trained for an epoch, and predicts
    train = "train --dataset mnist --model mlp --epochs 1 --batch-size 512 --seed 1"
    trained = containers.fitq(f"{train} --name in-containers")
    predicted = containers.fitq("predict in-containers --dataset mnist --rows 3")
    # Then both have succeeded, and the artifacts are in the volume
    assert "in-containers succeeded" in trained
    assert "succeeded" in predicted
    assert predicted.count("\n0 ") == 1, "the first rows are shown"
    record = containers.job("in-containers")
    assert record["artifacts"] == f"/volume/jobs/{record['id']}/attempt-1"
    assert "model.keras" in record["files"]
    # And Flower, which asks for a login, shows the three
    online = wait_until(lambda: three_online(containers), 60, "three workers in Flower")
    assert len({worker["hostname"] for worker in online}) == 3
    with pytest.raises(urllib.error.HTTPError, match="401"):
        (containers.secrets / "flower_login").rename(containers.secrets / "aside")
        try:
            (containers.secrets / "flower_login").write_text("fitq:wrong")
            containers.flower("/api/workers")
        finally:
            (containers.secrets / "aside").replace(containers.secrets / "flower_login")


def three_online(containers: Containers) -> list[dict[str, str]] | None:
    workers = containers.flower("/workers?json=1")["data"]
    online = [worker for worker in workers if worker["status"]]
    return online if len(online) == 3 else None


def test_a_job_outlives_a_container_that_is_killed_and_one_that_is_stopped(
    containers: Containers,
) -> None:
    # Given a job that one of the workers runs
    job = json.loads(containers.fitq(LONG))["id"]
    first = containers.runner(job)
    containers.wait_for_epoch(job)
    # When its container is killed
    docker("kill", "--signal", "KILL", first)
    # Then the job goes on elsewhere
    second = containers.runner(job, attempt=2)
    assert second != first
    containers.wait_for_epoch(job)
    assert containers.job(job)["losses"] == 1
    # And when that one is stopped, it gives the job back and leaves, long before it is killed
    docker("stop", second)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", second) == "0"
    third = containers.runner(job, attempt=3)
    assert third not in (first, second)
    record = containers.job(job)
    assert (record["attempt"], record["losses"], record["state"]) == (3, 1, "running")
    containers.fitq(f"cancel {job}")
    # And all three are there again for the next test
    docker("start", first, second)
