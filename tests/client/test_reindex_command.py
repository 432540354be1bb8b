from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fitq.model_references import find_model
from fitq.queue import Queue
from fitq_shared import registry_copies, snapshots
from fitq_shared.attempt_folder import MANIFEST, AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.errors import UnknownJob
from fitq_shared.lost_messages import without_message
from fitq_shared.record import Reason
from fitq_shared.registry import Registry
from fitq_shared.store import Store
from support.jobs import training, wait_for_state
from support.waiting import wait_until

pytestmark = pytest.mark.services

BROKEN = Reason("bad-job", "the loss is not finite", "take a smaller learning rate")


@pytest.fixture
def begun(records, train_job, claim, store):
    """Make a running job that has begun: its record lies in its folder."""

    def make(**changes):
        record = records.create(train_job(**changes))
        attempt = claim(record)
        snapshots.keep(store, records.get(record.id))
        return attempt

    return make


@pytest.fixture
def some_jobs(begun, succeeded, train_job, records, store):
    """A job in each state, as their workers leave them in the volume."""
    done = succeeded(train_job(name="done", tags=["red"]))
    snapshots.keep(store, done)
    broken, stopped, _ = (begun(name=name) for name in ("broken", "stopped", "running"))
    Attempts(records).fail(broken, BROKEN)
    Attempts(records).cancelled(stopped)
    for attempt in (broken, stopped):
        snapshots.keep(store, records.get(attempt.job_id))
    records.create(train_job(name="waiting"))
    return {record.name: record for record in records.all()}


def test_in_a_dry_run_it_is_told_what_each_job_would_be(some_jobs, fitq, redis):
    # Given a Redis that has lost everything
    redis.flushall()
    # When it is asked what the volume knows
    ran = fitq("reindex")
    # Then each job that was ever started is listed, and Redis is as empty as before
    assert ran.code == 0
    header, *lines, total = ran.out.splitlines()
    assert header.split()[:3] == ["id", "name", "kind"]
    as_what = {line.split()[1]: line for line in lines}
    assert list(as_what) == ["done", "broken", "stopped", "running"]
    assert "  succeeded  " in as_what["done"]
    assert "  failed  " in as_what["broken"]
    assert "  cancelled  " in as_what["stopped"]
    assert "  queued again as attempt 2  " in as_what["running"]
    assert total == "would restore 4 jobs; nothing was changed"
    assert "`fitq reindex --apply`" in ran.err
    assert redis.keys("fitq:job:*") == []


def test_applied_the_records_are_there_again(some_jobs, queue, fitq, redis, records):
    # Given a Redis that has lost everything
    redis.flushall()

    # When the records are restored
    ran = fitq("reindex", "--apply")

    # Then those that had ended are as they were
    assert ran.code == 0
    assert "restored 4 of 4 jobs" in ran.out
    for name in ("done", "broken", "stopped"):
        assert records.find(name).public() == {
            **some_jobs[name].public(),
            "sent": records.find(name).sent,
        }
    assert "val_accuracy  0.9876" in fitq("show", "done").out
    assert "the loss is not finite" in fitq("show", "broken").out
    assert find_model(Queue(queue), "done")[1].manifest == some_jobs["done"].manifest
    assert [job["name"] for job in fitq("jobs", "--json", "--tag", "red").json] == ["done"]

    # And the one that ran waits as its next attempt, whose message a worker's reaper sends
    assert "the workers find within seconds" in ran.err
    running = records.find("running")
    assert (running.state, running.attempt, running.worker) == ("queued", 2, None)
    assert running.threads == some_jobs["running"].threads
    assert [r.name for r in without_message(records, running.queue, -1)] == ["running"]

    # And a second run has nothing to do
    assert fitq("reindex", "--apply").out == (
        "Redis knows all jobs that the store knows: nothing to restore\n"
    )


def test_what_redis_knows_stays_as_it_is(some_jobs, fitq, redis, records):
    # Given a Redis that knows of one job more than the volume does
    Changes(records).retry(some_jobs["broken"], fresh=False)
    before = redis.hgetall(f"fitq:job:{some_jobs['broken'].id}")
    redis.delete(f"fitq:job:{some_jobs['done'].id}")
    # When the records are restored
    ran = fitq("reindex", "--apply", "--json")
    # Then only the one that was lost is written
    assert ran.code == 0
    assert [(job["name"], job["restored"]) for job in ran.json["jobs"]] == [("done", True)]
    assert "token" not in ran.json["jobs"][0]
    assert redis.hgetall(f"fitq:job:{some_jobs['broken'].id}") == before


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_a_result_that_is_damaged_is_not_restored(some_jobs, fitq, redis, records, store, damage):
    # Given a job whose manifest is not the one that was published
    redis.flushall()
    path = f"jobs/{some_jobs['done'].id}/attempt-1/{MANIFEST}"
    if damage == "missing":
        store.remove(path)
    else:
        store.write(path, b"{}")

    # When the records are restored
    ran = fitq("reindex", "--apply")

    # Then this one is named, and the others are there
    assert ran.code == 1
    assert f"{some_jobs['done'].id}  done  damaged, stays as it is: " in ran.out
    assert "restored 3 of 4 jobs" in ran.out
    with pytest.raises(UnknownJob):
        records.get(some_jobs["done"].id)
    # And goes on being named
    assert [job["name"] for job in fitq("reindex", "--json").json["damaged"]] == ["done"]


def test_without_the_store_nothing_can_be_restored(queue, fitq, monkeypatch):
    monkeypatch.delenv("FITQ_STORE")
    ran = fitq("reindex")
    assert ran.code == 1
    assert "no access to the store" in ran.err


def test_what_a_worker_left_can_be_used_again(client, queue, fitq, records, monkeypatch, tmp_path):
    # Given two trainings by a real worker, one of which failed, in a copy of its volume
    good = client.submit(training(client, name="good"))
    bad = client.submit(training(client, name="bad", timeout=0.001))
    wait_for_state(client, good, "succeeded")
    wait_for_state(client, bad, "failed")
    copy = Store(str(tmp_path / "copy"))
    for record in (good, bad):
        folder = client.artifacts.folder(client.job(record.id))
        wait_for_snapshot(folder)
        shutil.copytree(Path(folder.location).parent, copy.folder / "jobs" / record.id)

    # When they are restored into a Redis that knows nothing
    monkeypatch.setenv("FITQ_STORE", copy.url)
    ran = fitq("reindex", "--apply")

    # Then all is there again
    assert ran.code == 0, ran.err
    assert "restored 2 of 2 jobs" in ran.out
    restored = Queue()
    assert restored.job("good").metrics == client.job(good.id).metrics
    assert restored.job("bad").reason == client.job(bad.id).reason
    assert find_model(restored, "good")[1] == find_model(client, good.id)[1]
    assert fitq("pull", "good").code == 0
    assert [job["name"] for job in fitq("jobs", "--json").json] == ["bad", "good"]


def wait_for_snapshot(folder: AttemptFolder) -> None:
    """The worker keeps the ended record right after the end."""

    def ended() -> bool:
        return folder.read_json(AttemptFolder.record)["state"] in ("succeeded", "failed")

    wait_until(ended, 30, f"an ended record in {folder.path}")


def test_models_come_back_with_their_jobs(fitq, succeeded, train_job, store, redis):
    # Given a promoted version, a job that was to be registered of which no copy of the registry
    # knows, and one that was unregistered; and a Redis that has lost everything
    registry = Registry(redis)
    for name in ("kept", "removed", "late"):
        job = succeeded(train_job(name=name, model_name="mnist"))
        snapshots.keep(store, job)
        if name == "removed":
            registry.promote(registry.find("mnist@1"), "production", "ann")
            registry.unregister(registry.find("mnist@2"))
            registry_copies.keep(store, registry_copies.copy_of(registry, "mnist"))
    redis.flushall()
    # When it is asked, and then applied
    asked = fitq("reindex")
    assert "would restore mnist@1" in asked.out
    assert fitq("models", "--json").json == []
    applied = fitq("reindex", "--apply")
    # Then
    assert applied.code == 0
    assert "restored mnist@1" in applied.out
    listed = fitq("models", "--json").json
    assert [(one["job_name"], one["aliases"]) for one in listed] == [
        ("late", []),
        ("kept", ["production"]),
    ]
    assert fitq("reindex").out.startswith("Redis knows all jobs")
