from __future__ import annotations

import pytest

from fitq_shared.queues import NEEDS, QUEUES, queue_for, queues_served_by, task_name
from fitq_shared.schema import SCHEMA_VERSION


def test_each_need_names_a_queue_of_its_own():
    assert len({queue_for(need) for need in NEEDS}) == len(NEEDS)
    assert set(QUEUES) == {queue_for(need) for need in NEEDS}


def test_each_version_of_jobs_has_queues_of_its_own():
    """So a worker never takes a job that it cannot read."""
    assert [queue_for(need, 7) for need in NEEDS] == ["fitq.v7.any", "fitq.v7.cpu", "fitq.v7.gpu"]
    assert not {queue_for(need, SCHEMA_VERSION + 1) for need in NEEDS} & set(QUEUES)


@pytest.mark.parametrize(("kind", "other"), [("cpu", "gpu"), ("gpu", "cpu")])
def test_a_device_serves_its_own_queue_first_and_never_the_other_kind(kind, other):
    assert queues_served_by(kind) == (queue_for(kind), queue_for("any"))
    assert queue_for(other) not in queues_served_by(kind)


def test_every_queue_is_served_by_some_device():
    assert {*queues_served_by("cpu"), *queues_served_by("gpu")} == set(QUEUES)


def test_a_task_is_named_by_its_kind():
    assert task_name("train") == "fitq.train"
