"""Workers are killed, stopped and cut off in the middle of a training.

Each time the job must end with one published result, and what is published must be whole.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fitq.queue import Queue
from fitq_shared.dispatch import send
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from support.broken_jobs import assert_published_once, runner_of, submit_long
from support.jobs import event_types, training, wait_for_epoch, wait_for_state
from support.waiting import wait_until
from support.worker import Worker

StartWorker = Callable[..., Worker]

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="two workers need two cores"
)


@pytest.mark.soak
def test_killed_parent_leads_to_a_second_attempt(queue: Queue, two_workers: list[Worker]) -> None:
    # Given a training that one of two workers runs
    record = submit_long(queue)
    wait_for_epoch(queue, record)
    runner, _ = runner_of(queue, record, two_workers)
    child = runner.child()
    # When that worker's parent is killed
    os.kill(runner.process.pid, signal.SIGKILL)
    runner.process.wait(timeout=10)
    # Then its child goes with it, and the other worker runs and publishes the second attempt
    wait_until(lambda: not child.is_running(), 10, "the end of the child")
    assert_published_once(queue, record, attempt=2)
    assert event_types(queue, record) == ["queued", "started", "requeued", "started", "succeeded"]


def test_killed_child_leads_to_a_second_attempt(queue: Queue, start_worker: StartWorker) -> None:
    # Given a training on the only worker
    worker = start_worker().wait_until_ready()
    record = submit_long(queue)
    wait_for_epoch(queue, record)
    # When its child is killed
    worker.child().send_signal(signal.SIGKILL)
    # Then the same worker runs the second attempt, with a new child
    assert_published_once(queue, record, attempt=2)
    ended = queue.job(record.id)
    assert worker.info is not None
    assert (ended.worker, ended.losses) == (worker.info.name, 1)


def test_a_job_that_kills_its_worker_again_and_again_fails(
    queue: Queue, start_worker: StartWorker
) -> None:
    # Given a training
    worker = start_worker().wait_until_ready()
    record = submit_long(queue)
    # When its child dies in each of three attempts
    for attempt in (1, 2, 3):
        wait_for_epoch(queue, record, attempt)
        worker.child().send_signal(signal.SIGKILL)
        if attempt < 3:
            wait_until(lambda n=attempt: queue.job(record.id).attempt > n, 30, "the next attempt")
    # Then it has failed, and says why
    ended = wait_for_state(queue, record, "failed")
    assert ended.reason is not None
    assert ended.reason.kind == "worker-lost"
    assert "SIGKILL" in ended.reason.message or "signal 9" in ended.reason.message
    # And the worker runs the next job
    assert queue.wait(queue.submit(training(queue)), 120).state == "succeeded"


@pytest.mark.soak
def test_sigterm_hands_the_job_over(queue: Queue, two_workers: list[Worker]) -> None:
    # Given a training that one of two workers runs
    record = submit_long(queue)
    wait_for_epoch(queue, record)
    runner, other = runner_of(queue, record, two_workers)
    # When that worker is told to leave
    runner.process.terminate()
    # Then it leaves by itself, and the other one runs the job, which has cost no worker
    assert runner.process.wait(timeout=30) == 0
    assert_published_once(queue, record, attempt=2)
    ended = queue.job(record.id)
    assert other.info is not None
    assert (ended.worker, ended.losses) == (other.info.name, 0)


@pytest.mark.soak
def test_a_worker_that_was_stopped_comes_back_outdated(
    queue: Queue, two_workers: list[Worker]
) -> None:
    # Given a training whose worker is stopped, parent and child
    record = submit_long(queue)
    wait_for_epoch(queue, record)
    runner, _ = runner_of(queue, record, two_workers)
    processes = [psutil.Process(runner.process.pid), runner.child()]
    for process in processes:
        process.suspend()
    # When its lease has run out, another worker has started the job again, and it comes back
    wait_until(lambda: queue.job(record.id).attempt == 2, 30, "the second attempt")
    for process in processes:
        process.resume()
    # Then only the second attempt is published, and the first one has no manifest
    assert_published_once(queue, record, attempt=2)
    wait_until(lambda: "outdated" in runner.text() or "stale" in runner.text(), 30, "the old end")
    first = Path(queue.artifacts.store.locate(f"jobs/{record.id}/attempt-1"))
    assert not (first / "manifest.json").exists()


@pytest.mark.soak
def test_cut_connections_neither_double_nor_stop_the_job(
    queue: Queue, redis: Redis, start_worker: StartWorker
) -> None:
    # Given a training, and another job behind it
    worker = start_worker().wait_until_ready()
    record = submit_long(queue)
    wait_for_epoch(queue, record)
    # When all connections to Redis are cut
    redis.client_kill_filter(_type="normal", skipme=True)
    redis.client_kill_filter(_type="pubsub", skipme=True)
    # Then it ends in its first attempt, and the worker goes on to serve
    assert_published_once(queue, record, attempt=1)
    assert queue.wait(queue.submit(training(queue)), 120).state == "succeeded"
    assert worker.process.poll() is None


def test_a_job_without_a_message_is_sent_again(
    queue: Queue, redis: Redis, start_worker: StartWorker
) -> None:
    # Given a record whose client died before it sent the message
    record = Records(redis).create(training(queue))
    # When a worker is there
    start_worker().wait_until_ready()
    # Then the job runs
    assert wait_for_state(queue, record, "succeeded").attempt == 1


def test_a_message_taken_by_a_worker_that_dies_is_sent_again(
    queue: Queue, two_workers: list[Worker]
) -> None:
    # Given a worker that stands still, and so takes a message that it never runs
    stopped, other = two_workers
    other_processes = [psutil.Process(other.process.pid), other.child()]
    for process in (*other_processes, psutil.Process(stopped.process.pid), stopped.child()):
        process.suspend()
    record = queue.submit(training(queue))
    wait_until(lambda: queue.place(record) is not None, 10, "the job in its queue")
    # When it is killed, and another worker lives
    stopped.process.kill()
    stopped.process.wait(timeout=10)
    for process in other_processes:
        process.resume()
    # Then the job runs, once
    assert wait_for_state(queue, record, "succeeded").attempt == 1
    assert event_types(queue, record).count("succeeded") == 1


def test_duplicates_of_a_message_are_harmless(queue: Queue, start_worker: StartWorker) -> None:
    # Given a queued job whose message was sent three times
    from fitq_shared.celery_app import make_app

    record = queue.submit(training(queue))
    app = make_app(queue.settings)
    send(app, record)
    send(app, record)
    # When a worker takes all three
    worker = start_worker().wait_until_ready()
    wait_for_state(queue, record, "succeeded")
    wait_until(lambda: worker.text().count("its message is stale") == 2, 30, "both refusals")
    # Then the job ran once
    assert event_types(queue, record) == ["queued", "started", "succeeded"]
