"""Registration by a worker, and the promotion job."""

from __future__ import annotations

import json

import pytest

from fitq.model_references import find_model, versions_of
from fitq_shared.attempt_folder import AttemptFolder

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def versions(train, queue):
    """Two trainings that were registered by the worker: one of an epoch, one of three."""
    for epochs in (1, 3):
        train(epochs=epochs, model_name="promoted", name=f"epochs-{epochs}")
    return queue.registry.model("promoted").versions


@pytest.fixture
def promote(queue, finish, fill):
    def run(version, state="succeeded", **changes):
        record = queue.job(version.label)
        model = find_model(queue, version.label)[1].model_dump()
        assert record.id == version.job
        spec = fill(kind="promote", model=model, model_name="promoted", **changes)
        return finish(spec, state)

    return run


def test_what_a_worker_publishes_is_registered(versions, queue):
    assert [version.job_name for version in versions] == ["epochs-1", "epochs-3"]
    assert versions_of(queue, queue.job("epochs-3")) == ["promoted@2"]


def test_a_better_model_takes_the_alias_and_a_worse_one_does_not(versions, promote, queue):
    first, second = versions
    condition = {"alias": "best", "metric": "val_accuracy"}
    # Nobody holds it yet
    assert promote(first, **condition).metrics["promoted"] == 1
    # The second has seen the rows three times
    better = promote(second, **condition)
    assert better.metrics["promoted"] == 1
    assert queue.registry.find("promoted@best") == second
    report = queue.artifacts.folder(better).read_json(AttemptFolder.promotion)
    assert (report["before"], report["version"]) == ("promoted@1", "promoted@2")
    assert report["value"] > report["value_before"]
    # The first comes no more
    worse = promote(first, **condition)
    assert worse.metrics["promoted"] == 0
    assert queue.registry.find("promoted@best") == second
    # And fails where it had to be better
    failed = promote(first, "failed", **condition, must=True)
    assert "is not better than promoted@2's" in failed.reason.message


def test_an_evaluation_is_compared_with_that_of_the_holder(versions, promote, queue, finish, fill):
    first, second = versions

    def evaluate(version):
        model = find_model(queue, version.label)[1].model_dump()
        return finish(fill(kind="evaluate", model=model, dataset="mnist", batch_size=2048))

    by_second = evaluate(second)
    assert promote(first, alias="tested").metrics["promoted"] == 1
    condition = {"alias": "tested", "metric": "accuracy", "evaluation": by_second.id}
    # Given that the holder was never evaluated, When a better one is to take its place
    better = promote(second, **condition)
    # Then the holder was measured on the same rows first, and the better has the alias
    assert better.metrics["promoted"] == 1
    assert queue.registry.find("promoted@tested") == second
    assert "measures promoted@1 on 10000 rows: mnist test" in log_of(queue, better)
    measured = queue.artifacts.folder(better).read_json(AttemptFolder.promotion)["value_before"]
    by_first = evaluate(first)
    assert measured == pytest.approx(by_first.metrics["accuracy"], abs=1e-6)
    # And where it has an evaluation, that counts
    worse = promote(first, **{**condition, "evaluation": by_first.id})
    assert worse.metrics["promoted"] == 0
    assert f"promoted@2 was measured on the same rows by {by_second.name}" in log_of(queue, worse)
    # An evaluation of another model does not count
    other = promote(first, "failed", **condition)
    assert "is an evaluation of another model than promoted@1" in other.reason.message


def log_of(queue, record):
    return queue.artifacts.folder(record).read(AttemptFolder.log).decode()


def test_the_registry_has_a_copy_in_the_volume(versions, queue):
    [name] = queue.artifacts.store.files("models/promoted")
    content = json.loads(queue.artifacts.store.read(f"models/promoted/{name}"))
    assert versions[0].job in content["fields"]["version:1"]
