"""`cancel --all`, and what is said of jobs that do not stop at once."""

from __future__ import annotations

import io
import threading

import pytest

from fitq.commands import cancel
from fitq_shared.attempts import Attempts
from fitq_shared.specs.describe import DescribeJob
from support.waiting import wait_until

pytestmark = pytest.mark.services


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def some_jobs(queue, records, train_job, succeeded):
    """Jobs that wait, of two owners, and one that has ended."""
    succeeded(train_job(name="done"))
    records.create(train_job(name="first", tags=["red"]))
    records.create(train_job(name="second", owner="bob", tags=["red", "blue"]))
    records.create(DescribeJob(name="look", owner="ann", dataset="mnist"))


@pytest.fixture
def stopping(records):
    """Workers that stop these attempts when they hear of it."""
    threads = []

    def start(*attempts):
        def stop(attempt):
            wait_until(
                lambda: Attempts(records).order(attempt) == "cancel", 60, "the order to stop"
            )
            Attempts(records).cancelled(attempt)

        for attempt in attempts:
            threads.append(threading.Thread(target=stop, args=(attempt,)))
            threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--mine"], ["first", "look"]),
        (["--owner", "bob"], ["second"]),
        (["--tag", "red"], ["first", "second"]),
        (["--tag", "red", "--tag", "blue"], ["second"]),
        (["--mine", "--kind", "describe"], ["look"]),
        (["--mine", "--state", "queued"], ["first", "look"]),
        (["--mine", "--state", "running"], []),
        (["--yes"], ["first", "second", "look"]),
        (["--owner", "nobody"], []),
    ],
)
def test_all_that_match_are_cancelled(some_jobs, fitq, records, flags, names):
    ran = fitq("cancel", "--all", *flags)
    assert ran.code == 0
    count = f"cancelled {len(names)} job{'s' if len(names) != 1 else ''}"
    assert ran.out == (f"{count}\n" if names else "no jobs to cancel\n")
    assert {r.name for r in records.all() if r.state == "cancelled"} == set(names)
    assert records.find("done").state == "succeeded"


def test_running_jobs_are_waited_for_together(queue, fitq, records, train_job, claim, stopping):
    # Given two running jobs whose workers stop them, and one that waits
    running = [records.create(train_job(name=name)) for name in ("first", "second")]
    stopping(*map(claim, running))
    records.create(train_job(name="third"))

    # When all of mine are cancelled
    ran = fitq("cancel", "--all", "--mine", "--json")

    # Then all have ended
    assert ran.code == 0
    assert sorted((job["name"], job["outcome"]) for job in ran.json) == [
        *(("first", "cancelled"), ("second", "cancelled"), ("third", "cancelled")),
    ]
    assert {record.state for record in records.all()} == {"cancelled"}


def test_one_that_does_not_stop_is_told_apart(
    queue, fitq, records, train_job, claim, monkeypatch, stopping
):
    # Given a job whose worker does not stop it, and one that waits
    monkeypatch.setattr(cancel, "WAIT_SECONDS", 0.2)
    stuck = records.create(train_job(name="stuck"))
    claim(stuck)
    records.create(train_job(name="waiting"))

    # When both are cancelled
    ran = fitq("cancel", "--all", "--mine")

    # Then it is said that its worker will end it
    assert ran.code == 0
    assert ran.out.splitlines() == [
        f"{stuck.id}  stuck  stopping: at its next batch; "
        "if it is stuck, its worker ends it within seconds",
        "cancelled 1 job; 1 not yet, or not any more: see above",
    ]
    assert records.get(stuck.id).cancel


def test_a_job_that_ends_before_it_could_stop_is_told(queue, fitq, records, train_job, claim):
    # Given a job that succeeds although it was told to stop
    record = records.create(train_job())
    attempt = claim(record)

    def work() -> None:
        wait_until(lambda: Attempts(records).order(attempt) == "cancel", 60, "the order to stop")
        Attempts(records).succeed(attempt, "a" * 64, {})

    worker = threading.Thread(target=work)
    worker.start()

    # When it is cancelled
    ran = fitq("cancel", record.name)
    worker.join()

    # Then that has failed
    assert ran.code == 1
    assert ran.out.rstrip().endswith("had ended before it could stop: succeeded")


def test_jobs_of_others_are_not_cancelled_without_a_question(some_jobs, fitq, records, monkeypatch):
    # Given nobody who could answer
    ran = fitq("cancel", "--all", "--kind", "train")
    assert ran.code == 2
    assert "Cancel 2 jobs, whoever submitted them?" in ran.err
    assert "try: add --yes" in ran.err

    # Given somebody who says no
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    ran = fitq("cancel", "--all", "--kind", "train")
    assert (ran.code, ran.out) == (1, "")
    assert "nothing was cancelled" in ran.err
    assert records.find("first").state == "queued"

    # Given somebody who says yes
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert fitq("cancel", "--all", "--kind", "train").code == 0
    assert {records.find(name).state for name in ("first", "second")} == {"cancelled"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give either jobs or --all"),
        (["first", "--all", "--mine"], "give either jobs or --all"),
        (["first", "--mine"], "choose among all jobs"),
        (["--all", "--yes", "--state", "failed"], "--state = 'failed': expected one of queued"),
        (["--all", "--yes", "--state", "runing"], "(did you mean 'running'?)"),
        (["--all", "--yes", "--kind", "trains"], "(did you mean 'train'?)"),
    ],
)
def test_what_makes_no_sense_is_wrong_use(some_jobs, fitq, records, arguments, said):
    ran = fitq("cancel", *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert records.find("first").state == "queued"
