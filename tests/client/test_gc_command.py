from __future__ import annotations

import os
import time
import uuid
from dataclasses import replace

import pytest

from fitq.model_references import find_model
from fitq.queue import Queue
from fitq.removal import MARK
from fitq.retention import Retention, find_waste
from fitq.waste import remove_waste
from fitq_shared import snapshots
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.durations import DAY
from fitq_shared.record import Reason
from fitq_shared.record_keys import job_key
from fitq_shared.records import Records
from fitq_shared.specs.evaluate import EvaluateJob
from fitq_shared.specs.predict import PredictJob
from fitq_shared.store import Store

pytestmark = pytest.mark.services

LOST = Reason("worker-lost", "the worker blue stopped answering")
BROKEN = Reason("bad-job", "the loss is not finite")


@pytest.fixture
def write(store):
    """Write the files of one attempt: its log, its copy of the record, and a checkpoint."""

    def files(record, number, checkpoint=True):
        folder = AttemptFolder(store, record.id, number)
        folder.write("log.txt", f"attempt {number}")
        folder.write(AttemptFolder.record, "{}")
        if checkpoint:
            folder.write(f"{AttemptFolder.checkpoints}/00001-00000-{'a' * 64}.npz", b"w" * 1000)

    return files


@pytest.fixture
def age(redis, store):
    """Let a job have ended, or a file have been written, so many days ago."""

    def make(what, days):
        then = time.time() - days * DAY
        if isinstance(what, str):
            os.utime(store.folder / what, (then, then))
        else:
            redis.hset(job_key(what.id), "finished", str(then))

    return make


@pytest.fixture
def in_two_attempts(records, train_job, claim, write):
    """Make a job whose first attempt was lost, and whose second ended in this state."""

    def make(state, **changes):
        record = records.create(train_job(**changes))
        write(record, 1)
        assert Attempts(records).give_back(claim(record), LOST, counts="lost") == "queued"
        attempt = claim(records.get(record.id))
        write(record, 2)
        if state == "succeeded":
            Attempts(records).succeed(attempt, "a" * 64, {})
        elif state == "failed":
            Attempts(records).fail(attempt, BROKEN)
        elif state == "cancelled":
            Attempts(records).cancelled(attempt)
        return records.get(record.id)

    return make


def files_of(store, record):
    return store.files(f"jobs/{record.id}")


def test_in_a_dry_run_nothing_changes_and_all_is_told(queue, fitq, in_two_attempts, age, store):
    # Given a job that succeeded in its second attempt two days ago
    record = in_two_attempts("succeeded")
    age(record, 2)
    before = store.details("")

    # When it is asked what may go
    ran = fitq("gc")

    # Then that is told, with reasons and sizes, and nothing has changed
    assert ran.code == 0
    first, second = ran.out.splitlines()[1:3]
    assert first.startswith("attempt 1 of brave-otter ")
    assert "a later attempt was made" in first
    assert second.startswith("checkpoints of attempt 2 of brave-otter ")
    assert "the job has succeeded" in second
    assert second.rstrip().endswith("1.0 kB")
    assert ran.out.splitlines()[3] == "would remove 2 things, 2.0 kB; nothing was changed"
    assert "--apply" in ran.err
    assert store.details("") == before


def test_applied_it_removes_that_and_a_second_run_finds_nothing(
    queue, fitq, in_two_attempts, age, store
):
    record = in_two_attempts("succeeded")
    age(record, 2)

    # When what may go is removed, for a program
    ran = fitq("gc", "--apply", "--json")

    # Then the newest attempt is left without its checkpoints
    assert ran.code == 0
    assert ran.json["applied"]
    assert [one["paths"] for one in ran.json["waste"]] == [
        [f"jobs/{record.id}/attempt-1"],
        [f"jobs/{record.id}/attempt-2/checkpoints"],
    ]
    assert ran.json["bytes"] == sum(one["bytes"] for one in ran.json["waste"]) > 2000
    assert files_of(store, record) == ["attempt-2/log.txt", "attempt-2/record.json"]
    assert not store.exists(f"jobs/{record.id}/attempt-1")

    # And nothing more is found
    assert fitq("gc").out == "nothing to remove\n"
    assert fitq("gc", "--apply").out == "nothing to remove\n"


@pytest.mark.parametrize("state", ["failed", "cancelled"])
@pytest.mark.parametrize(
    ("days", "flags", "kept"),
    [
        (0.5, [], "all"),
        # A retry goes on from checkpoints of earlier attempts, too
        (2, [], "checkpoints"),
        (15, [], "newest"),
        (2, ["--attempts", "3d"], "all"),
        (2, ["--checkpoints", "1d"], "newest"),
        (2, ["--attempts", "1h", "--checkpoints", "30d"], "checkpoints"),
    ],
)
def test_from_what_is_left_a_retry_goes_on(
    queue, fitq, in_two_attempts, age, store, state, days, flags, kept
):
    # Given a job that did not succeed, so long ago
    record = in_two_attempts(state)
    age(record, days)
    everything = files_of(store, record)

    # When what may go is removed
    assert fitq("gc", "--apply", *flags).code == 0

    # Then its checkpoints stay for longer than the rest
    left = files_of(store, record)
    if kept == "all":
        assert left == everything
    elif kept == "checkpoints":
        assert left == [p for p in everything if "attempt-2/" in p or "/checkpoints/" in p]
        assert Queue(queue).artifacts.has_checkpoint(record)
    else:
        assert left == ["attempt-2/log.txt", "attempt-2/record.json"]
    assert fitq("gc", *flags).out == "nothing to remove\n"


def test_checkpoints_before_a_fresh_start_go_with_their_attempt(
    queue, fitq, in_two_attempts, records, claim, write, age, store
):
    record = in_two_attempts("failed")
    Changes(records).retry(record, fresh=True)
    Attempts(records).fail(claim(records.get(record.id)), BROKEN)
    write(record, 3)
    age(record, 2)
    assert fitq("gc", "--apply").code == 0
    assert {path.split("/")[0] for path in files_of(store, record)} == {"attempt-3"}
    assert Queue(queue).artifacts.has_checkpoint(records.get(record.id))


def test_jobs_that_have_not_ended_stay_as_they_are(
    queue, fitq, in_two_attempts, records, store, age, redis
):
    # Given a job that runs, and one that waits, whatever their files
    running, waiting = in_two_attempts("running"), in_two_attempts("cancelled")
    Changes(records).retry(waiting, fresh=True)
    for record in (running, waiting):
        redis.hset(job_key(record.id), "created", "1")
        store.write(f"jobs/{record.id}/attempt-1/model.keras.0123abcd.part", b"")
        age(f"jobs/{record.id}/attempt-1/model.keras.0123abcd.part", 99)
    before = store.files("jobs")
    # When all is to go that may
    flags = ["--attempts", "0", "--checkpoints", "0", "--inputs", "0", "--jobs", "0"]
    assert fitq("gc", "--apply", *flags).out == "nothing to remove\n"
    # Then they have all their files
    assert store.files("jobs") == before


def test_folders_of_jobs_that_redis_does_not_know_are_counted_and_stay(queue, fitq, store):
    # Given two folders that no record names
    for job in ("unknown1", "unknown2"):
        store.write(f"jobs/{job}/attempt-1/log.txt", b"")
        store.write(f"jobs/{job}/attempt-2/log.txt", b"")
        os.utime(store.folder / f"jobs/{job}/attempt-1/log.txt", (1, 1))
    # When all is to go that may
    ran = fitq("gc", "--apply", "--attempts", "0", "--jobs", "0")
    # Then they stay, and it is said what to do
    assert ran.code == 0
    assert ran.out == "nothing to remove\n"
    assert "folders of jobs that Redis does not know: 2; they stay, and so do" in ran.err
    assert "first `fitq reindex`" in ran.err
    assert fitq("gc", "--json").json["unknown_folders"] == 2
    assert len(store.files("jobs")) == 4


def test_whole_jobs_go_when_asked_except_those_that_are_needed(
    queue, fitq, succeeded, train_job, records, age, store
):
    # Given old jobs, of which one has a model that is needed, and one never ran; and a new one
    used, old, new = (succeeded(train_job(name=name)) for name in ("used", "old", "new"))
    Changes(records).cancel(never := records.create(train_job(name="never")))
    for record in (used, old, never):
        age(record, 100)
    _, model = find_model(Queue(queue), "used")
    values = {"kind": "evaluate", "name": "checks", "owner": "ann", "dataset": "mnist"}
    records.create(EvaluateJob.parse({**values, "model": model.model_dump()}))

    # When jobs are kept for 90 days
    assert fitq("gc").out == "nothing to remove\n"
    ran = fitq("gc", "--jobs", "90d", "--apply")

    # Then the old ones are gone that nobody needs
    assert ran.code == 0
    assert "job old: its record and all its files" in ran.out
    assert "ended over 90 d ago" in ran.out
    assert {record.name for record in records.all()} == {"checks", "used", "new"}
    assert {path.split("/")[0] for path in store.files("jobs")} == {used.id, new.id}
    assert fitq("gc", "--jobs", "90d").out == "nothing to remove\n"


@pytest.fixture
def prediction(queue, succeeded, records, store):
    """A job that predicts rows of a file in the store."""
    succeeded()
    _, model = find_model(Queue(queue), "brave-otter")
    path = f"inputs/{'b' * 64}.npz"
    store.write(path, b"images")
    values = {"kind": "predict", "name": "seer", "owner": "ann", "model": model.model_dump()}
    rows = {"type": "file", "path": path, "sha256": "b" * 64, "array": None, "file": "x.npz"}
    return records.create(PredictJob.parse({**values, "rows": rows}))


def test_the_files_of_own_models_stay_with_their_jobs(queue, fitq, train_job, records, store, age):
    # Given the bundle of a builder and a model's file, both old, and the jobs that name them
    names = {"code": f"inputs/{'b' * 64}.tar", "keras": f"inputs/{'d' * 64}.keras"}
    for path in names.values():
        store.write(path, b"content")
        age(path, 300)
    file = {kind: {"path": p, "sha256": p[7:71], "file": "net.py"} for kind, p in names.items()}
    code = {"type": "code", "bundle": file["code"], "module": "net", "function": "build"}
    records.create(train_job(model=code))
    records.create(train_job(model={"type": "keras", "file": file["keras"]}))
    # Then they stay
    assert fitq("gc").out == "nothing to remove\n"


def test_inputs_go_that_no_job_refers_to(queue, fitq, prediction, store, age, records):
    # Given an array that a job refers to, and two that none does, one of them new
    used = prediction.spec["rows"]["path"]
    unused, new = f"inputs/{'c' * 64}.npz", f"inputs/{'d' * 64}.npy"
    for path in (unused, new):
        store.write(path, b"images")
    age(used, 30)
    age(unused, 8)
    age(new, 6)

    # When what may go is removed
    ran = fitq("gc", "--apply")

    # Then only the old one without a job has gone
    assert ran.code == 0
    assert "no job refers to it" in ran.out
    assert store.files("inputs") == [path.removeprefix("inputs/") for path in (used, new)]

    # And the one with a job goes with the job, in one run
    Changes(records).cancel(prediction)
    age(prediction, 100)
    ran = fitq("gc", "--apply", "--jobs", "90d")
    assert store.files("inputs") == [new.removeprefix("inputs/")]
    assert fitq("gc", "--jobs", "90d").out == "nothing to remove\n"


def test_what_a_lost_job_may_need_stays_until_redis_knows_it_again(
    queue, fitq, prediction, records, redis, store, age
):
    # Given a prediction that Redis has lost, with a model and an input that are old
    path = prediction.spec["rows"]["path"]
    age(path, 30)
    age(records.find("brave-otter"), 100)
    snapshots.keep(store, prediction)
    Changes(records).cancel(prediction)
    assert records.forget(records.get(prediction.id)) == "forgotten"
    before = store.files("")

    # When all is to go that may
    ran = fitq("gc", "--apply", "--jobs", "90d")

    # Then neither does, and it is said what to do first
    assert ran.out == "nothing to remove\n"
    assert "first `fitq reindex`" in ran.err
    assert store.files("") == before

    # And once that is done, both are known to be needed
    assert fitq("reindex", "--apply").code == 0
    ran = fitq("gc", "--apply", "--jobs", "90d")
    assert (ran.out, ran.err) == ("nothing to remove\n", "")
    assert store.files("") == before


def test_writes_that_were_never_finished_go_after_a_day(
    queue, fitq, succeeded, in_two_attempts, store, age
):
    # Given parts of files, old and new, here and there
    published, failed = succeeded(), in_two_attempts("failed")
    old = [
        f"jobs/{failed.id}/attempt-2/log.txt.0123abcd.part",
        "datasets/mnist/mnist.npz.0123abcd.part",
        f"inputs/{'c' * 64}.npz.0123abcd.part",
    ]
    # What lies in a published folder may be named by its manifest
    kept = f"jobs/{published.id}/attempt-1/x.0123abcd.part"
    new = "datasets/mnist/mnist.npz.89abcdef.part"
    for path in (*old, kept, new):
        store.write(path, b"half")
    for path in (*old, kept):
        age(path, 2)

    # When what may go is removed
    ran = fitq("gc", "--apply")

    # Then the old ones have gone, and nothing else
    assert ran.code == 0
    assert ran.out.count("a write that was never finished") == 3
    assert [path for path in (*old, kept, new) if store.exists(path)] == [kept, new]
    assert fitq("gc").out == "nothing to remove\n"


def test_what_is_needed_again_by_then_stays(
    queue, records, in_two_attempts, prediction, store, age, redis
):
    # Given a failed job and an input, found to be of no more use
    record = in_two_attempts("failed", name="second")
    age(record, 30)
    path = prediction.spec["rows"]["path"]
    age(path, 30)
    spec = redis.hget(job_key(prediction.id), "spec")
    redis.hset(job_key(prediction.id), "spec", "{}")
    found = find_waste(records, store, Retention())
    assert {one.what for one in found.waste} == {
        *("attempt 1 of second", "checkpoints of attempt 2 of second", path),
    }

    # When both are in use before they are removed
    Changes(records).retry(records.get(record.id), fresh=False)
    redis.hset(job_key(prediction.id), "spec", spec)
    gone = list(remove_waste(records, store, found.waste))

    # Then they stay
    assert gone == []
    assert len(files_of(store, record)) == 6
    assert store.exists(path)


def test_an_input_that_is_uploaded_once_more_stays(queue, records, store, age, tmp_path):
    # Given an old input that no job refers to
    path = f"inputs/{'c' * 64}.npz"
    store.write(path, b"images")
    age(path, 30)
    found = find_waste(records, store, Retention())
    assert [one.what for one in found.waste] == [path]
    # When it is uploaded before it goes, for a job that is yet to be submitted
    (tmp_path / "mine.npz").write_bytes(b"images")
    store.put(tmp_path / "mine.npz", path)
    # Then it stays
    assert list(remove_waste(records, store, found.waste)) == []
    assert store.exists(path)
    assert find_waste(records, store, Retention()).waste == ()


def test_what_comes_to_be_needed_while_others_go_stays(
    queue, records, store, succeeded, train_job, age, monkeypatch
):
    # Given two old jobs of which one may go, and an evaluation that is submitted meanwhile
    for name in ("first", "second"):
        age(succeeded(train_job(name=name)), 100)
    found = find_waste(records, store, Retention(jobs=90 * DAY)).waste
    newer, older = (one.job for one in found if one.kind == "job")
    _, model = find_model(Queue(queue), older.id)
    values = {"kind": "evaluate", "name": "checks", "owner": "ann", "dataset": "mnist"}
    evaluation = EvaluateJob.parse({**values, "model": model.model_dump()})
    forget = Records.forget

    def forget_and_submit(self, record):
        records.create(evaluation)
        return forget(self, record)

    monkeypatch.setattr(Records, "forget", forget_and_submit)
    # When both are to go
    gone = list(remove_waste(records, store, found))
    # Then the model that is needed by now stays
    assert [one.job for one in gone] == [newer]
    assert records.get(older.id)
    assert store.exists(f"jobs/{older.id}/attempt-1/model.keras")


def test_a_job_that_is_retried_at_the_last_moment_keeps_no_other(
    queue, records, store, train_job, claim, age, monkeypatch
):
    # Given two old jobs, of which one is retried when its removal has begun
    made = [records.create(train_job(name=name)) for name in ("first", "second")]
    for record in made:
        Attempts(records).cancelled(claim(record))
        age(record, 100)
    found = find_waste(records, store, Retention(jobs=90 * DAY)).waste
    retried, other = (one.job for one in found)
    write = Store.write

    def write_and_retry(self, path, content):
        write(self, path, content)
        if path == f"jobs/{retried.id}/{MARK}":
            Changes(records).retry(records.get(retried.id), fresh=False)

    monkeypatch.setattr(Store, "write", write_and_retry)
    # When both are to go
    gone = list(remove_waste(records, store, found))
    # Then only the other one has gone
    assert [one.job for one in gone] == [other]
    assert [record.id for record in records.all()] == [retried.id]


def test_any_store_can_be_cleared(queue, redis, records, train_job, claim, monkeypatch):
    # Given a store that is no folder, with a job of two attempts and an input
    store = Store(f"memory://{uuid.uuid4().hex}")
    record = records.create(train_job())
    Attempts(records).give_back(claim(record), LOST, counts="lost")
    attempt = claim(records.get(record.id))
    for number in (1, 2):
        AttemptFolder(store, record.id, number).write("log.txt", "")
    store.write(f"inputs/{'c' * 64}.npz", b"images")
    Attempts(records).fail(attempt, BROKEN)

    # When what is older than nothing may go
    retention = Retention(attempts=-1, checkpoints=-1, inputs=-DAY)
    found = find_waste(records, store, retention)
    gone = list(remove_waste(records, store, found.waste))

    # Then it is gone there, too
    assert len(gone) == len(found.waste) == 2
    assert store.files("") == [f"jobs/{record.id}/attempt-2/log.txt"]
    assert find_waste(records, store, retention).waste == ()


def test_all_wrong_times_are_named_at_once(queue, fitq):
    ran = fitq("gc", "--attempts", "soon", "--jobs", "-1", "--inputs", "1d")
    assert ran.code == 2
    assert "--attempts = 'soon': expected a time such as 90, 90s, 15min, 2h or 1d" in ran.err
    assert "--jobs = '-1': expected a time" in ran.err
    assert "--inputs" not in ran.err


def test_without_the_store_nothing_can_be_cleared(queue, fitq, monkeypatch, tmp_path):
    monkeypatch.setenv("FITQ_STORE", str(tmp_path / "gone"))
    ran = fitq("gc")
    assert ran.code == 1
    assert "is not there" in ran.err
    monkeypatch.delenv("FITQ_STORE")
    assert fitq("gc").code == 1


def test_an_age_that_a_store_does_not_tell_keeps_the_file(queue, records, store, monkeypatch):
    # Given a store that does not say when a file was written
    store.write(f"inputs/{'c' * 64}.npz", b"images")
    details = Store.details
    monkeypatch.setattr(
        Store,
        "details",
        lambda self, path: [replace(f, modified=None) for f in details(self, path)],
    )
    # When everything of any age may go
    found = find_waste(records, store, Retention(inputs=-DAY))
    # Then that file stays
    assert found.waste == ()
