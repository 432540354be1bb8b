"""Whatever a block does, it is interrupted; and nothing of that outlives it."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import Any

import keras
import pytest

from fitq_worker.interrupting import Interrupting
from fitq_worker.reporter import StopJob
from fitq_worker.time_limit import TimeLimit


class Cancelled:
    """A reporter of a job that is to stop."""

    def obey(self) -> None:
        raise StopJob("cancel")


def is_stopped() -> bool:
    return signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_what_never_asks_is_interrupted() -> None:
    before = signal.getsignal(signal.SIGALRM)
    # When something that never ends runs, and catches what it can
    with pytest.raises(StopJob), Interrupting(Cancelled()):  # type: ignore[arg-type]
        while True:
            try:
                time.sleep(60)
            except StopJob:
                break
        while True:
            pass
    # Then it is interrupted, and all is as before
    assert is_stopped()
    assert signal.getsignal(signal.SIGALRM) is before


class Endless(keras.layers.Layer):
    """A layer whose call does not come to an end."""

    def call(self, inputs: Any) -> Any:
        while True:
            time.sleep(0.01)


def _calls_a_layer() -> None:
    Endless()(keras.Input((2,)))


def _raises_another() -> None:
    try:
        time.sleep(60)
    except StopJob as stop:
        raise RuntimeError("the code's own words") from stop


@pytest.mark.parametrize("work", [_calls_a_layer, _raises_another])
@pytest.mark.parametrize("kind", [Interrupting, TimeLimit])
def test_the_order_is_what_it_was_whatever_the_block_makes_of_it(kind: Any, work: Any) -> None:
    # Given a block that says the interruption in words of its own, as Keras does in layers
    block = kind(*(["net.py:build"] if kind is TimeLimit else []), Cancelled())
    # Then what leaves it is the order
    with pytest.raises(StopJob) as caught, block:
        work()
    assert caught.value.order == "cancel"


@pytest.mark.parametrize(("name", "event"), [("__enter__", "return"), ("__exit__", "call")])
@pytest.mark.parametrize("kind", [Interrupting, TimeLimit])
def test_an_alarm_at_the_edge_of_the_block_does_not_outlive_it(
    monkeypatch: pytest.MonkeyPatch, kind: Any, name: str, event: str
) -> None:
    # Given an alarm that rings when the clock is just set, or about to be stopped
    monkeypatch.setenv("FITQ_BUILD_SECONDS", "1e-9")
    code = getattr(Interrupting, name).__code__
    rung: list[str] = []

    def ring(frame: FrameType, what: str, _: object) -> None:
        if frame.f_code is code and what == event:
            rung.append(name)
            signal.raise_signal(signal.SIGALRM)

    before = signal.getsignal(signal.SIGALRM)
    block = kind(*(["net.py:build"] if kind is TimeLimit else []), Cancelled())
    # When the block is over before the next one
    sys.setprofile(ring)
    try:
        with block:
            pass
    finally:
        sys.setprofile(None)
    # Then no alarm comes any more
    assert rung == [name]
    assert is_stopped()
    assert signal.getsignal(signal.SIGALRM) is before
