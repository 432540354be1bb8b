from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fitq_shared.errors import BadJob, StoreError
from fitq_worker.job_log import job_log
from fitq_worker.reporter import StopJob


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.txt"


def test_what_the_job_says_is_in_its_file(path: Path) -> None:
    with job_log(path) as log:
        log.info("épreuve %s", 1)
        # It is there while the job still runs
        assert "INFO épreuve 1" in path.read_text(encoding="utf-8")


def test_what_others_say_meanwhile_is_there_too(path: Path) -> None:
    # Given a job, and some other part that warns
    with job_log(path):
        logging.getLogger("somewhere.else").warning("look out")
        logging.getLogger("fitq.job").info("said by a part of the job")
    assert "WARNING look out" in path.read_text()
    assert "INFO said by a part of the job" in path.read_text()


def test_an_exception_brings_its_traceback(path: Path) -> None:
    with job_log(path) as log:
        try:
            raise ValueError("odd")
        except ValueError:
            log.exception("failed")
    assert "Traceback" in path.read_text()
    assert "ValueError: odd" in path.read_text()


def test_before_and_after_nothing_is_written(path: Path) -> None:
    # Given a log that has ended
    logging.getLogger("fitq.job").warning("too early")
    handlers = list(logging.getLogger().handlers)
    with job_log(path) as log:
        log.info("now")
    # Then what comes later belongs to another job
    log.warning("too late")
    assert "too" not in path.read_text()
    assert logging.getLogger().handlers == handlers


def test_a_job_that_fails_ends_its_log_as_well(path: Path) -> None:
    handlers = list(logging.getLogger().handlers)
    with pytest.raises(RuntimeError), job_log(path):
        raise RuntimeError
    assert logging.getLogger().handlers == handlers


@pytest.mark.parametrize("end", [StopJob("drain"), BadJob("the loss became nan")])
def test_a_full_volume_does_not_hide_how_the_job_ended(
    end: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a log on a device that is always full, from which the job's words cannot go on
    with pytest.raises(type(end)) as caught, job_log(Path("/dev/full")) as log:
        log.info("stopped")
        raise end
    # Then the job's own end is what is seen, and that its log is cut is said
    assert caught.value is end
    assert "the end of the job's log cannot be written" in caplog.text


def test_two_jobs_have_two_logs(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with job_log(tmp_path / name) as log:
            log.info("this is %s", name)
    assert "this is one" in (tmp_path / "one").read_text()
    assert "this is one" not in (tmp_path / "two").read_text()


def test_a_log_that_lies_elsewhere_is_shown_while_it_grows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a job that says something more often than its log is shown
    monkeypatch.setattr("fitq_worker.job_log.SHOWN_SECONDS", 0.0)
    shown: list[str] = []
    with job_log(path, lambda file: shown.append(file.read_text())) as log:
        log.info("first")
        log.info("second")
        # Then what it has said so far can be seen while it runs
        assert ["first" in text for text in shown] == [True, True]
        assert ["second" in text for text in shown] == [False, True]


def test_a_log_that_cannot_be_shown_ends_no_job(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fitq_worker.job_log.SHOWN_SECONDS", 0.0)

    def away(_: Path) -> None:
        raise StoreError("the store is away")

    with job_log(path, away) as log:
        log.info("going on")
    assert "going on" in path.read_text()
