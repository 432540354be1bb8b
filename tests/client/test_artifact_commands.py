"""`history`, `logs` and `pull`: what a job has made, read through the store."""

from __future__ import annotations

import json

import pytest

from fitq_shared.attempt_folder import AttemptFolder

pytestmark = pytest.mark.services

ROWS = [
    {"epoch": 1, "loss": 0.51239, "learning_rate": 0.001, "seconds": 1.5},
    {"epoch": 2, "loss": 0.25, "learning_rate": 0.001, "seconds": 1.25},
]


# -- history ----------------------------------------------------------------------------------


def test_the_history_has_a_row_an_epoch(fitq, succeeded):
    succeeded(artifacts={AttemptFolder.history_json: json.dumps(ROWS)})
    ran = fitq("history", "brave-otter")
    assert ran.code == 0
    assert [line.split() for line in ran.out.splitlines()] == [
        ["epoch", "loss", "learning_rate", "seconds"],
        ["1", "0.5124", "0.001", "1.5"],
        ["2", "0.2500", "0.001", "1.25"],
    ]
    assert fitq("history", "brave-otter", "--json").json == ROWS


def test_a_job_without_a_history_says_so(queue, fitq, records, train_job):
    records.create(train_job())
    ran = fitq("history", "brave-otter")
    assert ran.code == 2
    assert "brave-otter has no history: it is a train job, queued" in ran.err


# -- logs -------------------------------------------------------------------------------------


def test_the_log_is_printed_as_it_is(fitq, succeeded):
    succeeded(artifacts={AttemptFolder.log: "grün\nno newline at the end"})
    assert fitq("logs", "brave-otter").out == "grün\nno newline at the end"
    assert fitq("logs", "brave-otter", "--follow").out == "grün\nno newline at the end"


def test_a_job_without_a_log_leads_to_watching_it(queue, fitq, records, train_job):
    records.create(train_job())
    ran = fitq("logs", "brave-otter")
    assert ran.code == 1
    assert "has no log: the job is queued" in ran.err
    assert "fitq watch brave-otter" in ran.err


# -- pull -------------------------------------------------------------------------------------


def test_artifacts_are_copied_as_they_were_published(fitq, succeeded, nowhere):
    succeeded(artifacts={"log.txt": "done", "deep/er.bin": b"\x00\x01"})
    ran = fitq("pull", "brave-otter")
    assert ran.code == 0
    assert ran.out == "2 files, each as published: brave-otter/\n"
    assert (nowhere / "brave-otter/log.txt").read_text() == "done"
    assert (nowhere / "brave-otter/deep/er.bin").read_bytes() == b"\x00\x01"
    assert fitq("pull", "brave-otter", "a/b").code == 0
    assert (nowhere / "a/b/log.txt").is_file()


def test_a_damaged_artifact_is_not_copied(fitq, succeeded, store, nowhere):
    record = succeeded(artifacts={"log.txt": "done"})
    store.write(f"jobs/{record.id}/attempt-1/log.txt", b"gone")
    ran = fitq("pull", "brave-otter")
    assert ran.code == 1
    assert "log.txt is damaged" in ran.err
    assert not (nowhere / "brave-otter/log.txt").exists()


def test_what_has_published_nothing_cannot_be_copied(queue, fitq, records, train_job):
    records.create(train_job())
    ran = fitq("pull", "brave-otter")
    assert ran.code == 2
    assert "has published nothing: the job is queued" in ran.err


def test_a_target_that_cannot_be_written_is_named(fitq, succeeded, nowhere):
    succeeded()
    (nowhere / "file").write_text("")
    ran = fitq("pull", "brave-otter", "file/below")
    assert ran.code == 1
    assert "cannot write file/below/" in ran.err
    assert "another TARGET" in ran.err
