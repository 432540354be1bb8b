from __future__ import annotations

import io

import pytest

from fitq.model_references import find_model
from fitq.queue import Queue
from fitq.removal import MARK, being_removed, remove_job
from fitq_shared import snapshots
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.errors import InvalidInput, QueueUnreachable, StoreError, UnknownJob
from fitq_shared.events import events_key
from fitq_shared.records import Records
from fitq_shared.specs.evaluate import EvaluateJob
from fitq_shared.store import Store

pytestmark = pytest.mark.services


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def evaluation(queue, records):
    """Make a job that waits, and needs the model of another."""

    def make(model):
        _, reference = find_model(Queue(queue), model)
        values = {"kind": "evaluate", "name": "checks", "owner": "ann", "dataset": "mnist"}
        return records.create(EvaluateJob.parse({**values, "model": reference.model_dump()}))

    return make


def test_a_job_goes_with_all_its_files_and_no_other(
    queue, fitq, succeeded, train_job, store, redis
):
    # Given two jobs
    record, other = succeeded(train_job(name="first")), succeeded(train_job(name="second"))
    store.write(f"jobs/{record.id}/attempt-0/checkpoints/x.npz", b"")

    # When one of them is removed
    ran = fitq("rm", "first", "--yes")

    # Then nothing of it is left
    assert ran.code == 0
    assert ran.out == f"{record.id}  first  removed\n"
    assert not store.exists(f"jobs/{record.id}")
    left = [key for key in redis.keys("*") if record.id in key]
    assert left == [f"fitq:lease:cpu:host:{record.id}"]  # the worker's
    assert not redis.exists(events_key(record.id), "fitq:name:first")
    assert fitq("show", "first").code == 2
    # And all of the other
    assert {path.split("/")[0] for path in store.files("jobs")} == {other.id}
    assert [job["name"] for job in fitq("jobs", "--json").json] == ["second"]


def test_a_job_that_never_ran_has_no_files_to_remove(queue, fitq, records, train_job):
    record = records.create(train_job())
    Changes(records).cancel(record)
    assert fitq("rm", record.id, "--yes", "--json").json == [
        {"id": record.id, "name": "brave-otter"}
    ]
    assert list(records.all()) == []


def test_it_is_asked_first(queue, fitq, succeeded, records, monkeypatch):
    record = succeeded()
    # Given nobody who could answer
    ran = fitq("rm", record.name)
    assert ran.code == 2
    assert "Remove brave-otter, with all files?" in ran.err
    assert "add --yes" in ran.err
    # Given somebody who says no
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert fitq("rm", record.name).code == 1
    assert records.get(record.id)
    # Given somebody who says yes
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert fitq("rm", record.name).code == 0
    assert list(records.all()) == []


def test_what_is_needed_keeps_all_from_being_removed(
    queue, fitq, succeeded, evaluation, records, train_job, claim
):
    # Given a job that could go, two that have not ended, and a model that one of them needs
    succeeded(train_job(name="free"))
    succeeded(train_job(name="used"))
    evaluation("used")
    claim(records.create(train_job(name="busy")))

    # When all are to be removed
    ran = fitq("rm", "free", "used", "checks", "busy", "--yes")

    # Then each that cannot is named with its reason, and all are there
    assert ran.code == 2
    assert "the model of used is needed by checks, which is queued" in ran.err
    assert "checks is queued" in ran.err
    assert "busy is running" in ran.err
    assert "`fitq cancel busy`" in ran.err
    assert "free" not in ran.err
    assert len(list(records.all())) == 4

    # And once the job that needs it has ended, the model may go
    Changes(records).cancel(records.find("checks"))
    assert fitq("rm", "used", "--yes").code == 0


@pytest.mark.parametrize("url", [None, "gone", "empty"])
def test_without_its_files_a_job_is_not_removed(
    queue, fitq, succeeded, records, monkeypatch, tmp_path, url
):
    # Given a client without the store, or one where the volume is not mounted
    record = succeeded()
    (tmp_path / "empty").mkdir()
    if url is None:
        monkeypatch.delenv("FITQ_STORE")
    else:
        monkeypatch.setenv("FITQ_STORE", str(tmp_path / url))
    # When a job is to be removed
    ran = fitq("rm", record.name, "--yes")
    # Then it is refused
    assert ran.code == 1
    assert "store" in ran.err
    assert "FITQ_STORE" in ran.err
    assert records.get(record.id).state == "succeeded"


def test_a_volume_that_cannot_be_written_loses_no_record(succeeded, records, store, monkeypatch):
    # Given a volume that fails on every write
    record = succeeded()

    def fail(*_: object) -> None:
        raise StoreError("cannot write", passing=True)

    monkeypatch.setattr(Store, "write", fail)
    # When a job is removed
    with pytest.raises(StoreError):
        remove_job(records, store, record)
    # Then it is as it was
    assert records.get(record.id).manifest == record.manifest
    assert store.exists(f"jobs/{record.id}/attempt-1/model.keras")


def test_a_removal_that_is_interrupted_leaves_a_folder_that_is_marked(
    queue, fitq, succeeded, records, store, monkeypatch
):
    # Given a removal that is interrupted as soon as the first files go
    record = succeeded()
    snapshots.keep(store, record)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Store, "remove_tree", interrupt)
        remove_job(records, store, record)

    # Then there is no record whose artifacts may be half gone, and the job is not brought back
    with pytest.raises(UnknownJob):
        records.get(record.id)
    assert being_removed(store, record.id)
    assert fitq("reindex", "--json").json["jobs"] == []

    # And `fitq gc` ends what was begun, at once
    assert "its removal was interrupted" in fitq("gc").out
    assert fitq("gc", "--apply").code == 0
    assert store.files("jobs") == []
    assert fitq("gc").out == "nothing to remove\n"


def test_the_mark_goes_last(succeeded, records, store, monkeypatch):
    # Given a job, and a look at what is left whenever something goes
    record = succeeded()
    seen, remove_tree = [], Store.remove_tree

    def look(self: Store, path: str) -> None:
        seen.append(self.exists(f"jobs/{record.id}/{MARK}"))
        remove_tree(self, path)
        if path != f"jobs/{record.id}":
            seen.append(self.exists(f"jobs/{record.id}/{MARK}"))

    monkeypatch.setattr(Store, "remove_tree", look)
    # When it is removed
    remove_job(records, store, record)
    # Then the folder was marked until the end
    assert seen == [True, True, True]
    assert not store.exists(f"jobs/{record.id}")


def test_a_job_that_was_retried_meanwhile_stays(queue, records, store, train_job, claim):
    # Given a job that is queued again after somebody has read its record
    record = records.create(train_job())
    Attempts(records).cancelled(claim(record))
    read = records.get(record.id)
    assert Changes(records).retry(read, fresh=False) == "retried"
    # When it is removed
    with pytest.raises(InvalidInput, match="brave-otter was retried meanwhile, and is queued"):
        remove_job(records, store, read)
    # Then it is as it was, without a mark
    assert records.get(record.id).state == "queued"
    assert not being_removed(store, record.id)


def test_what_a_retry_has_published_meanwhile_stays(
    queue, fitq, records, store, train_job, claim, redis, monkeypatch
):
    # Given a failed job, and somebody who retries it while its owner is asked about its removal
    record = records.create(train_job())
    Attempts(records).cancelled(claim(record))

    def retried_and_succeeded(*_: object, **__: object) -> None:
        assert Changes(records).retry(records.get(record.id), fresh=False) == "retried"
        redis.delete(f"fitq:lease:cpu:host:{record.id}")
        attempt = claim(records.get(record.id))
        folder = AttemptFolder(store, record.id, 2)
        folder.write(AttemptFolder.model, b"a model")
        assert Attempts(records).succeed(attempt, folder.seal(), {"loss": 0.25})

    monkeypatch.setattr("fitq.commands.rm.confirm", retried_and_succeeded)
    # When the answer is yes
    ran = fitq("rm", record.name)
    # Then the new result is there, whole, and it is said why
    assert ran.code == 2
    assert "brave-otter was retried meanwhile, and is succeeded" in ran.err
    assert records.get(record.id).state == "succeeded"
    assert store.read(f"jobs/{record.id}/attempt-2/{AttemptFolder.model}") == b"a model"
    assert not being_removed(store, record.id)


def test_a_removal_that_failed_does_not_condemn_a_later_attempt(
    queue, fitq, records, store, train_job, claim, redis, monkeypatch
):
    # Given a failed job whose removal was begun, when Redis went away
    record = records.create(train_job())
    Attempts(records).cancelled(claim(record))

    def fail(*_: object) -> None:
        raise QueueUnreachable("gone")

    with monkeypatch.context() as patched, pytest.raises(QueueUnreachable):
        patched.setattr(Records, "forget", fail)
        remove_job(records, store, records.get(record.id))
    assert being_removed(store, record.id)

    # When it is retried instead, and Redis loses its data later
    Changes(records).retry(records.get(record.id), fresh=False)
    snapshots.keep(store, records.get(record.id))
    redis.flushall()

    # Then it is brought back, and nothing of it is removed
    assert "what is left" not in fitq("gc", "--apply").out
    assert [job["id"] for job in fitq("reindex", "--apply", "--json").json["jobs"]] == [record.id]
    assert store.exists(f"jobs/{record.id}/attempt-2/{AttemptFolder.record}")
