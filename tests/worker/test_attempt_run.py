"""What the child does around the work itself: claiming an attempt, and giving up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.celery_app import make_app
from fitq_shared.errors import JobError
from fitq_shared.lease import Lease
from fitq_shared.record import Attempt, JobRecord, Reason
from fitq_shared.record_keys import job_key
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from fitq_shared.specs.check import CheckJob
from fitq_shared.specs.describe import DescribeJob
from fitq_shared.store import Store
from fitq_worker import attempt_run, flags, volume
from fitq_worker.attempt_end import NotPublished
from fitq_worker.attempt_run import run_attempt, run_claimed
from fitq_worker.child import CHILD_CANNOT_GO_ON
from fitq_worker.identity import Identity

pytestmark = pytest.mark.services


class Ended(BaseException):
    """The process would have ended with this code."""


@pytest.fixture
def records(redis: Redis) -> Records:
    return Records(redis)


@pytest.fixture
def record(records: Records) -> JobRecord:
    return records.create(DescribeJob(name="one", owner="tester", dataset="mnist"))


@pytest.fixture
def run(
    settings: Settings, identity: Identity, record: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Let this process run the job's message as the child does; the work itself is done at once."""

    def end(code: int) -> None:
        raise Ended(code)

    monkeypatch.setitem(attempt_run.HANDLERS, "describe", lambda *_: {})
    monkeypatch.setattr(attempt_run.os, "_exit", end)
    monkeypatch.setattr(attempt_run.logging, "shutdown", lambda: None)
    monkeypatch.setenv(volume.VARIABLE, "")  # and what it was comes back after the test
    volume.remember(settings)
    attempt_run.prepare(make_app(settings), settings, identity)
    return lambda: run_attempt(record.id, 1, record.spec_hash) and None


def test_a_worker_whose_lease_has_lapsed_takes_it_again_and_runs_the_job(
    records: Records, record: JobRecord, run: Callable[[], None]
) -> None:
    # Given a worker that nobody's lease keeps from its device, and that holds none
    # When a message comes
    run()
    # Then its job runs
    assert records.get(record.id).state == "succeeded"


def test_a_worker_whose_device_is_another_s_takes_no_job(
    redis: Redis, records: Records, record: JobRecord, run: Callable[[], None], identity: Identity
) -> None:
    assert Lease(redis, identity.resource, "another", 600).acquire()
    with pytest.raises(NotPublished, match="no-lease"):
        run()
    assert records.get(record.id).state == "queued"


def test_a_job_whose_volume_goes_away_is_queued_again_whatever_it_met(
    records: Records,
    record: JobRecord,
    run: Callable[[], None],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a job in the middle of which the volume is unmounted, and which then misses a file
    place = Path(settings.store_url or "")

    def work(*_: object) -> dict[str, float]:
        place.rename(place.with_name("elsewhere"))
        place.mkdir()
        monkeypatch.setattr(flags, "draining", lambda: True)  # it does not wait for the volume
        return {"bytes": float((place / "datasets").stat().st_size)}

    monkeypatch.setitem(attempt_run.HANDLERS, "describe", work)
    # When it runs
    with pytest.raises(NotPublished):
        run()
    # Then it is no fault of the job, and nothing was written in the volume's place
    assert (records.get(record.id).state, records.get(record.id).faults) == ("queued", 1)
    assert list(place.iterdir()) == []


def test_a_process_of_the_child_that_cannot_reach_redis_is_no_lost_worker(
    redis: Redis,
    record: JobRecord,
    run: Callable[[], None],
    settings: Settings,
    identity: Identity,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a job that runs with another number of threads, so in a process of its own,
    # which Redis turns away
    redis.hset(job_key(record.id), "threads", identity.threads + 1)
    monkeypatch.setenv("FITQ_REDIS_URL", settings.redis_url.replace("//", "//nobody:wrong@"))
    monkeypatch.setenv("FITQ_STORE", settings.store_url or "")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    # When it runs, Then the child ends as if Redis had turned it away itself
    with pytest.raises(Ended) as ended:
        run()
    assert ended.value.args == (CHILD_CANNOT_GO_ON,)


def test_an_attempt_that_is_outdated_when_it_begins_leaves_the_next_one_alone(
    settings: Settings,
    redis: Redis,
    claim: Callable[[Redis], Attempt],
    identity: Identity,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a worker that claimed a job, and was paused until the job was given back
    attempt = claim(redis)
    records = Records(redis)
    Attempts(records).give_back(attempt, Reason("worker-lost", "gone"), counts="lost")
    before = records.get(attempt.job_id)
    assert before.attempt == 2
    monkeypatch.setattr(attempt_run, "_child", None, raising=False)
    attempt_run.prepare(make_app(settings), settings, identity)
    # When it goes on
    with pytest.raises(NotPublished, match="outdated"):
        run_claimed(attempt)
    # Then it has neither written into the folder of the next attempt nor changed the record
    assert Store(settings.store_url or "").files("jobs") == []
    assert records.get(attempt.job_id) == before


@pytest.mark.parametrize("allows", [False, True])
def test_a_worker_that_does_not_allow_code_leaves_a_job_that_brings_some(
    records: Records, identity: Identity, settings: Settings, run: Callable[[], None], allows: bool
) -> None:
    # Given a job with code, and its message in a queue of jobs without
    bundle = {"path": f"inputs/{'0' * 64}.tar", "sha256": "0" * 64, "file": "net.py"}
    model = {"type": "code", "bundle": bundle, "module": "net", "function": "build"}
    spec = CheckJob.parse({"name": "two", "owner": "tester", "model": model})
    record = records.create(spec)
    attempt_run.prepare(make_app(settings), settings, replace(identity, allows_code=allows))
    # When a worker gets it
    with pytest.raises(NotPublished if not allows else JobError) as outcome:
        run_attempt(record.id, 1, record.spec_hash)
    # Then one that does not allow code leaves it for another, and one that does takes it
    assert (records.get(record.id).state == "queued") is not allows
    assert ("not-allowed" in str(outcome.value)) is not allows
