from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fitq_shared.workers import DrainMode
from fitq_worker import flags
from fitq_worker.leaving import Leaving, end_child


@pytest.fixture(autouse=True)
def fresh_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that nobody has told anything, until the test is over."""
    monkeypatch.setattr(flags, "_FLAGS", bytearray(flags._SIZE))


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for the one that runs the jobs."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    monkeypatch.setattr(flags, "child_pid", lambda: process.pid)
    yield process
    process.kill()
    process.wait(20)
    assert process.stdin is not None
    process.stdin.close()


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Leaving]:
    """What hears of SIGTERM in this process, as Celery's parent tells it."""
    made = Leaving()
    before = signal.signal(signal.SIGTERM, lambda *_: made.signalled())
    yield made
    signal.signal(signal.SIGTERM, before)


def lives(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is None


def test_the_first_signal_lets_the_job_stop_at_its_next_batch(
    leaving: Leaving, child: subprocess.Popen[bytes]
) -> None:
    assert not flags.draining()
    leaving.signalled()
    assert flags.draining()
    assert not leaving.at_once
    assert lives(child)


def test_the_second_signal_ends_the_child_at_once(
    leaving: Leaving, child: subprocess.Popen[bytes]
) -> None:
    leaving.signalled()
    leaving.signalled()
    assert leaving.at_once
    assert child.wait(20) == -signal.SIGKILL
    # And any more do no harm, though the child is gone
    leaving.signalled()


def test_drained_now_is_as_the_first_signal(
    leaving: Leaving, child: subprocess.Popen[bytes]
) -> None:
    leaving.order("now")
    assert flags.draining()
    assert not leaving.at_once
    # And the signal that follows is the second
    leaving.signalled()
    assert leaving.at_once
    assert child.wait(20) == -signal.SIGKILL


def test_drained_after_the_job_lets_it_end(
    leaving: Leaving, child: subprocess.Popen[bytes]
) -> None:
    # When the worker is to leave once its job has ended
    leaving.order("after-job")
    # Then the job is not told anything
    assert not flags.draining()
    assert lives(child)
    # Unless a signal follows: then it stops at its next batch, and then at once
    leaving.signalled()
    assert flags.draining()
    assert lives(child)
    leaving.signalled()
    assert child.wait(20) == -signal.SIGKILL


def test_an_order_is_obeyed_once_however_often_it_is_read(
    leaving: Leaving, child: subprocess.Popen[bytes]
) -> None:
    """The reaper reads it once a second; only the first time it is new."""
    for _ in range(3):
        leaving.order("now")
    assert not leaving.at_once
    assert lives(child)


def test_a_stricter_order_after_a_milder_one_is_obeyed(
    leaving: Leaving, child: subprocess.Popen[bytes]
) -> None:
    leaving.order("after-job")
    assert not flags.draining()
    leaving.order("now")
    assert flags.draining()
    assert not leaving.at_once


def test_a_milder_order_after_a_stricter_one_ends_nothing(
    leaving: Leaving, child: subprocess.Popen[bytes]
) -> None:
    leaving.order("now")
    leaving.order("after-job")
    assert not leaving.at_once
    assert lives(child)


@pytest.mark.parametrize("mode", ["now", "after-job"])
def test_an_order_after_a_signal_asks_for_nothing_more(
    leaving: Leaving, child: subprocess.Popen[bytes], mode: DrainMode
) -> None:
    """Only a second signal ends the job at once."""
    leaving.signalled()
    leaving.order(mode)
    assert flags.draining()
    assert not leaving.at_once
    assert lives(child)


def test_without_a_child_there_is_nothing_to_end(leaving: Leaving) -> None:
    """The second signal comes while the first child is still loading Keras."""
    assert flags.child_pid() is None
    end_child()
    leaving.signalled()
    leaving.signalled()
    assert leaving.at_once
