"""Chains on a worker: a model that was yet to come, promotion, failure, and going on from there."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fitq.chains import read_chain
from fitq.queue import Queue
from fitq_shared.record import JobRecord

pytestmark = pytest.mark.services

TRAIN = {
    "dataset": "mnist",
    "model": {"type": "mlp", "units": [16]},
    "epochs": 1,
    "batch_size": 2048,
    "rows": 2048,
    "seed": 1,
}


def run(queue: Queue, **links: Any) -> dict[str, JobRecord]:
    """Submit a chain and wait for all its ends: the jobs by the names of their links."""
    chain = read_chain({"links": links}, queue.settings, Path(), queue, ExitStack())
    records = queue.submit_all(chain.jobs)
    ended = [queue.wait(record, 120) for record in records]
    return {record.name.removeprefix(f"{chain.name}-"): record for record in ended}


def test_train_evaluate_promote_and_predict_are_one_submission(queue: Queue) -> None:
    # When
    ended = run(
        queue,
        train=TRAIN,
        evaluate={"model": "train", "batch_size": 2048},
        promote={
            "model": "train",
            "evaluation": "evaluate",
            "metric": "accuracy",
            "model_name": "chained",
            "alias": "production",
        },
        predict={"model": "train", "after": "promote", "batch_size": 2048},
    )
    # Then
    assert {name: (r.state, r.reason) for name, r in ended.items()} == dict.fromkeys(
        ("train", "evaluate", "promote", "predict"), ("succeeded", None)
    )
    started = [ended[name].started or 0 for name in ("train", "evaluate", "promote", "predict")]
    assert started == sorted(started)
    # And the spec stayed as it was sent, and the version that was promoted is the training's
    assert ended["evaluate"].spec["model"]["pending"] is True
    assert queue.registry.find("chained@production").job == ended["train"].id


def test_a_failed_link_stops_the_chain_and_retry_goes_on_from_it(
    queue: Queue, trained: JobRecord
) -> None:
    # Given a link whose timeout is over before it has begun
    ended = run(
        queue,
        train={**TRAIN, "timeout": 0.001},
        evaluate={"model": "train"},
        predict={"model": "train", "after": "evaluate"},
    )
    # Then those behind it have not run, and say why
    assert {record.state for record in ended.values()} == {"failed"}
    for name in ("evaluate", "predict"):
        reason = ended[name].reason
        assert reason is not None
        assert (
            f"after {ended['train'].name}, which failed: the job ran for longer" in reason.message
        )
        assert ended[name].started is None
    # When it is retried, Then they wait again, and end once more with it
    queue.retry(ended["train"])
    for name in ("evaluate", "predict"):
        again = queue.wait(ended[name], 120)
        assert (again.state, again.attempt) == ("failed", 2)


def test_branches_run_when_their_own_links_are_done(queue: Queue) -> None:
    ended = run(
        queue,
        one=TRAIN | {"kind": "train"},
        two=TRAIN | {"kind": "train", "seed": 2},
        first={"kind": "evaluate", "model": "one"},
        both={"kind": "evaluate", "model": "two", "after": ["one", "first"]},
    )
    assert {record.state for record in ended.values()} == {"succeeded"}
    assert (ended["both"].started or 0) >= (ended["first"].finished or 0)
