"""What the storm takes for the effect of a fault, and for the fall of a worker."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from fitq_shared.settings import Settings
from storm.member import Member
from storm.plan import Planned
from storm.strike import Strike
from support.redis_server import RedisServer
from support.waiting import wait_until
from support.worker import Worker

CORE = str(min(os.sched_getaffinity(0)))


def test_a_fault_is_seen_by_its_effect_alone() -> None:
    # Given a fault of which only other things were seen
    made = Strike(Planned(number=1, kind="stop", worker=0, pause=0.0, chance=0.5))
    made.begins("cpu0")
    assert made.lasts
    made.note("continued")
    assert not made.observed
    # When its effect is seen
    made.saw("state T")
    assert made.observed
    assert made.lasts
    # Then a complaint outweighs it
    made.complaint = "one of them ran on"
    made.ends()
    assert not made.observed
    assert not made.lasts


def test_a_worker_that_has_to_be_killed_is_told_from_one_that_leaves(
    settings: Settings, tmp_path: Path
) -> None:
    # Given a worker that does not hear that it is to leave
    worker = Worker(settings, tmp_path, CORE)
    process = psutil.Process(worker.process.pid)
    process.suspend()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED, 10, "a stop")
    # When it is stopped
    left = worker.stop(patience_seconds=0.5)
    # Then it is gone, and that was not by itself
    assert left is None
    assert worker.process.poll() is not None


def test_a_worker_that_is_gone_before_it_is_told_to_leave_has_fallen(
    redis_server: RedisServer, settings: Settings, tmp_path: Path
) -> None:
    # Given a worker that ended although nobody told it to
    member = Member(settings, tmp_path, CORE, redis_server.port, {})
    member.worker.process.kill()
    member.worker.process.wait(timeout=20)
    # When its place is given up
    member.stop()
    # Then that is a fall
    assert [fall.partition(") ")[2] for fall in member.falls] == ["ended by itself with code -9"]
