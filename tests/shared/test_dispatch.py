from __future__ import annotations

import base64
import json

import pytest

from fitq_shared.celery_app import make_app
from fitq_shared.dispatch import send
from fitq_shared.queues import queue_for
from support.jobs import submit

pytestmark = pytest.mark.services


@pytest.fixture
def app(settings):
    return make_app(settings)


@pytest.fixture
def messages(redis):
    """The messages in a queue, the oldest first."""

    def read(queue):
        return [json.loads(text) for text in reversed(redis.lrange(queue, 0, -1))]

    return read


@pytest.mark.parametrize("need", ["any", "cpu", "gpu"])
def test_the_message_lands_in_the_queue_of_the_job_s_need(app, records, train_job, redis, need):
    # Given a job that needs a device
    # When it is submitted
    record = submit(app, records, train_job(device=need))

    # Then it is queued, and one message lies in that queue and in no other
    assert record.state == "queued"
    assert record.queue == queue_for(need)
    assert {queue: redis.llen(queue) for queue in redis.keys("fitq.*")} == {record.queue: 1}


def test_the_message_is_json_and_names_job_attempt_and_spec(app, records, train_job, messages):
    record = submit(app, records, train_job())
    [message] = messages(record.queue)
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == "fitq.train"
    arguments, keywords, _ = json.loads(base64.b64decode(message["body"]))
    assert arguments == []
    assert keywords == {
        "job": record.id,
        "kind": "train",
        "attempt": 1,
        "spec_hash": record.spec_hash,
    }


def test_people_can_read_in_flower_what_it_is(app, records, train_job, messages):
    record = submit(app, records, train_job(epochs=30))
    headers = messages(record.queue)[0]["headers"]
    assert headers["argsrepr"] == "brave-otter"
    assert headers["kwargsrepr"] == "mlp on mnist, 30 epochs"
    assert headers["ignore_result"] is True


def test_a_duplicate_has_an_id_of_its_own(app, records, train_job, messages):
    """So that in Flower the one that is dropped does not hide the one that ran."""
    record = submit(app, records, train_job())
    send(app, record)
    first, second = (message["headers"]["id"] for message in messages(record.queue))
    assert first != second
    assert first.startswith(f"{record.id}-1-")
    assert second.startswith(f"{record.id}-1-")


def test_messages_keep_the_order_of_submission(app, records, train_job, messages):
    names = [f"job-{n}" for n in range(5)]
    for name in names:
        submit(app, records, train_job(name=name))
    assert [message["headers"]["argsrepr"] for message in messages(queue_for("any"))] == names
