from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from fitq_worker.datasets.lock import alone


def test_a_second_holder_waits_for_the_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Given somebody who holds the lock, and another who wants it
    caplog.set_level(logging.INFO)
    path = tmp_path / "folder" / ".lock"
    order = []

    def second() -> None:
        with alone(path):
            order.append("second")

    # When the first leaves after the second has come to wait
    waiting = threading.Event()
    handler = logging.Handler()
    handler.emit = lambda record: waiting.set()  # type: ignore[method-assign]
    logging.getLogger("fitq_worker.datasets.lock").addHandler(handler)
    thread = threading.Thread(target=second)
    try:
        with alone(path):
            thread.start()
            assert waiting.wait(60)
            order.append("first")
        thread.join()
    finally:
        logging.getLogger("fitq_worker.datasets.lock").removeHandler(handler)

    # Then they were inside one after the other
    assert order == ["first", "second"]
    assert "waiting for the worker that holds" in caplog.text


def test_where_no_lock_can_be_made_the_body_runs_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a file where the folder of the lock should be
    (tmp_path / "folder").write_text("")

    # When the lock is asked for
    ran = False
    with alone(tmp_path / "folder" / ".lock"):
        ran = True

    # Then the body ran, and the log says why there was no lock
    assert ran
    assert "going on without the lock" in caplog.text


def test_errors_of_the_body_are_not_swallowed(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="mine"), alone(tmp_path / ".lock"):
        raise OSError("mine")


def test_without_a_path_the_body_runs() -> None:
    with alone(None):
        pass
