"""A worker that dies between the end of a link and the release of the next."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from fitq.chains import read_chain
from fitq.queue import Queue
from support.worker import Worker

PLANT = Path(__file__).parents[1] / "support" / "dies_before_release"

pytestmark = pytest.mark.services


def test_what_the_dead_worker_did_not_release_another_does(
    queue: Queue, start_worker: Callable[..., Worker]
) -> None:
    # Given a chain, and a worker that dies when its first link has succeeded
    links = {
        "train": {"dataset": "mnist", "model": "mlp", "rows": 1000, "epochs": 1},
        "evaluate": {"model": "train", "batch_size": 2048},
    }
    chain = read_chain({"links": links}, queue.settings, Path(), queue, ExitStack())
    train, evaluate = queue.submit_all(chain.jobs)
    doomed = start_worker(PYTHONPATH=str(PLANT))
    assert doomed.process.wait(timeout=180) != 0
    assert queue.job(train.id).state == "succeeded"
    assert queue.job(evaluate.id).state == "waiting"
    # When another comes
    start_worker()
    # Then the next link runs, once
    ended = queue.wait(evaluate, 180)
    assert (ended.state, ended.attempt) == ("succeeded", 1)
    types = [event.type for event in _events(queue, evaluate.id) if event is not None]
    assert types.count("queued") == types.count("started") == 1


def _events(queue: Queue, job_id: str):
    for event in queue.events(queue.job(job_id)):
        yield event
        if event is None or event.type == "succeeded":
            return
