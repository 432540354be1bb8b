"""`watch`, `wait`, and the live view: what is told of a job while it goes on, and at its end."""

from __future__ import annotations

import threading

import pytest

from fitq.live import follow
from fitq.queue import AWAY, BACK, Queue
from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.events import publish
from fitq_shared.lanes import Lanes
from fitq_shared.record import Reason
from fitq_shared.workers import WorkerInfo, announce
from support.proxy import Proxy
from support.waiting import wait_until

pytestmark = pytest.mark.services

BROKEN = Reason("bad-job", "the loss is not finite", "take a smaller learning rate")


@pytest.fixture
def failed(records, train_job, claim):
    def make(name="broken"):
        record = records.create(train_job(name=name))
        Attempts(records).fail(claim(record), BROKEN)
        return records.get(record.id)

    return make


def test_the_live_view_tells_all_from_the_beginning(queue, redis, records, train_job, claim, capfd):
    # Given a job that was given back once, and then ran two epochs to its end
    record = records.create(train_job(epochs=2))
    lost = Reason("worker-lost", "the worker blue stopped answering")
    Attempts(records).give_back(claim(record), lost, counts="lost")
    attempt = claim(records.get(record.id))
    publish(
        redis,
        record.id,
        "progress",
        2,
        {"phase": "training", "epoch": 1, "epochs": 2, "batch": 3, "batches": 9, "loss": 0.9},
    )
    for epoch, loss in ((1, 0.5), (2, 0.25)):
        row = {"epoch": epoch, "loss": loss, "learning_rate": 0.001, "seconds": 1.25}
        publish(redis, record.id, "epoch", 2, row)
    Attempts(records).succeed(attempt, "a" * 64, {"loss": 0.25})

    # When somebody follows it
    ended = follow(Queue(queue), record)

    # Then they read each step once, on standard error
    out, err = capfd.readouterr()
    assert ended.state == "succeeded"
    assert out == ""
    assert err.splitlines() == [
        "attempt 1 runs on blue",
        "attempt 1 ended: the worker blue stopped answering; queued again",
        "attempt 2 runs on blue",
        "epoch 1/2  loss 0.5000  1.2 s",
        "epoch 2/2  loss 0.2500  1.2 s",
    ]


def test_while_it_waits_its_place_is_told(queue, redis, records, train_job, capfd):
    # Given a worker, and two jobs that wait for it
    announce(redis, WorkerInfo("t", "blue", "h", 1, "cpu", "4 cores", "ready", "0", 1.0), 60)
    first, second = records.create(train_job(name="first")), records.create(train_job())
    client = Queue(queue)
    told = threading.Event()

    def end_once_told() -> None:
        told.wait(60)
        Changes(records).cancel(second)

    ending = threading.Thread(target=end_once_told)
    ending.start()

    # When somebody follows the second, until its place was asked for twice
    asked = []
    place = client.place

    def count(record):
        asked.append(place(record).before)
        if len(asked) == 2:
            told.set()
        return place(record)

    client.place = count
    assert follow(client, second).state == "cancelled"
    ending.join()

    # Then they were told once
    assert asked[:2] == [1, 1]
    assert capfd.readouterr().err.splitlines() == ["waiting: 1 before it, 1 worker"]
    assert Lanes(redis).place(first).before == 0


# -- watch ------------------------------------------------------------------------------------


def test_watching_a_job_that_succeeded_shows_its_result(fitq, succeeded, store):
    record = succeeded(metrics={"loss": 0.25, "rows": 100.0})
    ran = fitq("watch", record.name)
    assert ran.code == 0
    assert ran.out == (
        "brave-otter succeeded\n  loss  0.2500\n  rows  100\n"
        f"artifacts: {store.folder}/jobs/{record.id}/attempt-1\n"
        "next: fitq evaluate brave-otter · fitq history brave-otter\n"
    )


def test_watching_a_job_that_failed_says_why_and_what_to_do(queue, fitq, failed):
    failed()
    ran = fitq("watch", "broken")
    assert ran.code == 1
    assert ran.out == ""
    assert "broken failed: the loss is not finite" in ran.err
    assert "try: take a smaller learning rate" in ran.err
    assert "log: `fitq logs broken`" in ran.err


def test_watching_a_job_that_was_cancelled_fails(queue, fitq, records, train_job):
    Changes(records).cancel(records.create(train_job()))
    ran = fitq("watch", "brave-otter")
    assert ran.code == 1
    assert "brave-otter was cancelled" in ran.err


def test_watching_a_job_that_runs_ends_with_it(queue, fitq, redis, records, train_job, claim):
    # Given a running job that ends while it is watched
    record = records.create(train_job())
    attempt = claim(record)

    def end_once_followed() -> None:
        wait_until(lambda: redis.info("clients")["blocked_clients"], 60, "a follower")
        Attempts(records).succeed(attempt, "a" * 64, {"loss": 0.25})

    ending = threading.Thread(target=end_once_followed)
    ending.start()

    # When it is watched for a program
    ran = fitq("watch", record.name, "--json")
    ending.join()

    # Then its record is all that is printed as the result
    assert ran.code == 0
    assert (ran.json["state"], ran.json["metrics"]) == ("succeeded", {"loss": 0.25})
    assert f"job {record.id} (brave-otter): mlp on mnist, 5 epochs" in ran.err


def test_a_failed_job_is_printed_for_programs_too(queue, fitq, failed):
    failed()
    ran = fitq("watch", "broken", "--json")
    assert ran.code == 1
    assert ran.json["reason"]["kind"] == "bad-job"


# -- wait -------------------------------------------------------------------------------------


def test_waiting_succeeds_when_all_have(queue, fitq, succeeded, train_job):
    names = ("first", "second")
    ids = [succeeded(train_job(name=name)).id for name in names]
    ran = fitq("wait", *names)
    assert ran.code == 0
    assert ran.out.splitlines() == [
        f"{job_id}  {name}  succeeded" for job_id, name in zip(ids, names, strict=True)
    ]


def test_a_job_that_is_named_twice_is_waited_for_once(queue, fitq, succeeded):
    record = succeeded()
    assert fitq("wait", record.id, record.name).out == f"{record.id}  brave-otter  succeeded\n"
    ran = fitq("wait", record.id, "nothing", "nobody")
    assert ran.code == 2
    assert "'nothing'" in ran.err
    assert "'nobody'" in ran.err


def test_waiting_fails_when_one_has_not_succeeded(queue, fitq, succeeded, failed):
    succeeded()
    failed()
    ran = fitq("wait", "brave-otter", "broken")
    assert ran.code == 1
    assert "broken  failed: the loss is not finite" in ran.out
    assert [job["state"] for job in fitq("wait", "brave-otter", "broken", "--json").json] == [
        *("succeeded", "failed"),
    ]


def test_waiting_gives_up_and_the_job_goes_on(queue, fitq, records, train_job):
    records.create(train_job())
    ran = fitq("wait", "brave-otter", "--timeout", "0.1")
    assert ran.code == 1
    assert "brave-otter  queued" in ran.out
    assert "not ended within 0.1 s; the jobs go on" in ran.err
    assert records.find("brave-otter").state == "queued"


# -- an outage of Redis -----------------------------------------------------------------------


@pytest.fixture
def proxy(queue, redis_server, monkeypatch):
    """What stands between `fitq` and Redis, and can cut them off."""
    between = Proxy(redis_server.port)
    monkeypatch.setenv("FITQ_REDIS_URL", f"redis://127.0.0.1:{between.port}/0")
    yield between
    between.stop()


def once_followed(redis, do):
    """Do something as soon as somebody follows a job."""

    def wait_and_do():
        wait_until(lambda: redis.info("clients")["blocked_clients"], 60, "a follower")
        do()

    thread = threading.Thread(target=wait_and_do)
    thread.start()
    return thread


def test_following_outlives_an_outage(proxy, redis, records, train_job, claim):
    # Given a running job with an epoch, and somebody who follows it
    record = records.create(train_job())
    attempt = claim(record)
    publish(redis, record.id, "epoch", 1, {"epoch": 1})
    told = []
    client = Queue().patient(told.append)

    def break_and_end():
        # When the connection breaks, the job ends meanwhile, and Redis is back
        proxy.refuse()
        publish(redis, record.id, "epoch", 1, {"epoch": 2})
        Attempts(records).succeed(attempt, "a" * 64, {"loss": 0.25})
        wait_until(lambda: told, 60, "a word of the outage")
        proxy.accept()

    breaking = once_followed(redis, break_and_end)
    seen = []
    for event in client.events(record):
        if event is not None:
            seen.append((event.type, event.data.get("epoch")))
            if event.type == "succeeded":
                break
    breaking.join()

    # Then they were told of both once, and saw each event once
    assert told == [AWAY, BACK]
    assert seen == [
        *(("queued", None), ("started", None)),
        *(("epoch", 1), ("epoch", 2), ("succeeded", None)),
    ]


def test_waiting_for_redis_ends_in_time_and_says_how_to_return(
    proxy, fitq, redis, records, train_job
):
    # Given a queued job that somebody waits for, for three seconds
    record = records.create(train_job())
    breaking = once_followed(redis, proxy.refuse)
    # When Redis goes away and stays away
    ran = fitq("wait", record.name, "--timeout", "3")
    breaking.join()
    # Then that is the end of waiting, not of the job
    assert ran.code == 3
    assert AWAY in ran.err
    assert "the job goes on: return with `fitq wait brave-otter`" in ran.err
    assert records.get(record.id).state == "queued"


def test_a_redis_that_was_never_there_is_not_waited_for(proxy, fitq):
    proxy.refuse()
    ran = fitq("watch", "brave-otter")
    assert ran.code == 3
    assert AWAY not in ran.err
