"""With signing on, only what a trusted key has signed does anything. One worker for all."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fitq.queue import Queue
from fitq_shared.queues import queue_for
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.signing import Signer
from fitq_shared.specs.describe import DescribeJob
from support.jobs import event_types
from support.keys import Keys, own_serializers
from support.messages import EMBEDDED, arguments_of, body_of, message, text_of
from support.redis_server import RedisServer
from support.waiting import wait_until
from support.worker import Worker

ANY = queue_for("any")
pytestmark = pytest.mark.services


class Stage:
    """A queue with one worker, both with signing on, and what an attacker can do there."""

    def __init__(self, server: RedisServer, keys: Keys, folder: Path) -> None:
        volume = folder / "volume"
        volume.mkdir()
        settings = replace(server.settings, store_url=str(volume), lease_seconds=5.0)
        self.redis = open_redis(settings)
        self.client = Queue(keys.settings(settings, "client"))
        self.own = _signer(keys.settings(settings, "client"))
        self.stranger = _signer(keys.settings(settings, "stranger", keys.cert("stranger")))
        self.worker = Worker(settings, folder, **keys.environment("worker"))
        self.records = Records(self.redis)

    def queued(self, signer: Signer | None) -> JobRecord:
        """The record of a job without its message, which this signer vouches for, if any."""
        spec = _describe()
        prove: Callable[[str], str] | None = None
        if signer is not None:
            prove = lambda job: signer.prove(job, spec.kind, spec.digest())  # noqa: E731
        return self.records.create(spec, prove)

    def send(self, *messages: object) -> None:
        for one in messages:
            self.redis.lpush(ANY, text_of(one))

    def next_job_runs(self) -> None:
        """A signed job, submitted as a client does, succeeds."""
        record = self.client.wait(self.client.submit(_describe()), 120)
        assert record.state == "succeeded", record.reason

    def signed(self, arguments: dict[str, Any], signer: Signer, **changes: Any) -> dict[str, Any]:
        """A message whose body this signer has signed."""
        body = signer._serializer.serialize([[], arguments, EMBEDDED]).encode()
        return message(arguments, body=body, **{"content-type": "application/data"}, **changes)

    def noted(self, words: str) -> None:
        wait_until(lambda: words in self.worker.text(), 30, f"{words!r} in the worker's log")


def _describe() -> DescribeJob:
    return DescribeJob(name="one", owner="tester", dataset="mnist")


def _signer(settings: Any) -> Signer:
    signer = Signer.from_settings(settings)
    assert signer is not None
    return signer


@pytest.fixture(scope="module")
def stage(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    open_redis(redis_server.settings).flushall()
    folder = tmp_path_factory.mktemp("signed")
    keys = Keys(folder / "keys")
    keys.make("client")
    keys.make("worker")
    keys.make("stranger", trusted=False)
    with own_serializers():
        stage = Stage(redis_server, keys, folder)
        stage.worker.wait_until_ready()
        yield stage
        stage.worker.stop()


def test_a_message_that_no_trusted_key_has_signed_does_nothing(stage: Stage) -> None:
    # Given a job that a client has signed, and whose message is not there yet
    record = stage.queued(stage.own)
    arguments = arguments_of(record)
    good = stage.signed(arguments, stage.own)
    packed = base64.b64decode(base64.b64decode(good["body"]))
    altered = base64.b64encode(packed.replace(b'"attempt": 1', b'"attempt": 2'))
    hostile = {
        # unsigned, as an application without keys sends it
        "its content type is 'application/json'": message(arguments),
        # unsigned, under the type of a signed one
        "not a signed body": message(
            arguments, body=body_of(arguments), **{"content-type": "application/data"}
        ),
        "bad signature": {**good, "body": base64.b64encode(altered).decode()},
        "Unknown certificate": stage.signed(arguments, stage.stranger),
        "its task is 'fitq.train', and its body says fitq.describe": stage.signed(
            arguments, stage.own, headers={"task": "fitq.train"}
        ),
        f"its id is 'other-1-x', and its body says {record.id}-1-": stage.signed(
            arguments, stage.own, headers={"id": "other-1-x"}
        ),
    }
    # When they come, and a signed job after them
    stage.send(*hostile.values())
    stage.next_job_runs()
    # Then each is noted, and the job is as it was
    for words in hostile:
        stage.noted(words)
    assert event_types(stage.client, record)[0] == "queued"
    # And its own message still runs it, once; the same again does nothing
    stage.send(good)
    assert stage.client.wait(record, 60).state == "succeeded"
    stage.send(good)
    stage.noted(f"job {record.id}, attempt 1: dropped, its message is stale")
    assert event_types(stage.client, record) == ["queued", "started", "succeeded"]


def test_a_record_that_no_trusted_key_has_signed_is_not_run(stage: Stage) -> None:
    # Given forged records, and their messages, signed as a worker's reaper would do it
    spec = _describe()
    proof = stage.own.prove("abcd2345", spec.kind, spec.digest())
    forged = {
        "it is not signed": stage.queued(None),
        "no trusted key has signed it": stage.queued(stage.stranger),
        "its signature is for another job": stage.records.create(spec, lambda _: proof),
    }
    stage.send(*(stage.signed(arguments_of(record), stage.own) for record in forged.values()))
    for words, record in forged.items():
        # When such a job has ended
        ended = stage.client.wait(record, 60)
        # Then it has failed, with the reason, before anything of it ran
        assert ended.state == "failed"
        assert ended.reason is not None
        assert ended.reason.message == f"the job was not run, since {words}"
        assert "FITQ_SIGNING_CERTS" in ended.reason.hint
        assert not stage.client.artifacts.folder(ended).exists("description.json")
        stage.noted(f"job {record.id} failed: the job was not run, since {words}")
    # And the next one runs
    stage.next_job_runs()


def test_remote_control_that_is_not_signed_does_nothing(stage: Stage) -> None:
    # Given Celery's order to end, unsigned, sent to all workers
    order = message(body=json.dumps({"method": "shutdown", "arguments": {}}).encode())
    assert stage.redis.publish("/0.celery.pidbox", json.dumps(order))
    # Then the worker goes on
    stage.next_job_runs()
    assert stage.worker.process.poll() is None


def test_a_client_without_keys_is_told(stage: Stage) -> None:
    # Given a client that does not sign
    settings = replace(
        stage.client.settings, signing_key=None, signing_cert=None, signing_certs=None
    )
    with own_serializers():
        record = Queue(settings).submit(_describe())
    # Then its job fails, with what to do
    ended = stage.client.wait(record, 60)
    assert ended.state == "failed"
    assert ended.reason is not None
    assert "FITQ_SIGNING_KEY" in ended.reason.hint
