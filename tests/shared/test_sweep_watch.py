"""A sweep that is looked at again and again."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from fitq_shared.events import events_key, publish
from fitq_shared.redis_link import Redis
from fitq_shared.sweeps.record import Trial
from fitq_shared.sweeps.records import Sweeps
from fitq_shared.sweeps.watch import LOOKED_BACK_AT, Watch
from support.sweeps import sweep_spec

pytestmark = pytest.mark.services

VALUES = {"optimizer.learning_rate": 0.001}


def report(redis: Redis, job_id: str, epoch: int, value: float, attempt: int = 1) -> None:
    """As a worker reports an epoch of a job that has a stream."""
    redis.xadd(events_key(job_id), {"type": "progress", "attempt": attempt, "data": "{}"})
    publish(redis, job_id, "epoch", attempt, {"epoch": epoch, "accuracy": value})


def test_each_look_reads_only_what_has_come_since(redis: Redis) -> None:
    # Given a job that was looked at, and of whose events only the new ones are left
    watch = Watch(Sweeps(redis))
    report(redis, "one", 1, 0.5)
    assert watch.curves(["one"], "accuracy") == {"one": (0.5,)}
    redis.xtrim(events_key("one"), maxlen=0, approximate=False)
    # When it is looked at again, together with another
    report(redis, "one", 3, 0.7)
    report(redis, "two", 1, 0.2)
    curves = watch.curves(["one", "two", "none"], "accuracy")
    # Then what was read before is known, and what is missing is no number
    assert (curves["two"], curves["none"]) == ((0.2,), ())
    assert curves["one"][::2] == (0.5, 0.7)
    assert math.isnan(curves["one"][1])
    # And an epoch that a later attempt has done again counts as that has it
    report(redis, "one", 3, 0.6, attempt=2)
    assert watch.curves(["one"], "accuracy")["one"][2] == 0.6
    # And what nobody asks for is forgotten
    assert watch.curves([], "accuracy") == {}
    assert watch.curves(["one"], "accuracy")["one"][2] == 0.6


def test_of_many_trials_that_have_ended_each_has_its_turn(redis: Redis) -> None:
    # Given a sweep with an open trial, a completed one, and many that were stopped
    sweeps = Sweeps(redis)
    sweep = sweeps.create(sweep_spec(), lambda _: None)
    count = 2 * LOOKED_BACK_AT + 1
    ended = [Trial(n, sweep.job_of(n), VALUES, state="stopped") for n in range(3, count + 3)]
    begun = [Trial(1, sweep.job_of(1), VALUES), Trial(2, sweep.job_of(2), VALUES, "completed")]
    assert sweeps.write(sweep, [*begun, *ended])
    watch, sweep = Watch(sweeps), sweeps.get(sweep.id)
    # When it is looked at as often as it takes, and once more
    looks = [[trial.number for trial in watch.without_model(sweep)] for _ in range(4)]
    # Then the open one was there each time, and each of the others once in a round
    assert [look[0] for look in looks] == [1, 1, 1, 1]
    assert [len(look) for look in looks] == [51, 51, 2, 51]
    assert sorted(n for look in looks[:3] for n in look[1:]) == [one.number for one in ended]


def test_trials_are_read_again_when_the_sweep_has_changed(redis: Redis) -> None:
    # Given a sweep whose trials were looked at
    sweeps = Sweeps(redis)
    sweep = sweeps.create(sweep_spec(), lambda _: None)
    watch = Watch(sweeps)
    assert watch.trials(sweep) == ()
    # When there is one
    assert sweeps.write(sweep, [Trial(1, sweep.job_of(1), VALUES)])
    # Then it is seen with the change of the sweep, and what it becomes with the next
    assert watch.trials(sweep) == ()
    changed = sweeps.get(sweep.id)
    [trial] = watch.trials(changed)
    assert sweeps.write(changed, [replace(trial, state="failed")])
    assert [one.state for one in watch.trials(sweeps.get(sweep.id))] == ["failed"]
