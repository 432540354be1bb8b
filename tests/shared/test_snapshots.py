"""What the volume keeps of the records, and how it brings back what Redis has lost."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from fitq_shared import snapshots
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.errors import StoreError
from fitq_shared.lost_messages import without_message
from fitq_shared.record import JobRecord, Reason
from fitq_shared.record_keys import front_key, job_key
from fitq_shared.rows_used import RowsUsed
from fitq_shared.store import Store

pytestmark = pytest.mark.services

DRAIN = Reason("drain", "the worker blue was told to leave")


@pytest.fixture
def full(records, train_job):
    """A record in which every field has a value of its own."""
    made = records.create(train_job(tags=["a", "b-1"], timeout=90, epochs=7))
    return replace(
        made,
        state="failed",
        attempt=12,
        losses=2,
        faults=3,
        threads=4,
        first_attempt=5,
        ran=12.345,
        due=1763980000.25,
        proof="a.b.c",
        after=("abc2", "def3"),
        released=True,
        started=1763979990.123456,
        finished=1763979999.654321,
        worker="cpu0-1@här",
        device_name="CPU, 2 cores (0-1)",
        token="token-1",
        lease="fitq:lease:cpu:0-1",
        cancel=True,
        cancel_asked=1763979991.5,
        reason=Reason("store", "the volume\nis full: 100 %", "make “room”"),
        metrics={"loss": 0.1 + 0.2, "rows": 7.0, "tiny": 5e-324},
        manifest="a" * 64,
        rows_used=RowsUsed("validation", 12, "0123456789abcdef"),
    )


def test_a_record_reads_back_as_it_was_written(full):
    # Given a record without a field that has its default
    assert all(getattr(full, field.name) not in (None, False, 0, "") for field in fields(full))
    # When it is written as Redis keeps it, Then it reads back the same, to the last bit
    assert JobRecord.from_fields(full.to_fields()) == full
    # And again after it has been a file
    assert JobRecord.from_fields(json.loads(json.dumps(full.to_fields()))) == full


def test_what_has_no_value_is_not_written(records, train_job):
    made = records.create(train_job())
    assert JobRecord.from_fields(made.to_fields()) == made
    assert not {"threads", "due", "proof", "reason", "cancel", "worker"} & made.to_fields().keys()


def test_redis_keeps_the_spec_to_the_letter(redis, records, train_job):
    """Its sum is what a message names and what a client signs."""
    spec = train_job(validation_split=0.1, optimizer={"name": "sgd", "learning_rate": 1e-7})
    made = records.create(spec)
    assert made.to_fields()["spec"] == redis.hget(job_key(made.id), "spec") == spec.canonical()


# -- the files --------------------------------------------------------------------------------


def test_a_kept_record_is_found_again(store, full):
    snapshots.keep(store, full)
    assert list(snapshots.newest(store)) == [replace(full, token=None, lease=None)]


def test_the_secret_of_its_owner_is_not_in_the_volume(store, full):
    """Who knows the token of a running attempt could end it."""
    snapshots.keep(store, full)
    assert b"token-1" not in store.read(f"jobs/{full.id}/attempt-12/record.json")


def test_of_each_job_the_newest_attempt_is_found(store, full):
    # Given two jobs, one with attempts 9, 10 and 2, written in an order of their own
    for number in (9, 10, 2):
        snapshots.keep(store, replace(full, attempt=number))
    snapshots.keep(store, replace(full, id="other234", attempt=1))
    # Then of each the newest is found, by number, not by letter
    found = {record.id: record.attempt for record in snapshots.newest(store)}
    assert found == {full.id: 10, "other234": 1}


def test_what_an_attempt_wrote_last_is_what_is_found(store, full):
    snapshots.keep(store, replace(full, state="running"))
    snapshots.keep(store, full)
    assert [record.state for record in snapshots.newest(store)] == ["failed"]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"null", b"[]", b"7", b'"text"', b"{}", b"\xff\xfe\x00", b'{"id": 1}'),
        *(b"[" * 100_000, b"\x00" * 4096),
    ],
)
def test_a_damaged_file_hides_no_other(store, full, content):
    # Given a good record, and a damaged one of a newer attempt and of another job
    snapshots.keep(store, full)
    store.write(f"jobs/{full.id}/attempt-99/record.json", content)
    store.write("jobs/other234/attempt-1/record.json", content)
    # Then the good one is found
    assert list(snapshots.newest(store)) == [replace(full, token=None, lease=None)]


@pytest.mark.parametrize(
    "change",
    [
        *({"attempt": "second"}, {"created": None}, {"tags": "{"}, {"spec": "["}, {"losses": ""}),
        *({"reason": "[1]"}, {"reason": '{"kind": 1, "no": 2}'}, {"metrics": "x"}, {"due": "soon"}),
    ],
)
def test_a_record_with_a_field_that_cannot_be_is_damaged(store, full, change):
    written = {**full.to_fields(), **change}
    store.write(f"jobs/{full.id}/attempt-12/record.json", json.dumps(written).encode())
    assert list(snapshots.newest(store)) == []


def test_a_record_in_another_job_s_folder_is_not_believed(store, full):
    text = json.dumps(full.to_fields()).encode()
    store.write("jobs/other234/attempt-1/record.json", text)
    assert list(snapshots.newest(store)) == []


def test_other_files_are_not_read(store, full):
    snapshots.keep(store, full)
    AttemptFolder(store, full.id, 12).write_json(AttemptFolder.spec, full.spec)
    store.write(f"jobs/{full.id}/attempt-12/old-record.json", b"{}")
    store.write(f"jobs/{full.id}/record.json", b"{}")
    assert list(snapshots.newest(store)) == [replace(full, token=None, lease=None)]


def test_an_empty_volume_knows_nothing(store):
    assert list(snapshots.newest(store)) == []


def test_a_volume_that_cannot_be_written_says_so(tmp_path, full):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError):
        snapshots.keep(Store(str(tmp_path / "file")), full)


# -- restoring --------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_a_job_that_had_ended_comes_back_as_it_was(redis, records, lanes, store, full, state):
    # Given a job that has ended, kept in the volume, and a Redis that has lost everything
    ended = replace(full, state=state, due=None, token=None, lease=None)
    snapshots.keep(store, ended)
    redis.flushall()
    # When it is restored
    [found] = snapshots.newest(store)
    assert records.restore(snapshots.to_be_restored(found))
    # Then it is as it was, but for when it was last sent; it is found, and waits nowhere
    restored = records.get(full.id)
    assert replace(restored, sent=ended.sent) == ended
    assert records.find(full.name) == records.find(full.id[:5]) == restored
    assert lanes.place(restored) is None
    expected = "succeeded" if state == "succeeded" else "retried"
    assert Changes(records).retry(restored, fresh=False) == expected


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_job_that_had_not_ended_is_queued_as_its_next_attempt(
    redis, records, store, train_job, claim, state
):
    # Given a job whose first attempt began, on four threads
    record = records.create(train_job())
    attempt = claim(record, "worker-1", threads=4)
    if state == "queued":
        Attempts(records).give_back(attempt, DRAIN, counts="")
    before = records.get(record.id)
    snapshots.keep(store, before)

    # When Redis has lost everything, and it is restored
    redis.flushall()
    [found] = snapshots.newest(store)
    assert records.restore(snapshots.to_be_restored(found))

    # Then it is queued as an attempt that has not been, and keeps what a record keeps
    restored = records.get(record.id)
    assert (restored.state, restored.attempt) == ("queued", before.attempt + 1)
    assert (restored.threads, restored.created) == (4, record.created)
    assert (restored.token, restored.lease, restored.worker, restored.started) == (None,) * 4
    assert restored.spec_hash == record.spec_hash

    # And as it has no message, a reaper finds it; it can be claimed, and end
    assert [lost.id for lost in without_message(records, record.queue, 0)] == [record.id]
    assert Changes(records).may_resend(restored)
    again = claim(records.get(record.id), "worker-2")
    # But a worker that still runs the old attempt can change nothing
    assert Attempts(records).order(attempt) == "outdated"
    assert not Attempts(records).succeed(attempt, "a" * 64, {})
    assert Attempts(records).succeed(again, "b" * 64, {})


def test_a_job_that_redis_knows_is_not_touched(redis, records, store, train_job, claim):
    """`fitq reindex` may run at any time."""
    record = records.create(train_job())
    claim(record)
    before = records.get(record.id)
    written = redis.hgetall(job_key(record.id))
    assert not records.restore(snapshots.to_be_restored(before))
    assert redis.hgetall(job_key(record.id)) == written
    assert redis.zcard(front_key(record.queue)) == 0


def test_restoring_twice_restores_once(redis, records, full):
    redis.flushall()
    changed = snapshots.to_be_restored(replace(full, state="running", due=None))
    assert [records.restore(changed), records.restore(changed)] == [True, False]
    assert redis.zcard(front_key(full.queue)) == 1
