"""A message is only a hint: what does not fit the job's record has no effect."""

from __future__ import annotations

from typing import Any

import pytest

from fitq.client import Client
from fitq_shared.celery_app import make_app
from fitq_shared.queues import task_name
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.specs.describe import DescribeJob
from support.jobs import event_types
from support.waiting import wait_until
from support.worker import Worker


@pytest.fixture
def records(client: Client) -> Records:
    return Records(open_redis(client.settings))


def send(client: Client, kind: str, **kwargs: Any) -> None:
    app = make_app(client.settings)
    app.send_task(task_name(kind), kwargs=kwargs, queue="fitq.any", ignore_result=True)


def wait_for_refusal(worker: Worker, job: str, attempt: int, why: str) -> None:
    text = f"job {job}, attempt {attempt}: dropped, its message is {why}"
    wait_until(lambda: text in worker.text(), 30, text)


def test_a_message_for_an_unknown_job_is_dropped(
    client: Client, shared_worker: Worker, train: Any
) -> None:
    # Given a message for a job that nobody has submitted
    send(client, "train", job="nobody", attempt=1, spec_hash="0" * 64)
    # Then it is dropped, no record and no folder come of it, and the worker goes on
    wait_for_refusal(shared_worker, "nobody", 1, "stale")
    assert "nobody" not in [record.id for record in client.jobs()]
    assert not client.store.exists("jobs/nobody")
    train()


def test_a_message_that_names_another_spec_is_dropped(
    client: Client, records: Records, shared_worker: Worker
) -> None:
    # Given a queued job, and a message that was altered on its way
    record = records.create(DescribeJob(name="one", owner="tester", dataset="mnist"))
    send(client, "describe", job=record.id, attempt=1, spec_hash="0" * 64)
    # Then it is dropped, and the job is as it was: queued, for its own message
    wait_for_refusal(shared_worker, record.id, 1, "altered")
    current = client.job(record.id)
    assert (current.state, current.attempt) == ("queued", 1)
    assert event_types(client, record) == ["queued"]
    assert not client.store.exists(f"jobs/{record.id}")
    client.cancel(record)


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_message_for_a_job_that_has_ended_is_dropped(
    client: Client, trained: JobRecord, shared_worker: Worker, attempt: int
) -> None:
    # Given a job that was published, and its message once more, or one for a next attempt
    before = client.store.files(f"jobs/{trained.id}")
    send(client, "train", job=trained.id, attempt=attempt, spec_hash=trained.spec_hash)
    # Then it is dropped, and record, events and artifacts are as they were
    wait_for_refusal(shared_worker, trained.id, attempt, "stale")
    assert client.job(trained.id) == trained
    assert event_types(client, trained) == ["queued", "started", "succeeded"]
    assert client.store.files(f"jobs/{trained.id}") == before


def test_a_cancelled_job_s_message_is_dropped(
    client: Client, records: Records, shared_worker: Worker
) -> None:
    # Given a job that was cancelled while it was queued
    record = records.create(DescribeJob(name="one", owner="tester", dataset="mnist"))
    assert client.cancel(record) == "cancelled"
    send(client, "describe", job=record.id, attempt=1, spec_hash=record.spec_hash)
    # Then its message changes nothing
    wait_for_refusal(shared_worker, record.id, 1, "stale")
    assert client.job(record.id).state == "cancelled"
    assert not client.store.exists(f"jobs/{record.id}")


def test_messages_without_sense_do_not_stop_the_worker(
    client: Client, shared_worker: Worker, train: Any
) -> None:
    # Given messages that no client of ours would send
    child = shared_worker.child().pid
    send(client, "train")
    send(client, "train", job="x", attempt="many", spec_hash=None)
    send(client, "no-such-kind", job="x", attempt=1, spec_hash="0" * 64)
    # Then the next job runs, in the same child
    train()
    assert shared_worker.child().pid == child
    assert shared_worker.process.poll() is None
