"""What a job that has ended costs Redis: little, and the same however long it ran."""

from __future__ import annotations

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.events import KEPT_AFTER_THE_END_MS, events_key, publish

pytestmark = pytest.mark.services

MOST_BYTES = 3 * 1024
EPOCH = {"loss": 0.123456789, "accuracy": 0.9, "val_loss": 0.2, "val_accuracy": 0.8, "seconds": 9.5}


@pytest.fixture
def train(redis, records, train_job, claim):
    """Let jobs run for so many epochs, and end."""

    def run(epochs, name="brave-otter"):
        record = records.create(train_job(epochs=epochs, name=name, tags=["one", "two"]))
        attempt = claim(record)
        publish(redis, record.id, "progress", 1, {"phase": "training", "epoch": 1})
        with redis.pipeline(transaction=False) as pipe:
            for epoch in range(epochs):
                publish(pipe, record.id, "epoch", 1, {"epoch": epoch, **EPOCH})
            pipe.execute()
        Attempts(records).succeed(attempt, "a" * 64, EPOCH)
        return records.get(record.id)

    return run


def cost(redis, jobs):
    """The bytes for each of these jobs, in all keys that do not expire within a minute."""
    kept = [key for key in redis.keys("*") if not 0 <= redis.pttl(key) <= KEPT_AFTER_THE_END_MS]
    return sum(redis.memory_usage(key, samples=0) for key in kept) / jobs


def test_a_job_that_has_ended_costs_little(redis, train):
    # Given a Redis that holds nothing but many jobs that ran for long
    for _ in range(10):
        train(epochs=500)
    # Then each costs less than the limit, its share of the lists of jobs and the lease included
    assert cost(redis, 10) < MOST_BYTES


def test_how_long_it_ran_makes_no_difference(redis, train):
    # Given many short jobs
    for _ in range(10):
        train(epochs=5, name="short-otter")
    short = cost(redis, 10)
    redis.flushall()
    # And as many that ran a hundred times as long
    for _ in range(10):
        train(epochs=500, name="long0-otter")
    # Then they cost the same, but for the digits of a number
    assert cost(redis, 10) == pytest.approx(short, rel=0.05)


def test_while_it_runs_its_epochs_are_there(redis, records, train_job, claim):
    record = records.create(train_job())
    claim(record)
    publish(redis, record.id, "epoch", 1, EPOCH)
    assert redis.ttl(events_key(record.id)) == -1


def test_what_an_outdated_attempt_tells_late_does_not_stay(redis, records, train):
    """A worker that was paused for long tells of one more epoch before it asks for orders."""
    # Given a job that has ended, and whose events have expired
    record = train(epochs=1)
    redis.delete(events_key(record.id))
    # When its old worker tells of another epoch
    publish(redis, record.id, "epoch", 1, EPOCH)
    # Then nothing stays of that for ever
    assert redis.ttl(events_key(record.id)) != -1
