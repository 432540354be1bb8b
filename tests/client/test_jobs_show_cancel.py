from __future__ import annotations

import threading

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.record import Reason
from fitq_shared.specs.describe import DescribeJob
from support.waiting import wait_until

pytestmark = pytest.mark.services


@pytest.fixture
def some_jobs(records, train_job, succeeded, claim):
    """Jobs in four states, of two owners."""
    succeeded(train_job(name="done", tags=["red"]))
    Attempts(records).fail(
        claim(records.create(train_job(name="broken", owner="bob"))),
        Reason("out-of-memory", "the GPU is full", "take a smaller batch"),
    )
    claim(records.create(train_job(name="busy", tags=["red", "blue"])))
    records.create(DescribeJob(name="look", owner="ann", dataset="mnist"))


# -- jobs -------------------------------------------------------------------------------------


def test_without_jobs_i_am_told_how_to_submit_one(queue, fitq):
    ran = fitq("jobs")
    assert (ran.code, ran.out) == (0, "")
    assert "submit one with `fitq train`" in ran.err
    assert fitq("jobs", "--json").json == []


def test_jobs_are_listed_with_what_matters(some_jobs, fitq):
    ran = fitq("jobs")
    assert ran.code == 0
    header, *lines = ran.out.splitlines()
    assert header.split()[:5] == ["id", "name", "kind", "what", "state"]
    assert [line.split()[1] for line in lines] == ["look", "busy", "broken", "done"]
    assert "val_accuracy 0.9876" in lines[3]
    assert "mlp on mnist, 5 epochs" in lines[1]
    assert lines[1].rstrip().endswith("red,blue")
    assert "\x1b" not in ran.out


def test_jobs_for_programs_have_no_secrets(some_jobs, fitq, records):
    listed = fitq("jobs", "--json").json
    assert [job["name"] for job in listed] == ["look", "busy", "broken", "done"]
    assert listed[2]["reason"]["message"] == "the GPU is full"
    token = records.find("busy").token
    assert token not in fitq("jobs", "--json").out


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--mine"], ["look", "busy", "done"]),
        (["--owner", "bob"], ["broken"]),
        (["--tag", "red"], ["busy", "done"]),
        (["--tag", "red", "--tag", "blue"], ["busy"]),
        (["--state", "running"], ["busy"]),
        (["--state", "failed", "--state", "queued"], ["look", "broken"]),
        (["--kind", "describe"], ["look"]),
        (["--limit", "2"], ["look", "busy"]),
        (["--mine", "--kind", "train", "--limit", "1"], ["busy"]),
        (["--owner", "nobody"], []),
    ],
)
def test_jobs_can_be_narrowed_down(some_jobs, fitq, flags, names):
    ran = fitq("jobs", "--json", *flags)
    assert [job["name"] for job in ran.json] == names


def test_a_list_that_is_cut_says_so(some_jobs, fitq):
    for flags in ([], ["--json"]):
        cut = fitq("jobs", "--limit", "3", *flags)
        assert "only the newest 3; there are more: raise --limit" in cut.err
        assert "broken" in cut.out
        assert "done" not in cut.out
    assert fitq("jobs", "--limit", "4").err == ""


def test_all_wrong_filters_are_named_at_once(queue, fitq):
    ran = fitq("jobs", "--state", "runing", "--state", "done", "--kind", "trains")
    assert ran.code == 2
    assert "--state = 'runing': expected one of" in ran.err
    assert "(did you mean 'running'?)" in ran.err
    assert "--state = 'done'" in ran.err
    assert "(did you mean 'train'?)" in ran.err


# -- show -------------------------------------------------------------------------------------


def test_a_job_is_shown_with_its_results_and_where_they_lie(fitq, succeeded, train_job, store):
    # Given a job that has succeeded
    record = succeeded(train_job(tags=["red"]), {"log.txt": "", "model.keras": "m"}, {"loss": 0.25})

    # When I look at it
    ran = fitq("show", "brave-otter")

    # Then I see what it was, what came out, and where
    assert ran.code == 0
    assert ran.out.startswith("brave-otter  succeeded\n")
    for said in (
        record.id,
        "mlp on mnist, 5 epochs",
        "ann",
        "red",
        "blue, 4 cores",
        "loss  0.2500",
    ):
        assert said in ran.out
    assert f"{store.folder}/jobs/{record.id}/attempt-1" in ran.out
    assert "    model.keras\n" in ran.out
    assert "  model            {" in ran.out


def test_a_failed_job_is_shown_with_its_reason(some_jobs, fitq):
    ran = fitq("show", "broken")
    assert "reason\n  the GPU is full\n  try: take a smaller batch\n" in ran.out


@pytest.mark.parametrize("name", ["done", "broken", "busy", "look"])
def test_every_job_can_be_shown_to_programs(some_jobs, fitq, name, records):
    shown = fitq("show", name, "--json").json
    assert shown["name"] == name
    assert shown["state"] == records.find(name).state
    assert "token" not in shown
    assert shown["files"] == (["manifest.json", "model.keras"] if name == "done" else [])


def test_without_a_store_all_but_the_artifacts_is_shown(fitq, succeeded, monkeypatch):
    succeeded()
    monkeypatch.delenv("FITQ_STORE")
    assert "artifacts" not in fitq("show", "brave-otter", "--json").json
    ran = fitq("show", "brave-otter")
    assert ran.code == 0
    assert "artifacts" not in ran.out


@pytest.mark.parametrize("command", ["show", "watch", "logs", "history", "pull", "cancel", "wait"])
def test_a_job_that_is_not_there_is_wrong_use(some_jobs, fitq, command):
    ran = fitq(command, "brokn")
    assert ran.code == 2
    assert "there is no job 'brokn'; did you mean 'broken'?" in ran.err
    assert "try: see `fitq jobs`" in ran.err


# -- cancel -----------------------------------------------------------------------------------


def test_queued_jobs_are_cancelled(queue, fitq, records, train_job):
    first, second = (records.create(train_job(name=name)) for name in ("first", "second"))
    ran = fitq("cancel", "first", second.id[:6])
    assert ran.code == 0
    assert ran.out == f"{first.id}  first  cancelled\n{second.id}  second  cancelled\n"
    assert [record.state for record in records.all()] == ["cancelled"] * 2


def test_a_job_that_has_ended_cannot_be_cancelled(queue, fitq, succeeded):
    record = succeeded()
    ran = fitq("cancel", record.name)
    assert ran.code == 1
    assert ran.out == f"{record.id}  brave-otter  had already ended: succeeded\n"


def test_one_that_has_ended_does_not_keep_the_others(queue, fitq, succeeded, records, train_job):
    succeeded(train_job(name="done"))
    records.create(train_job(name="waiting"))
    assert fitq("cancel", "done", "waiting").code == 1
    assert records.find("waiting").state == "cancelled"


def test_an_unknown_job_keeps_all_from_being_cancelled(queue, fitq, records, train_job):
    records.create(train_job(name="waiting"))
    ran = fitq("cancel", "waiting", "nothing", "watiing")
    assert ran.code == 2
    # Each of them is named
    assert "there is no job 'nothing'\n" in ran.err
    assert "there is no job 'watiing'; did you mean 'waiting'?" in ran.err
    assert ran.err.count("see `fitq jobs`") == 1
    assert records.find("waiting").state == "queued"


def test_a_job_that_was_cancelled_before_is_as_it_should_be(queue, fitq, records, train_job):
    record = records.create(train_job())
    for _ in range(2):
        ran = fitq("cancel", record.id)
        assert (ran.code, ran.out) == (0, f"{record.id}  brave-otter  cancelled\n")


def test_a_running_job_is_waited_for_until_it_has_stopped(queue, fitq, records, train_job, claim):
    # Given a job whose worker stops when it hears of the cancellation
    record = records.create(train_job())
    attempt = claim(record)

    def worker() -> None:
        wait_until(lambda: Attempts(records).order(attempt) == "cancel", 60, "the order to stop")
        Attempts(records).cancelled(attempt)

    thread = threading.Thread(target=worker)
    thread.start()

    # When it is cancelled
    ran = fitq("cancel", record.name)
    thread.join()

    # Then it is said that it has stopped
    assert ran.code == 0
    assert ran.out == f"{record.id}  brave-otter  cancelled\n"
