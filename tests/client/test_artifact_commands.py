"""`history`, `logs` and `pull`: what a job has made, read through the store."""

from __future__ import annotations

import json

import pytest

from fitq.queue import AWAY, Queue
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.record import Reason
from support.proxy import Proxy

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
    assert "next: fitq pull brave-otter" in ran.err
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


class Told:
    """What `fitq logs` has printed so far, and what is to happen when it has printed something."""

    def __init__(self, monkeypatch):
        self.text = ""
        self._next = []
        monkeypatch.setattr("fitq.commands.logs.click.echo", self.echo)

    def when(self, text, do):
        self._next.append((text, do))

    def echo(self, message="", err=False, **_):
        if not err:
            self.text += message
            if self._next and self.text.endswith(self._next[0][0]):
                self._next.pop(0)[1]()


@pytest.fixture
def told(monkeypatch):
    return Told(monkeypatch)


def test_a_followed_log_goes_on_through_attempts_to_a_failure(
    queue, fitq, records, train_job, claim, store, told, redis
):
    # Given a running job, with a log that ends within a letter for now
    record = records.create(train_job())
    attempt = claim(record)
    first, second = (AttemptFolder(store, record.id, number) for number in (1, 2))
    text = "first: grün\n".encode()
    first.write(AttemptFolder.log, text[:-3])

    def lose_the_worker():
        # When its last lines come, and another attempt begins before the next look
        first.write(AttemptFolder.log, text + b"the end of the first\n")
        lost = Reason("worker-lost", "the worker blue stopped answering")
        assert Attempts(records).give_back(attempt, lost, counts="lost") == "queued"
        second.write(AttemptFolder.log, b"second: ")

    def fail():
        redis.delete(f"fitq:lease:cpu:host:{record.id}")
        again = claim(records.get(record.id))
        second.write(AttemptFolder.log, b"second: not finite\n")
        assert Attempts(records).fail(again, Reason("bad-job", "the loss is not finite"))

    told.when("first: gr", lose_the_worker)
    told.when("second: ", fail)

    # When it is followed to its end
    ran = fitq("logs", "brave-otter", "--follow")

    # Then every line of both was printed once, as it is; and the job has not succeeded
    assert told.text == "first: grün\nthe end of the first\nsecond: not finite\n"
    assert ran.code == 1


def test_following_a_log_outlives_an_outage(
    queue, fitq, records, train_job, claim, store, told, redis_server, monkeypatch
):
    # Given a running job, and a Redis that goes away for a while once its log is followed
    proxy = Proxy(redis_server.port)
    monkeypatch.setenv("FITQ_REDIS_URL", f"redis://127.0.0.1:{proxy.port}/0")
    record = records.create(train_job())
    attempt = claim(record)
    folder = AttemptFolder(store, record.id, 1)
    folder.write(AttemptFolder.log, b"half ")

    def go_away():
        proxy.refuse()
        folder.write(AttemptFolder.log, b"half a line\n")
        Attempts(records).succeed(attempt, folder.seal(), {})

    told.when("half ", go_away)
    patient = Queue.patient
    monkeypatch.setattr(
        Queue, "patient", lambda self: patient(self, lambda text: text == AWAY and proxy.accept())
    )
    # When it is followed
    ran = fitq("logs", "brave-otter", "-f")
    proxy.stop()
    # Then it was to its end
    assert (ran.code, told.text) == (0, "half a line\n")


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
