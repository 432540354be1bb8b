from __future__ import annotations

import threading
from dataclasses import replace

import pytest

import fitq
from fitq.client import Client
from fitq.messages import Messages
from fitq.model_references import find_model
from fitq.queue import Queue
from fitq_shared.attempts import Attempts
from fitq_shared.errors import InvalidInput, QueueUnreachable, StoreError, UnknownJob
from fitq_shared.events import publish
from fitq_shared.record import Reason
from fitq_shared.settings import Settings
from fitq_shared.specs.describe import DescribeJob
from fitq_shared.workers import WorkerInfo, announce
from support.proxy import Proxy
from support.redis_server import free_port

pytestmark = pytest.mark.services


@pytest.fixture
def client(queue):
    """A client of the empty queue, in place of the one with a worker."""
    return Queue(queue)


def describe(name="look", **changes):
    return DescribeJob(kind="describe", name=name, owner="ann", dataset="mnist", **changes)


def test_the_package_offers_a_client_of_the_users_queue(queue):
    assert fitq.Client is Client
    assert fitq.Client().queue.settings.redis_url == queue.redis_url
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = fitq.Nothing


def test_a_submitted_job_is_queued_and_found(client, train_job, redis):
    record = client.submit(train_job())
    assert record.state == "queued"
    assert client.job(record.id) == client.job("brave-otter") == record
    assert client.place(record).before == 0
    assert redis.llen(record.queue) == 1


@pytest.mark.parametrize("act", ["submit", "retry"])
def test_a_message_that_cannot_be_sent_names_the_job(
    queue, redis, records, train_job, claim, redis_server, monkeypatch, act
):
    # Given a Redis that cannot be reached any more once the record is written
    proxy = Proxy(redis_server.port)
    client = Queue(replace(queue, redis_url=f"redis://127.0.0.1:{proxy.port}/0"))
    failed = records.create(train_job(name="failed"))
    Attempts(records).cancelled(claim(failed))
    send = Messages.send
    monkeypatch.setattr(Messages, "send", lambda *a: proxy.refuse() and send(*a))

    # When a job is queued
    with pytest.raises(QueueUnreachable) as caught:
        client.submit(train_job()) if act == "submit" else client.retry(records.get(failed.id))
    proxy.stop()

    # Then it is named, and waits for a worker that finds it
    record = records.find("brave-otter" if act == "submit" else "failed")
    assert record.state == "queued"
    assert f"job {record.id} ({record.name}) is queued" in caught.value.message
    assert f"do not submit it again, a worker will find it: `fitq wait {record.id}`" in (
        caught.value.hint
    )
    assert redis.llen(record.queue) == 0


def test_jobs_are_listed_by_what_is_asked_for(client, train_job, claim, succeeded):
    # Given jobs of several owners, kinds, states and tags
    done = succeeded(train_job(name="done", tags=["red", "blue"]))
    running = client.submit(train_job(name="running", owner="bob", tags=["red"]))
    claim(running)
    waiting = client.submit(train_job(name="waiting", tags=["blue"]))
    look = client.submit(describe(tags=("red",)))

    def names(**asked):
        return [record.name for record in client.jobs(**asked)]

    # When I ask for some of them, Then I get those, newest first
    assert names() == ["look", "waiting", "running", "done"]
    assert names(owner="bob") == ["running"]
    assert names(tags=["red"]) == ["look", "running", "done"]
    assert names(tags=["red", "blue"]) == ["done"]
    assert names(states=["queued"]) == ["look", "waiting"]
    assert names(states=["running", "succeeded"]) == ["running", "done"]
    assert names(kind="describe") == ["look"]
    assert names(limit=2) == ["look", "waiting"]
    assert names(kind="train", limit=2) == ["waiting", "running"]
    assert names(owner="ann", kind="train", states=["queued"], tags=["blue"]) == ["waiting"]
    assert names(owner="nobody") == []
    assert {done.id, waiting.id, look.id} < {record.id for record in client.jobs()}


def test_waiting_ends_with_the_job(client, train_job, records, claim):
    # Given a job that is still queued, and somebody who waits for it
    record = client.submit(train_job())
    found = []
    waiter = threading.Thread(target=lambda: found.append(client.wait(record)))
    waiter.start()

    # When it ends
    Attempts(records).fail(claim(record), Reason("error", "it broke"))
    waiter.join(60)

    # Then they have its record
    assert [job.state for job in found] == ["failed"]
    assert found[0].reason.message == "it broke"


def test_waiting_for_a_job_that_has_ended_ends_at_once(client, succeeded):
    record = succeeded()
    assert client.wait(record) == record


def test_waiting_gives_up_after_its_time(client, train_job):
    record = client.submit(train_job())
    assert client.wait(record, timeout=0.05).state == "queued"
    assert client.wait(record, timeout=0).state == "queued"


def test_waiting_gives_up_while_the_job_tells_its_progress(
    client, redis, records, train_job, claim
):
    # Given a running job that says something all the time, until it ends much later
    record = client.submit(train_job())
    attempt = claim(record)
    leave = threading.Event()

    def work() -> None:
        for batch in range(500):
            publish(redis, record.id, "progress", 1, {"batch": batch})
            if leave.wait(0.02):
                return
        Attempts(records).succeed(attempt, "a" * 64, {})

    worker = threading.Thread(target=work)
    worker.start()

    # When I wait for a shorter time
    found = client.wait(record, timeout=0.2)
    leave.set()
    worker.join()

    # Then I do not wait for its end
    assert found.state == "running"


def test_a_queued_job_is_cancelled(client, train_job):
    record = client.submit(train_job())
    assert client.cancel(record) == "cancelled"
    assert client.job(record.id).state == "cancelled"
    assert client.cancel(record) == "cancelled"


def test_running_jobs_are_known_by_their_worker(client, redis, train_job, claim):
    info = WorkerInfo("token-1", "blue", "h", 1, "cpu", "4 cores", "ready", "0.1.0", 1.0)
    announce(redis, info, 60)
    record = client.submit(train_job())
    assert client.running_on() == {}
    attempt = claim(record)
    assert client.running_on()[attempt.token].id == record.id
    assert client.workers() == [info]


# -- models -----------------------------------------------------------------------------------


def test_the_model_of_a_training_that_succeeded(client, succeeded):
    record = succeeded()
    found, model = find_model(client, record.name)
    assert found == record
    assert (model.job, model.attempt, model.manifest) == (record.id, 1, record.manifest)
    assert model.name == record.name


def test_a_job_that_is_no_training_has_no_model(client, succeeded):
    succeeded(describe())
    with pytest.raises(
        InvalidInput, match="a job of kind 'describe': expected a training"
    ) as found:
        find_model(client, "look")
    assert "fitq jobs --kind train" in found.value.hint


def test_a_training_that_has_not_ended_has_no_model_yet(client, train_job, claim):
    record = client.submit(train_job())
    with pytest.raises(InvalidInput, match="no model: the job is queued") as caught:
        find_model(client, record.name)
    assert "fitq wait brave-otter" in caught.value.hint
    claim(record)
    with pytest.raises(InvalidInput, match="no model: the job is running"):
        find_model(client, record.name)


def test_a_training_that_did_not_succeed_has_no_model(client, train_job, records, claim):
    record = client.submit(train_job())
    Attempts(records).fail(claim(record), Reason("error", "it broke"))
    with pytest.raises(InvalidInput, match="no model: the job is failed") as caught:
        find_model(client, record.name)
    assert "fitq show" in caught.value.hint


def test_a_model_of_no_job_is_unknown(client, succeeded):
    succeeded()
    with pytest.raises(UnknownJob, match="did you mean 'brave-otter'"):
        find_model(client, "brave-oter")


# -- artifacts --------------------------------------------------------------------------------


def test_artifacts_are_read_through_the_store(client, succeeded):
    record = succeeded(artifacts={"log.txt": "done"})
    assert client.artifacts.has_store
    assert client.artifacts.folder(record).read_verified("log.txt", record.manifest) == b"done"


def test_an_input_is_kept_under_its_path(client, tmp_path):
    (tmp_path / "x.npy").write_bytes(b"content")
    client.artifacts.upload(tmp_path / "x.npy", "inputs/abc.npy")
    assert client.artifacts.store.read("inputs/abc.npy") == b"content"


def test_a_client_without_the_store_can_do_all_but_read_artifacts(queue, train_job):
    client = Queue(replace(queue, store_url=None))
    record = client.submit(train_job())
    assert client.cancel(client.job(record.name)) == "cancelled"
    assert not client.artifacts.has_store
    with pytest.raises(StoreError, match="no access to the store"):
        client.artifacts.folder(record)


def test_a_store_that_is_not_there_is_no_store(queue, tmp_path):
    assert not Queue(replace(queue, store_url=str(tmp_path / "nothing"))).artifacts.has_store
    assert not Queue(replace(queue, store_url="nosuch://x")).artifacts.has_store


def test_every_question_to_a_redis_that_is_not_there_says_so(train_job, succeeded):
    record = succeeded()
    client = Queue(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    for ask in (
        lambda: client.submit(train_job()),
        lambda: client.job("x"),
        client.jobs,
        lambda: client.cancel(record),
        lambda: next(client.events(record)),
        lambda: client.wait(record),
        lambda: client.place(record),
        client.workers,
        client.running_on,
        lambda: find_model(client, "x"),
    ):
        with pytest.raises(QueueUnreachable):
            ask()
