"""The gate alone; jobs/test_messages.py has it in front of a real worker."""

from __future__ import annotations

import pytest
from celery import Celery

from fitq_shared.celery_app import make_app
from fitq_shared.queues import queue_for
from fitq_shared.settings import Settings
from fitq_worker.message_gate import Gate, Refused
from support.messages import HOSTILE_MESSAGES, NOBODY, message

ANY = queue_for("any")
# The others are text, which never gets so far.
PARSED = [what for what, (hostile, _) in HOSTILE_MESSAGES.items() if isinstance(hostile, dict)]


@pytest.fixture
def app() -> Celery:
    return make_app(Settings(redis_url="redis://127.0.0.1:1/0"))


@pytest.fixture
def gate(app: Celery) -> Gate:
    return Gate(app)


@pytest.mark.parametrize("queue", [ANY, queue_for("2gpu-24g", "low", 7)])
def test_a_message_of_ours_goes_through(gate: Gate, queue: str) -> None:
    gate.check(message(), queue)
    gate.check(message({**NOBODY, "kind": "predict", "attempt": 7}), queue)


@pytest.mark.parametrize("what", PARSED)
def test_another_is_refused_with_its_reason(gate: Gate, what: str) -> None:
    hostile, words = HOSTILE_MESSAGES[what]
    with pytest.raises(Refused) as caught:
        gate.check(hostile, ANY)
    assert words in str(caught.value)
    # The log stays readable whatever the message holds
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_remote_control_goes_through_but_not_without_an_envelope(gate: Gate) -> None:
    # Given what comes from Celery's own exchange, whose body Celery reads
    gate.check(message(body=b'{"method": "ping"}'), "blue.celery.pidbox")
    with pytest.raises(Refused):
        gate.check({"method": "ping"}, "blue.celery.pidbox")


def test_what_celery_sends_again_goes_through(gate: Gate) -> None:
    # Given a message that kombu has put back, with the notes that it makes
    again = message(headers={"redelivered": True})
    again["properties"]["delivery_info"]["redelivered"] = True
    gate.check(again, ANY)
