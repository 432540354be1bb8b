from __future__ import annotations

import threading

import pytest

from fitq.queue import Queue
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.errors import InvalidInput
from fitq_shared.record import Reason
from fitq_shared.specs.describe import DescribeJob
from support.waiting import wait_until

pytestmark = pytest.mark.services

BROKEN = Reason("bad-job", "the loss is not finite")
CHECKPOINT = f"{AttemptFolder.checkpoints}/00002-00000-{'a' * 64}.npz"


@pytest.fixture
def failed(records, train_job, claim):
    def make(spec=None, **changes):
        record = records.create(spec or train_job(**changes))
        assert Attempts(records).fail(claim(record), BROKEN)
        return records.get(record.id)

    return make


def test_a_failed_job_goes_on_from_its_last_checkpoint(queue, fitq, failed, store, records, redis):
    # Given a job that failed, and has a checkpoint
    record = failed()
    AttemptFolder.of(store, record).write(CHECKPOINT, b"weights")

    # When it is retried
    ran = fitq("retry", "brave-otter", "--no-wait")

    # Then it waits as its next attempt, and its message was sent
    assert ran.code == 0
    assert ran.out == (
        f"{record.id}  brave-otter  queued as attempt 2: goes on from its last checkpoint\n"
    )
    assert "fitq wait brave-otter" in ran.err
    current = records.get(record.id)
    assert (current.state, current.attempt, current.first_attempt) == ("queued", 2, 1)
    assert current.reason is None
    assert redis.llen(record.queue) == 1


@pytest.mark.parametrize("flags", [["--fresh"], []])
def test_without_a_checkpoint_or_with_fresh_it_goes_from_the_start(
    queue, fitq, failed, store, records, flags
):
    record = failed()
    if flags:
        AttemptFolder.of(store, record).write(CHECKPOINT, b"weights")
    ran = fitq("retry", "brave-otter", "--no-wait", *flags)
    assert ran.code == 0
    assert "queued as attempt 2: from the start" in ran.out
    assert ("it has no checkpoint" in ran.out) == (not flags)
    assert records.get(record.id).first_attempt == (2 if flags else 1)


def test_checkpoints_before_a_fresh_start_do_not_count(queue, fitq, failed, store, records, claim):
    record = failed()
    AttemptFolder.of(store, record).write(CHECKPOINT, b"weights")
    Changes(records).retry(record, fresh=True)
    Attempts(records).fail(claim(records.get(record.id)), BROKEN)
    assert "it has no checkpoint" in fitq("retry", record.name, "--no-wait").out


def test_what_a_killed_worker_has_not_finished_is_no_checkpoint(queue, fitq, failed, store):
    record = failed()
    store.write(f"jobs/{record.id}/attempt-1/{CHECKPOINT}.0123abcd.part", b"half")
    assert "it has no checkpoint" in fitq("retry", record.name, "--no-wait").out


def test_without_the_store_it_is_not_known_whether_there_is_a_checkpoint(
    queue, fitq, failed, monkeypatch
):
    failed()
    monkeypatch.delenv("FITQ_STORE")
    ran = fitq("retry", "brave-otter", "--no-wait")
    assert ran.code == 0
    assert "goes on from its last checkpoint, if it has one" in ran.out


def test_several_jobs_are_queued_and_not_followed(queue, fitq, failed, records, train_job):
    # Given a training that failed, a job of another kind that did, and one that was cancelled
    failed(name="first")
    failed(DescribeJob(name="second", owner="ann", dataset="mnist"))
    Changes(records).cancel(records.create(train_job(name="third")))

    # When all are retried, one of them named twice
    ran = fitq("retry", "first", "second", "third", "first", "--json")

    # Then each waits again
    assert ran.code == 0
    assert [(job["name"], job["state"], job["attempt"]) for job in ran.json] == [
        *(("first", "queued", 2), ("second", "queued", 2), ("third", "queued", 2)),
    ]
    assert "token" not in ran.out


def test_one_job_is_followed_to_its_end(queue, fitq, failed, records, claim):
    # Given a failed job, and a worker that takes what is queued
    record = failed()

    def work() -> None:
        wait_until(lambda: records.get(record.id).state == "queued", 60, "a retry")
        Attempts(records).succeed(claim(records.get(record.id)), "a" * 64, {"loss": 0.25})

    worker = threading.Thread(target=work)
    worker.start()

    # When it is retried
    ran = fitq("retry", record.name)
    worker.join()

    # Then its end is shown
    assert ran.code == 0
    assert f"job {record.id} (brave-otter), attempt 2: from the start" in ran.err
    assert "brave-otter succeeded\n  loss  0.2500\n" in ran.out


def test_what_cannot_be_retried_keeps_all_as_they_are(
    queue, fitq, failed, succeeded, records, train_job, claim
):
    # Given a job in each state
    broken = failed(name="broken")
    succeeded(train_job(name="done"))
    records.create(train_job(name="waiting"))
    claim(records.create(train_job(name="busy")))

    # When all are to be retried
    ran = fitq("retry", "broken", "done", "waiting", "busy", "--no-wait")

    # Then each that cannot is named with what to do instead, and nothing has changed
    assert ran.code == 2
    assert "done cannot be retried: it is succeeded" in ran.err
    assert "waiting cannot be retried: it is queued" in ran.err
    assert "busy cannot be retried: it is running" in ran.err
    assert "broken" not in ran.err
    for hint in ("fitq show done", "fitq watch waiting", "fitq cancel busy"):
        assert f"`{hint}`" in ran.err
    assert records.get(broken.id).state == "failed"


def test_of_two_who_retry_one_is_told_that_it_runs(queue, failed, records, claim):
    # Given a failed job that somebody else has retried, and that runs again
    read = failed()
    Queue(queue).retry(read)
    claim(records.get(read.id))
    # When it is retried by who still takes it for failed
    with pytest.raises(InvalidInput, match="brave-otter cannot be retried: it is running"):
        Queue(queue).retry(read)
    # Then it is as it was
    assert records.get(read.id).attempt == 2
