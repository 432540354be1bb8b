from __future__ import annotations

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.specs.evaluate import EvaluateJob
from fitq_shared.specs.kinds import KINDS, parse_spec

MODEL = {"job": "abcd2345", "attempt": 1, "manifest": "a" * 64, "name": "brave-otter"}
VALUES = {"kind": "evaluate", "name": "n", "owner": "ann", "model": MODEL, "dataset": "mnist"}


def where(values):
    with pytest.raises(InvalidInput) as caught:
        parse_spec(values)
    return [mistake.where for mistake in caught.value.mistakes]


def test_the_test_split_is_measured_by_default():
    job = EvaluateJob.parse(VALUES)
    assert (job.split, job.batch_size, job.device) == ("test", 128, "any")
    assert job.summary == "brave-otter on mnist test"
    assert parse_spec(job.model_dump(mode="json")) == job


def test_what_is_measured_is_not_said_before_it_is_known():
    # Given data of which only a worker knows whether it has a test part
    data = {"name": "homes", "version": 2, "manifest": "b" * 64}
    job = EvaluateJob.parse({**VALUES, "dataset": data})
    # Then the job does not say that it is on one
    assert (job.split, job.summary) == (None, "brave-otter on homes@2")
    assert parse_spec(job.model_dump(mode="json")) == job


def test_all_mistakes_are_named_at_once():
    wrong = {
        **VALUES,
        "dataset": "mnits",
        "split": "tset",
        "batch_size": 0,
        "model": {**MODEL, "manifest": "short", "attempt": "first", "extra": 1},
    }
    assert set(where(wrong)) == {
        *("dataset", "split", "batch_size"),
        *("model.manifest", "model.attempt", "model.extra"),
    }


@pytest.mark.parametrize("job", ["../../etc", "a/b", "", "x\n"])
def test_a_model_that_could_leave_its_folder_is_refused(job):
    assert where({**VALUES, "model": {**MODEL, "job": job}}) == ["model.job"]


@pytest.mark.parametrize("kind", ["evalute", None, 3, ["evaluate"], {}])
def test_a_kind_that_is_not_known_is_refused(kind):
    with pytest.raises(InvalidInput) as caught:
        parse_spec({**VALUES, "kind": kind})
    assert "expected one of check, describe, evaluate" in caught.value.message


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_refuses_nothing_at_all(kind):
    # Given only the kind of a job
    # Then what is missing is named: a name and an owner at the least
    assert {"name", "owner"} <= set(where({"kind": kind}))


def test_a_description_needs_a_data_set_that_is_known():
    values = {"kind": "describe", "name": "n", "owner": "ann"}
    assert parse_spec({**values, "dataset": "mnist"}).summary == "mnist"
    assert where({**values, "dataset": "minst"}) == ["dataset"]
