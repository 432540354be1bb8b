"""A training that is done again is identical to the bit, or the report says what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fitq.commands.reproduce import _needs
from fitq.model_references import find_model
from fitq.reproductions import lines_of
from fitq_shared.attempt_folder import AttemptFolder

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def slice_of_mnist(train):
    """A training on a slice of MNIST, with dropout and several batches an epoch."""
    return train(
        rows=2000,
        batch_size=128,
        epochs=3,
        model={"type": "mlp", "units": [32], "dropout": [0.2]},
        validation_split=0.2,
    )


@pytest.fixture
def reproduce(queue, finish, fill):
    def run(record):
        model = find_model(queue, record.id)[1].model_dump()
        needs = _needs(queue, record)
        return finish(fill(kind="reproduce", model=model, threads=record.threads, **needs))

    return run


def report_of(queue, record):
    return queue.artifacts.folder(record).read_json(AttemptFolder.reproduction)


def test_a_slice_of_mnist_is_identical(slice_of_mnist, reproduce, queue):
    # When it is trained again
    again = reproduce(slice_of_mnist)
    # Then all weights and epochs are the same to the bit
    assert again.metrics["identical"] == 1
    assert again.metrics["weights_differing"] == again.metrics["epochs_differing"] == 0
    report = report_of(queue, again)
    assert report["identical"]
    assert report["weights"]["count"] >= 4
    assert report["epochs"]["count"] == 3
    # And so was everything that could have made a difference
    rows = {row["name"]: row for row in report["circumstances"]}
    assert rows["threads"]["first"] == slice_of_mnist.threads
    assert all(row["same"] for row in rows.values())
    assert len(rows["data"]["first"]) == 64
    first, *_ = lines_of(report)
    assert first.startswith("identical: all ")
    assert again.spec["device"] == "cpu"


def test_other_threads_are_taken_from_the_first_training(slice_of_mnist, reproduce, queue):
    # Given a worker with another number of threads than the training is said to have had
    other = replace(slice_of_mnist, threads=(slice_of_mnist.threads or 1) + 1)
    # When it is done again
    again = reproduce(other)
    # Then it ran with that number, and the report says that this was not the same
    assert again.threads == other.threads
    rows = {row["name"]: row for row in report_of(queue, again)["circumstances"]}
    assert rows["threads"]["second"] == other.threads
    assert not rows["threads"]["same"]


def test_what_differs_is_said(slice_of_mnist, reproduce, queue):
    # Given a published training whose weights and history are those of another seed
    store, record = queue.artifacts.store, slice_of_mnist
    folder = AttemptFolder(store, "forged1", 1)
    for name in queue.artifacts.folder(record).files():
        if name != "manifest.json":
            folder.write(name, queue.artifacts.folder(record).read(name))
    folder.write_json(AttemptFolder.spec, {**record.spec, "seed": record.spec["seed"] + 1})
    fields = {**record.to_fields(), "id": "forged1", "name": "forged", "manifest": folder.seal()}
    assert queue.records.restore(fields)
    # When it is done again
    again = reproduce(queue.job("forged1"))
    # Then the report names weights and epochs, and by how much
    assert again.metrics["identical"] == 0
    report = report_of(queue, again)
    assert report["weights"]["differing"][0]["largest"] > 0
    assert [one["epoch"] for one in report["epochs"]["differing"]] == [1, 2, 3]
    text = "\n".join(lines_of(report))
    assert "not identical: " in text
    assert "3 of 3 epochs differ" in text
    assert "numbers, by up to" in text


def test_damaged_artifacts_are_said_before_anything_is_trained(
    slice_of_mnist, reproduce, queue, finish, fill
):
    record = slice_of_mnist
    folder = AttemptFolder(queue.artifacts.store, "forged2", 1)
    for name in queue.artifacts.folder(record).files():
        if name != "manifest.json":
            folder.write(name, queue.artifacts.folder(record).read(name))
    fields = {**record.to_fields(), "id": "forged2", "name": "forged", "manifest": folder.seal()}
    assert queue.records.restore(fields)
    folder.write(AttemptFolder.history_json, b"[]")
    model = find_model(queue, "forged2")[1].model_dump()
    failed = finish(fill(kind="reproduce", model=model, device="cpu"), "failed")
    assert "history.json is damaged" in failed.reason.message
