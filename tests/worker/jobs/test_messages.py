"""A message is only a hint: what does not fit the job's record has no effect."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fitq.queue import Queue
from fitq_shared.queues import queue_for
from fitq_shared.record import JobRecord
from fitq_shared.record_keys import job_key
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.specs.describe import DescribeJob
from support.jobs import event_types
from support.messages import HOSTILE_MESSAGES, NOBODY, arguments_of, message, text_of
from support.waiting import wait_until
from support.worker import Worker


@pytest.fixture
def records(client: Queue) -> Records:
    return Records(open_redis(client.settings))


def send(client: Queue, *hostile: object) -> None:
    """Put messages where the worker takes its next one from."""
    redis = open_redis(client.settings)
    for one in hostile:
        redis.lpush(queue_for("any"), text_of(one))


def wait_for_refusal(worker: Worker, job: str, attempt: int, why: str) -> None:
    text = f"job {job}, attempt {attempt}: dropped, its message is {why}"
    wait_until(lambda: text in worker.text(), 30, text)


def test_a_message_for_an_unknown_job_is_dropped(
    client: Queue, shared_worker: Worker, train: Any
) -> None:
    # Given a message for a job that nobody has submitted
    send(client, message(NOBODY))
    # Then it is dropped, no record and no folder come of it, and the worker goes on
    wait_for_refusal(shared_worker, "nobody", 1, "stale")
    assert "nobody" not in [record.id for record in client.jobs()]
    assert not client.artifacts.store.exists("jobs/nobody")
    train()


def test_a_message_that_names_another_spec_is_dropped(
    client: Queue, records: Records, shared_worker: Worker
) -> None:
    # Given a queued job, and a message that was altered on its way
    record = records.create(DescribeJob(name="one", owner="tester", dataset="mnist"))
    send(client, message({**arguments_of(record), "spec_hash": "0" * 64}))
    # Then it is dropped, and the job is as it was: queued, for its own message
    wait_for_refusal(shared_worker, record.id, 1, "altered")
    current = client.job(record.id)
    assert (current.state, current.attempt) == ("queued", 1)
    assert event_types(client, record) == ["queued"]
    assert not client.artifacts.store.exists(f"jobs/{record.id}")
    client.cancel(record)


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_message_for_a_job_that_has_ended_is_dropped(
    client: Queue, train: Callable[..., JobRecord], shared_worker: Worker, attempt: int
) -> None:
    # Given a job that was just published, and its message once more, or one for a next attempt
    trained = train(rows=2000)
    before = client.artifacts.store.files(f"jobs/{trained.id}")
    send(client, message({**arguments_of(trained), "attempt": attempt}))
    # Then it is dropped, and record, events and artifacts are as they were
    wait_for_refusal(shared_worker, trained.id, attempt, "stale")
    assert client.job(trained.id) == trained
    assert event_types(client, trained) == ["queued", "started", "succeeded"]
    assert client.artifacts.store.files(f"jobs/{trained.id}") == before


def test_a_cancelled_job_s_message_is_dropped(
    client: Queue, records: Records, shared_worker: Worker
) -> None:
    # Given a job that was cancelled while it was queued
    record = records.create(DescribeJob(name="one", owner="tester", dataset="mnist"))
    assert client.cancel(record) == "cancelled"
    send(client, message(arguments_of(record)))
    # Then its message changes nothing
    wait_for_refusal(shared_worker, record.id, 1, "stale")
    assert client.job(record.id).state == "cancelled"
    assert not client.artifacts.store.exists(f"jobs/{record.id}")


def test_messages_without_sense_do_not_stop_the_worker(
    client: Queue, shared_worker: Worker, train: Any
) -> None:
    # Given every message that no client of ours would send
    child = shared_worker.child().pid
    before = shared_worker.text()
    send(client, *(hostile for hostile, _ in HOSTILE_MESSAGES.values()))
    # When the next job is submitted
    train()
    # Then it runs, in the same child
    assert shared_worker.child().pid == child
    assert shared_worker.process.poll() is None
    # And each message is noted with its reason, and never tried again
    noted = shared_worker.text().removeprefix(before)
    for what, (_, words) in HOSTILE_MESSAGES.items():
        assert words in noted, what
    assert noted.count("refused a message") == len(HOSTILE_MESSAGES)
    assert "Traceback" not in noted
    redis = open_redis(client.settings)
    assert redis.llen(queue_for("any")) == 0
    assert redis.hlen("unacked") == 0


def test_a_record_whose_spec_was_altered_is_not_run(
    client: Queue, records: Records, shared_worker: Worker
) -> None:
    # Given a queued job in whose record another spec was put, under the old hash
    record = records.create(DescribeJob(name="one", owner="tester", dataset="mnist"))
    records.redis.hset(job_key(record.id), "spec", json.dumps({**record.spec, "name": "two"}))
    # When its message comes
    send(client, message(arguments_of(record)))
    # Then it has failed, with the reason
    ended = client.wait(record, 60)
    assert ended.state == "failed"
    assert ended.reason is not None
    assert "its record was altered" in ended.reason.message
    assert not client.artifacts.folder(ended).exists("description.json")
