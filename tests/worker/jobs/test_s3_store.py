"""Jobs whose store is an S3 bucket: workers and clients share no folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import pytest
import s3fs

from fitq.drafts import complete
from fitq.model_references import find_model
from fitq.queue import Queue
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.settings import Settings
from fitq_shared.store import Store
from support.jobs import training, wait_for_epoch
from support.proxy import Proxy
from support.redis_server import RedisServer
from support.s3_server import S3Server
from support.waiting import wait_until
from support.worker import Worker


@pytest.fixture(scope="module")
def between(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The way to an S3 server with one empty bucket; this process and its workers log in there."""
    server = S3Server(tmp_path_factory.mktemp("s3"))
    proxy = Proxy(server.port)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment(proxy.port).items():
            patch.setenv(name, value)
        s3fs.S3FileSystem().mkdir("volume")
        yield proxy
    proxy.stop()
    server.stop()


@pytest.fixture(scope="module")
def settings(
    session_settings: Settings, between: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """The settings of a queue of its own, whose store is the bucket, with MNIST in it."""
    folder = tmp_path_factory.mktemp("redis")
    server = RedisServer(folder)
    made = replace(server.settings, store_url="s3://volume/fitq")
    cached = Path(session_settings.store_url or "") / "datasets/mnist/arrays.npz"
    if cached.exists():
        Store(made.store_url or "").upload(cached, "datasets/mnist/arrays.npz")
    yield made
    server.stop()


@pytest.fixture(scope="module")
def worker(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    started = Worker(settings, tmp_path_factory.mktemp("worker")).wait_until_ready()
    yield started
    started.stop()


@pytest.fixture
def client(settings: Settings, worker: Worker) -> Queue:
    return Queue(settings)


def test_a_training_and_a_prediction_go_through_the_bucket(client: Queue, tmp_path: Path) -> None:
    # Given a training whose worker has no volume
    record = client.wait(client.submit(training(client, epochs=2)), 120)
    assert record.state == "succeeded", record.reason
    # Then all artifacts are in the bucket, and match the sums that were published
    folder = client.artifacts.folder(record)
    assert folder.location.startswith("s3://volume/fitq/jobs/")
    sums = folder.sums(record.manifest or "")
    assert {AttemptFolder.model, AttemptFolder.history_plot, AttemptFolder.log} <= set(sums)
    for name in sums:
        folder.read_verified(name, record.manifest or "")
    assert len(json.loads(folder.read(AttemptFolder.history_json))) == 2
    assert b"done:" in folder.read(AttemptFolder.log)
    # And Keras loads the model from there
    path = tmp_path / "model.keras"
    path.write_bytes(folder.read(AttemptFolder.model))
    assert keras.models.load_model(path).count_params() > 0
    # And a worker does, to predict with it
    values = {
        "kind": "predict",
        "model": find_model(client, record.id)[1],
        "rows": {"type": "dataset", "dataset": "mnist", "split": "test"},
        "batch_size": 2048,
    }
    predicted = client.wait(client.submit(complete(values, client.settings)), 120)
    assert predicted.state == "succeeded", predicted.reason
    assert predicted.metrics is not None
    assert predicted.metrics["rows"] == 10_000


@pytest.mark.soak
def test_a_training_goes_on_from_a_checkpoint_in_the_bucket(client: Queue, worker: Worker) -> None:
    # Given a training that has written a checkpoint
    record = client.submit(training(client, epochs=60))
    wait_until(lambda: client.artifacts.has_checkpoint(client.job(record.id)), 120, "a checkpoint")
    # When its child dies
    worker.child().kill()
    # Then the second attempt goes on from the bucket's checkpoint, and publishes there
    record = client.wait(record, 180)
    assert (record.state, record.attempt) == ("succeeded", 2)
    assert b"goes on" in client.artifacts.folder(record).read(AttemptFolder.log)


@pytest.mark.soak
def test_a_bucket_that_is_away_for_a_while_fails_no_job(client: Queue, between: Proxy) -> None:
    # Given a training that has begun
    record = client.submit(training(client, epochs=60))
    wait_for_epoch(client, record)
    # When the bucket takes no connections, until that has cost the job its attempt
    between.refuse()
    wait_until(lambda: client.job(record.id).attempt == 2, 120, "a second attempt")
    between.accept()
    # Then the job is tried again, and succeeds
    record = client.wait(record, 180)
    assert record.state == "succeeded", record.reason
    assert record.faults > 0
