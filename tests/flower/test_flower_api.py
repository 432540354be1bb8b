"""What a program reads from Flower's API about jobs that were really run."""

from __future__ import annotations

import ast
import os
import socket

import pytest

from fitq.drafts import complete
from fitq.stack.worker_plan import core_list
from fitq_shared.celery_app import make_app
from fitq_shared.dispatch import send
from fitq_shared.queues import queues_served_by
from support.jobs import training, wait_for_epoch
from support.waiting import wait_until


@pytest.fixture(scope="session")
def worker_name():
    """The name of the one worker: its cores, and its host."""
    return f"cpu{core_list(sorted(os.sched_getaffinity(0)))}@{socket.gethostname()}"


def test_a_training_that_succeeded(flower, client, trained, worker_name):
    # Given a training that has succeeded
    # When I ask Flower about it
    task = flower.task_in(trained, "SUCCESS")

    # Then I read what it was, in words
    assert task["name"] == "fitq.train"
    assert trained.name in task["args"]
    assert "mlp on mnist, 1 epoch" in task["kwargs"]
    assert len(task["args"] + task["kwargs"]) < 200

    # And where it ran, and for how long
    assert task["worker"] == worker_name
    assert task["runtime"] >= trained.metrics["seconds"]
    assert task["sent"] <= task["succeeded"]

    # And its metrics, and where its artifacts are
    result = ast.literal_eval(task["result"])
    assert result.pop("artifacts") == client.artifacts.folder(trained).location
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= result.keys()
    assert result == pytest.approx(trained.metrics, abs=1e-4)


def test_a_job_that_failed(flower, failed):
    # Given a prediction that has failed
    # When I ask Flower about it
    task = flower.task_in(failed, "FAILURE")

    # Then I read the reason that its record keeps
    assert task["name"] == "fitq.predict"
    assert failed.name in task["args"]
    assert "brave-otter on mnist test" in task["kwargs"]
    assert "is not the one that was published" in failed.reason.message
    assert failed.reason.message in task["exception"]
    assert task["result"] is None


def test_jobs_that_were_cancelled(flower, client, submit, worker_name):
    # Given a job that runs, and one that waits behind it
    long = {"epochs": 1000, "batch_size": 512}
    running = submit(training(client, name="long-heron", **long))
    wait_for_epoch(client, running)
    queued = submit(training(client, name="late-newt"))

    # Then Flower shows both, though no worker has seen the second one yet
    assert flower.task_in(running, "STARTED")["worker"] == worker_name
    task = flower.task_in(queued, "PENDING")
    assert queued.name in task["args"]
    assert "mlp on mnist" in task["kwargs"]
    assert task["received"] is None

    # When I cancel both
    client.cancel(queued)
    client.cancel(running)
    assert client.wait(running, timeout=60).state == "cancelled"
    assert client.job(queued.id).state == "cancelled"

    # Then Flower shows both as revoked, and neither as a failure
    for record in (running, queued):
        task = flower.task_in(record, "REVOKED")
        assert task["result"] is None
        assert task["exception"] is None


def test_a_message_that_came_twice(flower, client, submit):
    # Given a job whose message is sent twice
    values = {"kind": "describe", "dataset": "mnist", "name": "double-dove"}
    record = submit(complete(values, client.settings))
    send(make_app(client.settings), record)

    # When it has ended
    assert client.wait(record, timeout=60).state == "succeeded"

    # Then Flower shows that it was done, and that the other message was dropped
    def states():
        return {task["state"] for task in flower.tasks(record)} == {"SUCCESS", "REVOKED"}

    wait_until(states, 30, "one task done and one revoked")
    done, dropped = sorted(flower.tasks(record), key=lambda task: task["state"], reverse=True)
    assert "artifacts" in done["result"]
    assert dropped["result"] is None
    assert done["args"] == dropped["args"]


def test_the_worker(flower, trained, worker_name):
    # Given a worker that has run a job
    # When I ask Flower for the workers as they are now
    workers = flower.json("/api/workers?refresh=1")

    # Then there is one, its name says its device and its host, and it knows the job kinds
    assert [*workers] == [worker_name]
    kinds = {"fitq.train", "fitq.evaluate", "fitq.predict", "fitq.describe"}
    assert kinds <= set(workers[worker_name]["registered"])
    queues = [queue["name"] for queue in workers[worker_name]["active_queues"]]
    assert queues == [*queues_served_by("cpu", code=True)]


@pytest.mark.parametrize("path", ["/api/tasks", "/api/workers", "/tasks", "/workers"])
@pytest.mark.parametrize("login", ["", "fitq:guess"])
def test_nothing_without_the_login(flower, path, login):
    # Given no login, or a wrong one
    # When I ask the API, or for a page
    status, text = flower.get(path, login)

    # Then I am told nothing
    assert status == 401
    assert "fitq." not in text


def test_nothing_about_one_task_without_the_login(flower, trained):
    uuid = flower.task_in(trained, "SUCCESS")["uuid"]
    for path in (f"/api/task/info/{uuid}", f"/task/{uuid}"):
        status, text = flower.get(path, login="")
        assert status == 401
        assert trained.name not in text
