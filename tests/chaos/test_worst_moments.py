"""Faults at the moments that hurt most, on two workers behind proxies.

The clock of one of the two hosts is an hour off throughout.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from conftest import missing
from fitq.queue import Queue
from fitq_shared.errors import StackError
from fitq_shared.record import JobRecord
from fitq_shared.settings import Settings
from storm.faults.messages import start_standing_client
from storm.member import Member
from storm.moments import about_to_seal, sealed
from support.broken_jobs import assert_published_once, submit_long
from support.jobs import event_types, training, wait_for_epoch, wait_for_state
from support.redis_server import RedisServer
from support.waiting import wait_until

MOST_TRIES = 6
CLOCKS = Path(__file__).parents[1] / "support" / "clocks"

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two workers need two cores"),
]


@dataclass
class Stage:
    """Two workers on a queue of their own; the second one's clock is an hour ahead."""

    settings: Settings
    client: Queue
    members: list[Member]

    def attempt_folder(self, record: JobRecord, attempt: int) -> Path:
        return Path(self.settings.store_url or "") / "jobs" / record.id / f"attempt-{attempt}"

    def runs(self, record: JobRecord, attempt: int) -> bool:
        current = self.client.job(record.id)
        return (current.state, current.attempt) == ("running", attempt)

    def runner_of(self, record: JobRecord) -> Member:
        """The worker that runs the job, as soon as one does."""

        def ask() -> Member | None:
            hits = [(member, member.running()) for member in self.members]
            return next((member for member, hit in hits if hit and hit.job == record.id), None)

        found = wait_until(ask, 60, f"a worker for {record.name}")
        assert found is not None
        return found

    @staticmethod
    def given_up(member: Member, record: JobRecord) -> bool:
        """Whether the worker has come to the end of the first attempt, without a result."""
        ended = rf"Task fitq\.train\[{record.id}-1-\w+\] ignored"
        return re.search(ended, member.worker.text()) is not None

    def hold_a_commit(self) -> tuple[JobRecord, Member]:
        """A job, and its worker of which nothing reaches Redis from the end of the training on.

        That moment is short: where it was missed, another job is tried.
        """
        for _ in range(MOST_TRIES):
            record = submit_long(self.client)
            runner = self.runner_of(record)
            folder = self.attempt_folder(record, 1)
            if about_to_seal(folder, lambda job=record: self.runs(job, 1)):  # type: ignore[misc]
                runner.proxy.hold()
                if sealed(folder) and self.runs(record, 1):
                    return record, runner
                runner.proxy.release()
            wait_for_state(self.client, record, "succeeded", "failed", "cancelled")
        pytest.fail(f"of {MOST_TRIES} trainings none was met between its end and its commit")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, filled_cache: Path) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    volume = folder / "volume"
    volume.mkdir()
    (volume / "datasets").symlink_to(filled_cache)
    try:
        server = RedisServer(folder)
    except StackError as error:
        missing(error.message)
        raise
    settings = replace(server.settings, store_url=str(volume), lease_seconds=5.0)
    first, second = (str(core) for core in sorted(os.sched_getaffinity(0))[:2])
    off = {"PYTHONPATH": str(CLOCKS / "hour_ahead")}
    members = [
        Member(settings, folder, first, server.port, {}),
        Member(settings, folder, second, server.port, off),
    ]
    for member in members:
        wait_until(member.ready, 120, f"a worker that is ready (see {member.worker.log})")
    yield Stage(settings, Queue(settings), members)
    for member in members:
        member.stop()
    server.stop()


def test_a_clock_that_is_an_hour_off_takes_and_loses_no_job(stage: Stage) -> None:
    # Given two trainings, each longer than a lease, of which each worker runs one
    first, second = submit_long(stage.client), submit_long(stage.client)
    assert stage.runner_of(first) is not stage.runner_of(second)
    # When they have ended
    ended = [wait_for_state(stage.client, job, "succeeded", "failed") for job in (first, second)]
    # Then each did in its first attempt: neither worker thought the other one's lease was over
    assert [(job.state, job.attempt, job.losses) for job in ended] == [("succeeded", 1, 0)] * 2
    # And all times are by one clock
    assert abs((ended[0].finished or 0) - (ended[1].finished or 0)) < 600


def test_killed_between_the_last_artifact_and_the_commit(stage: Stage) -> None:
    # Given a training whose artifacts are all there, manifest included, and whose commit is not
    record, runner = stage.hold_a_commit()
    # When its process is killed, and what it had sent is lost
    child = runner.child()
    assert child is not None
    child.kill()
    psutil.wait_procs([child], timeout=10)
    runner.proxy.cut()
    runner.proxy.release()
    # Then the second attempt is what is published
    assert_published_once(stage.client, record, attempt=2)


def test_a_commit_that_arrives_when_another_attempt_has_begun(stage: Stage) -> None:
    # Given a commit that is on its way for longer than the lease
    record, runner = stage.hold_a_commit()
    # When it arrives while another worker runs the second attempt
    wait_until(lambda: stage.runs(record, 2), 60, "the second attempt")
    runner.proxy.release()
    # Then it changes nothing, also when its worker has seen that
    wait_until(lambda: stage.given_up(runner, record), 60, "the end of the outdated attempt")
    assert_published_once(stage.client, record, attempt=2)


def test_a_connection_cut_for_longer_than_the_lease(stage: Stage) -> None:
    # Given a training whose worker is cut off from Redis
    record = submit_long(stage.client)
    wait_for_epoch(stage.client, record)
    runner = stage.runner_of(record)
    assert runner.proxy.refuse() > 0
    # When another worker runs the second attempt, and the first one finds its way back
    wait_until(lambda: stage.runs(record, 2), 60, "the second attempt")
    runner.proxy.accept()
    # Then only the second attempt is published, also when the first one has ended, wherever the
    # cut met it, and the worker has outlived that
    wait_until(lambda: stage.given_up(runner, record), 60, "the end of the outdated attempt")
    assert_published_once(stage.client, record, attempt=2)
    assert runner.worker.process.poll() is None


def test_a_client_killed_between_record_and_message(stage: Stage) -> None:
    # Given a client that has written a job's record
    spec = training(stage.client)
    dying = start_standing_client(stage.settings, spec)
    assert dying.stdout is not None
    job = dying.stdout.readline().strip()
    # When it is killed before it sends the message
    dying.send_signal(signal.SIGKILL)
    assert dying.wait(timeout=20) == -signal.SIGKILL
    dying.stdout.close()
    # Then the job runs all the same, once
    record = stage.client.job(job)
    assert wait_for_state(stage.client, record, "succeeded", "failed").attempt == 1
    assert event_types(stage.client, record) == ["queued", "started", "succeeded"]
