"""Workers are told to leave, and jobs are told to stop, while a training runs."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import psutil
import pytest

from fitq.queue import Queue
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.lanes import Place
from fitq_shared.record import JobRecord
from fitq_shared.redis_link import Redis
from fitq_shared.workers import ask_to_drain
from support.broken_jobs import EPOCHS, assert_published_once, submit_long
from support.jobs import event_types, training, wait_for_epoch, wait_for_state
from support.waiting import wait_until
from support.worker import Worker

StartWorker = Callable[..., Worker]


def log_of(queue: Queue, record: JobRecord, attempt: int) -> str:
    return AttemptFolder(queue.artifacts.store, record.id, attempt).read(AttemptFolder.log).decode()


def weights_of(queue: Queue, record: JobRecord) -> list[np.ndarray]:
    import keras

    path = queue.artifacts.folder(record).local(AttemptFolder.model)
    return list(keras.models.load_model(path).get_weights())


def history_of(queue: Queue, record: JobRecord) -> list[dict[str, float]]:
    rows = json.loads(queue.artifacts.folder(record).read(AttemptFolder.history_json))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_a_drained_worker_hands_its_job_to_one_with_other_threads(
    queue: Queue, redis: Redis, start_worker: StartWorker
) -> None:
    # Given a training that ran undisturbed with one thread, and runs again
    first = start_worker("0").wait_until_ready()
    undisturbed = queue.wait(submit_long(queue), 120)
    record = submit_long(queue)
    behind = queue.submit(training(queue))
    wait_for_epoch(queue, record)
    # When its worker is drained, and a worker with two threads takes over
    assert first.info is not None
    ask_to_drain(redis, first.info, "now")
    assert first.process.wait(timeout=30) == 0
    assert queue.job(record.id).state == "queued"
    assert queue.place(queue.job(record.id)) == Place(0, 0, 0)
    second = start_worker("0", arguments=("--threads", "2")).wait_until_ready()
    # Then the job comes before the one that waited, goes on where it was, with one thread
    assert_published_once(queue, record, attempt=2)
    ended = queue.job(record.id)
    assert ended.losses == 0
    assert "goes on at epoch" in log_of(queue, record, 2)
    assert "runs with 1 threads" in second.text()
    assert wait_for_state(queue, behind, "succeeded").started > ended.started  # type: ignore[operator]
    # And its weights and history are those of the undisturbed run
    expected, found = weights_of(queue, undisturbed), weights_of(queue, ended)
    assert len(expected) == len(found) > 0
    assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))
    assert history_of(queue, ended) == history_of(queue, undisturbed)


@pytest.mark.soak
def test_after_job_lets_the_job_end(queue: Queue, redis: Redis, start_worker: StartWorker) -> None:
    # Given a training, and a job behind it
    worker = start_worker().wait_until_ready()
    record = submit_long(queue)
    behind = queue.submit(training(queue))
    wait_for_epoch(queue, record)
    # When its worker is told to leave after the job
    assert worker.info is not None
    ask_to_drain(redis, worker.info, "after-job")
    # Then the job is published in its first attempt, and the worker takes no other
    assert worker.process.wait(timeout=120) == 0
    assert_published_once(queue, record, attempt=1)
    assert queue.job(behind.id).state == "queued"


@pytest.mark.soak
def test_a_second_signal_stops_at_once(queue: Queue, start_worker: StartWorker) -> None:
    # Given a worker whose training does not obey
    worker = start_worker().wait_until_ready()
    record = submit_long(queue)
    wait_for_epoch(queue, record)
    worker.child().suspend()
    worker.process.terminate()
    wait_until(lambda: "Warm shutdown" in worker.text(), 20, "the first signal's effect")
    # When a second signal comes
    worker.process.terminate()
    # Then the worker is gone, and the job waits for another without having cost a worker
    assert worker.process.wait(timeout=30) == 0
    given_back = wait_for_state(queue, record, "queued")
    assert (given_back.attempt, given_back.losses) == (2, 0)


def test_cancel_and_timeout_end_even_a_stuck_job(queue: Queue, start_worker: StartWorker) -> None:
    # Given a training that is cancelled: it stops by itself, and its history is kept
    worker = start_worker().wait_until_ready()
    record = submit_long(queue)
    wait_for_epoch(queue, record)
    child = worker.child().pid
    assert queue.cancel(record) == "stopping"
    ended = wait_for_state(queue, record, "cancelled", "succeeded", "failed")
    assert ended.state == "cancelled"
    assert 1 <= len(history_of(queue, ended)) < EPOCHS
    # And the next job, which runs for too long, finds Keras warm, and fails for that
    late = queue.submit(training(queue, epochs=1000, timeout=2))
    ended = wait_for_state(queue, late, "failed")
    assert ended.reason is not None
    assert ended.reason.kind == "timeout"
    assert worker.child().pid == child
    # When a job is cancelled whose process is stuck
    stuck = submit_long(queue)
    wait_for_epoch(queue, stuck)
    psutil.Process(child).suspend()
    assert queue.cancel(stuck) == "stopping"
    # Then its process is killed, the job is cancelled, and the worker runs the next
    assert wait_for_state(queue, stuck, "cancelled").attempt == 1
    assert queue.wait(queue.submit(training(queue)), 120).state == "succeeded"
    assert event_types(queue, stuck) == ["queued", "started", "cancelled"]
