"""`--timeout`, and what `show` tells of a job's attempts."""

from __future__ import annotations

import re

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.record import Reason

LEAST = ("train", "--dataset", "mnist", "--model", "mlp", "--dry-run")
LOST = Reason("worker-lost", "the worker blue stopped answering")
FULL = Reason("store", "the volume is full")


@pytest.mark.parametrize(
    ("given", "seconds"), [("90", 90), ("90s", 90), ("15min", 900), ("1d", 86400)]
)
def test_a_timeout_may_be_written_as_people_do(fitq, given, seconds):
    assert fitq(*LEAST, "--timeout", given).json["timeout"] == seconds


def test_a_job_file_may_say_so_too_and_the_flag_wins(fitq, nowhere):
    (nowhere / "job.toml").write_text('dataset = "mnist"\nmodel = "mlp"\ntimeout = "2h"\n')
    assert fitq("train", "-f", "job.toml", "--dry-run").json["timeout"] == 7200
    ran = fitq("train", "-f", "job.toml", "--dry-run", "--timeout", "10min")
    assert ran.json["timeout"] == 600


def test_without_one_a_job_may_run_for_ever(fitq):
    assert fitq(*LEAST).json["timeout"] is None


def test_a_wrong_timeout_is_named_with_the_other_mistakes(fitq):
    ran = fitq(*LEAST, "--timeout", "soon", "--epochs", "0")
    assert ran.code == 2
    assert "timeout = 'soon': expected a time such as 90, 90s, 15min, 2h or 1d" in ran.err
    assert "epochs = 0: expected" in ran.err


@pytest.mark.services
@pytest.mark.parametrize("command", [["evaluate"], ["predict", "--dataset", "mnist"]])
def test_jobs_with_a_model_may_have_one(queue, fitq, succeeded, command):
    succeeded()
    ran = fitq(*command, "brave-otter", "--dry-run", "--timeout", "2h")
    assert ran.json["timeout"] == 7200


@pytest.mark.services
def test_the_first_attempt_of_a_job_needs_few_words(queue, fitq, records, train_job):
    records.create(train_job())
    ran = fitq("show", "brave-otter")
    assert "  attempt  1\n" in ran.out
    for absent in ("  timeout ", "tried again", "lost"):
        assert absent not in ran.out.partition("spec\n")[0]


@pytest.mark.services
def test_what_befell_a_job_is_shown(queue, fitq, records, train_job, claim):
    # Given a job that lost a worker, met two faults, and waits before it is tried again
    record = records.create(train_job(timeout="90min"))
    for reason, counts in ((LOST, "lost"), (FULL, "fault"), (FULL, "fault")):
        current = records.get(record.id)
        if current.due is not None:
            assert Changes(records).may_resend(current)
        Attempts(records).give_back(claim(records.get(record.id)), reason, counts=counts)

    # When it is shown
    ran = fitq("show", record.id)

    # Then all of it is told
    assert "  attempt  4, 1 lost worker, 2 faults of the infrastructure\n" in ran.out
    assert re.search(r"^  due      tried again at \d\d:\d\d:\d\d$", ran.out, re.MULTILINE)
    assert "  timeout  90 min\n" in ran.out
    shown = fitq("show", record.id, "--json").json
    assert (shown["losses"], shown["faults"], shown["attempt"]) == (1, 2, 4)
    assert shown["due"] is not None


@pytest.mark.services
def test_a_fresh_start_is_shown(queue, fitq, records, train_job, claim):
    record = records.create(train_job())
    Attempts(records).fail(claim(record), LOST)
    Changes(records).retry(records.get(record.id), fresh=True)
    assert "  attempt  2, from the start since attempt 2\n" in fitq("show", record.id).out
