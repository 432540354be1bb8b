"""What a sweep needs stays, for as long as the sweep may go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fitq.model_references import find_model
from fitq.queue import Queue
from fitq.sweeping import Sweeping
from fitq_shared.record_keys import job_key
from fitq_shared.sweeps.record import Trial
from support.sweeps import sweep_spec

pytestmark = pytest.mark.services

VALUES = {"optimizer.learning_rate": 0.001}


@pytest.fixture
def begun(queue, succeeded, train_job, records):
    """A sweep that begins from the model of the job `pretrained`, with one completed trial."""
    succeeded(train_job(name="pretrained"))
    client = Queue(queue)
    _, model = find_model(client, "pretrained")
    sweep = Sweeping(client).submit(sweep_spec({"init_from": model.model_dump()}))
    trial = succeeded(train_job(name="brave-otter-1"))
    done = Trial(1, trial.id, VALUES, state="completed", value=0.9)
    assert client.sweeps.write(sweep, [done])
    return client.sweeps.get(sweep.id)


def test_what_a_sweep_needs_is_not_removed(queue, fitq, begun):
    # When the model that its trials begin from, and its best trial so far, are to be removed
    ran = fitq("rm", "pretrained", "brave-otter-1", "--yes")
    # Then both are refused, with the sweep that needs them
    assert ran.code == 2
    for name in ("pretrained", "brave-otter-1"):
        assert f"{name} is needed by the sweep brave-otter, which is running" in ran.err
    assert "`fitq sweep cancel brave-otter`" in ran.err
    # Given it was cancelled: a resumed one begins from the model, but each trial may go
    assert fitq("sweep", "cancel", "brave-otter").code == 0
    ran = fitq("rm", "pretrained", "--yes")
    assert ran.code == 2
    assert "pretrained is needed by the sweep brave-otter, which may be resumed" in ran.err
    assert "`fitq sweep rm brave-otter`" in ran.err
    assert fitq("rm", "brave-otter-1", "--yes").code == 0
    # Given it has succeeded: nobody needs the model
    sweeps = Queue(queue).sweeps
    assert sweeps.write(replace(sweeps.get(begun.id), state="succeeded"), unfinished=False)
    assert fitq("rm", "pretrained", "--yes").code == 0


def test_what_a_sweep_needs_is_no_waste(queue, fitq, begun, records, redis):
    # Given a sweep that goes on, and jobs that ended long ago
    old = [record.id for record in records.all()]
    for job_id in old:
        redis.hset(job_key(job_id), "finished", "1")
    # When whole jobs may go
    ran = fitq("gc", "--jobs", "1d", "--apply")
    # Then those that it needs stay
    assert (ran.code, ran.out) == (0, "nothing to remove\n")
    # And with the sweep their need is gone
    sweeps = Queue(queue).sweeps
    assert sweeps.write(replace(begun, state="succeeded"), unfinished=False)
    assert fitq("gc", "--jobs", "1d", "--apply").code == 0
    assert list(records.all()) == []
