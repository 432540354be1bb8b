from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fitq_shared import events as events_module
from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.events import Event, follow
from fitq_shared.record import Attempt, Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis, open_redis
from fitq_worker import flags
from fitq_worker import reporter as reporter_module
from fitq_worker.reporter import SILENCE_SECONDS, Reporter, StopJob
from support.clock import Clock
from support.redis_server import RedisServer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(reporter_module, "time", made)
    return made


@pytest.fixture
def draining(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Tell the worker to leave, until the test is over."""
    monkeypatch.setattr(flags, "_FLAGS", bytearray(2))
    return flags.start_draining


@pytest.fixture
def reporter(redis: Redis, attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> Reporter:
    monkeypatch.setattr(events_module, "KEPT_PROGRESS", 1000)
    return Reporter(Attempts(Records(redis)), attempt)


def told(redis: Redis, attempt: Attempt, kind: str) -> list[Event]:
    found: list[Event] = []
    for event in follow(redis, attempt.job_id, block_seconds=0.01):
        if event is None:
            break
        found.append(event)
    return [event for event in found if event.type == kind]


def order_of(reporter: Reporter) -> str:
    with pytest.raises(StopJob) as caught:
        reporter.obey()
    return caught.value.order


def test_progress_is_told_at_most_twice_a_second(
    redis: Redis, attempt: Attempt, reporter: Reporter, clock: Clock
) -> None:
    # Given a batch each eighth of a second, for two seconds
    for batch in range(16):
        reporter.progress({"batch": batch})
        clock.now += 0.125
    # Then the first is told, and then one each half second, with its own numbers
    assert [event.data for event in told(redis, attempt, "progress")] == [
        {"batch": batch} for batch in (0, 4, 8, 12)
    ]


def test_slow_batches_are_all_told(
    redis: Redis, attempt: Attempt, reporter: Reporter, clock: Clock
) -> None:
    for batch in range(3):
        reporter.progress({"batch": batch})
        clock.now += 3
    assert len(told(redis, attempt, "progress")) == 3


def test_epochs_are_all_told(
    redis: Redis, attempt: Attempt, reporter: Reporter, clock: Clock
) -> None:
    # Given progress that has just been told, and three epochs at the same moment
    reporter.progress({"batch": 1})
    for epoch in (1, 2, 3):
        reporter.epoch({"epoch": epoch, "loss": 0.5})
    # Then none is left out
    events = told(redis, attempt, "epoch")
    assert [event.data["epoch"] for event in events] == [1, 2, 3]
    assert {event.attempt for event in events} == {1}


def test_without_an_order_the_job_goes_on(reporter: Reporter, clock: Clock) -> None:
    for _ in range(4):
        reporter.obey()
        clock.now += 1


def test_a_cancelled_job_is_told_to_stop(
    redis: Redis, attempt: Attempt, reporter: Reporter, clock: Clock
) -> None:
    # Given a job that has asked for orders, and is then cancelled
    reporter.obey()
    records = Records(redis)
    Changes(records).cancel(records.get(attempt.job_id))
    # Then it does not ask again at once, but half a second later it hears of it
    clock.now += 0.25
    reporter.obey()
    clock.now += 0.25
    assert order_of(reporter) == "cancel"


def test_an_attempt_that_was_given_to_another_is_outdated(
    redis: Redis, attempt: Attempt, reporter: Reporter
) -> None:
    Attempts(Records(redis)).give_back(attempt, Reason("worker-lost", "gone"), counts="lost")
    assert order_of(reporter) == "outdated"


def test_a_job_whose_record_is_gone_is_outdated(
    redis: Redis, attempt: Attempt, reporter: Reporter
) -> None:
    redis.flushall()
    assert order_of(reporter) == "outdated"


def test_drain_is_heard_at_once(
    reporter: Reporter, clock: Clock, draining: Callable[[], None]
) -> None:
    # Given a job that has just asked for orders
    reporter.obey()
    # When the worker is told to leave
    draining()
    # Then the job stops without waiting for the next time to ask
    assert order_of(reporter) == "drain"


def test_a_job_that_runs_for_longer_than_it_may_is_told_to_stop(
    redis: Redis, attempt: Attempt, clock: Clock
) -> None:
    # Given a job that may run for a minute, of which earlier attempts have taken 20 seconds
    reporter = Reporter(Attempts(Records(redis)), attempt, timeout=60, ran=20)
    # When it has run for 39 seconds more, Then it goes on
    clock.now += 39
    reporter.obey()
    # When its time is over, Then it is told to stop
    clock.now += 2
    assert order_of(reporter) == "timeout"


def test_a_job_that_was_cancelled_too_late_is_cancelled_all_the_same(
    redis: Redis, attempt: Attempt, clock: Clock
) -> None:
    reporter = Reporter(Attempts(Records(redis)), attempt, timeout=60)
    records = Records(redis)
    Changes(records).cancel(records.get(attempt.job_id))
    clock.now += 100
    assert order_of(reporter) == "cancel"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that a test may stop; all other tests have another."""
    folder = tmp_path / "own-redis"
    folder.mkdir()
    server = RedisServer(folder)
    yield server
    server.stop()


@pytest.fixture
def own(own_server: RedisServer, claim: Callable[[Redis], Attempt]) -> tuple[Redis, Attempt]:
    redis = open_redis(own_server.settings)
    return redis, claim(redis)


def said(caplog: pytest.LogCaptureFixture) -> int:
    """How often the log says that Redis does not answer; it says nothing else."""
    messages = [record.message for record in caplog.records]
    assert {m.split(":")[0] for m in messages} <= {"cannot report or ask for orders, going on"}
    return len(messages)


def train(reporter: Reporter, clock: Clock, seconds: int) -> None:
    """What a training does in so many seconds, with two batches a second."""
    for batch in range(2 * seconds):
        clock.now += 0.5
        reporter.progress({"batch": batch})
        reporter.obey()


def test_the_job_goes_on_while_redis_is_away(
    own_server: RedisServer,
    own: tuple[Redis, Attempt],
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a running attempt
    redis, attempt = own
    reporter = Reporter(Attempts(Records(redis)), attempt)
    # When Redis is away
    own_server.stop()
    with caplog.at_level(logging.WARNING, reporter_module.__name__):
        train(reporter, clock, seconds=5)
        reporter.epoch({"epoch": 1})
    # Then nothing is raised, and the log says so, once
    assert said(caplog) == 1
    # And once Redis is back, it is told and asked again
    own_server.start()
    clock.now += SILENCE_SECONDS
    reporter.progress({"batch": 2})
    reporter.epoch({"epoch": 2})
    assert [event.data for event in told(redis, attempt, "progress")] == [{"batch": 2}]
    assert [event.data for event in told(redis, attempt, "epoch")] == [{"epoch": 2}]
    records = Records(redis)
    Changes(records).cancel(records.get(attempt.job_id))
    assert order_of(reporter) == "cancel"


def test_a_redis_that_does_not_answer_is_left_alone_for_a_while(
    own_server: RedisServer, own: tuple[Redis, Attempt], clock: Clock
) -> None:
    # Given a Redis that has not answered; each question can keep the training waiting for seconds
    redis, attempt = own
    reporter = Reporter(Attempts(Records(redis)), attempt)
    own_server.stop()
    reporter.obey()
    # When it is back, and the job is cancelled
    own_server.start()
    records = Records(redis)
    Changes(records).cancel(records.get(attempt.job_id))
    # Then the next batches neither tell nor ask it anything
    clock.now += SILENCE_SECONDS / 2
    reporter.progress({"batch": 1})
    reporter.epoch({"epoch": 1})
    reporter.obey()
    assert told(redis, attempt, "progress") == told(redis, attempt, "epoch") == []
    # And a moment later they do
    clock.now += SILENCE_SECONDS / 2
    assert order_of(reporter) == "cancel"


def test_a_full_redis_is_asked_on_and_does_not_flood_the_log(
    own: tuple[Redis, Attempt], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a Redis that answers, but has no room for a report
    redis, attempt = own
    reporter = Reporter(Attempts(Records(redis)), attempt)
    redis.config_set("maxmemory", 1)
    # When a training goes on for two minutes
    with caplog.at_level(logging.WARNING, reporter_module.__name__):
        train(reporter, clock, seconds=120)
    # Then the log says so once a minute
    assert said(caplog) == 2
    # And an order is heard half a second later, as ever
    redis.config_set("maxmemory", 0)
    records = Records(redis)
    Changes(records).cancel(records.get(attempt.job_id))
    redis.config_set("maxmemory", 1)
    clock.now += 0.5
    reporter.progress({"batch": 1})
    assert order_of(reporter) == "cancel"


def test_drain_is_heard_while_redis_is_away(
    own_server: RedisServer, own: tuple[Redis, Attempt], draining: Callable[[], None]
) -> None:
    redis, attempt = own
    reporter = Reporter(Attempts(Records(redis)), attempt)
    own_server.stop()
    draining()
    assert order_of(reporter) == "drain"
