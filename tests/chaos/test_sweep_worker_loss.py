"""A sweep goes on, whatever dies: a worker with a trial, the conductor, Redis, the client."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from fitq.queue import Queue
from fitq.sweeping import Standing, Sweeping
from fitq_shared.lease import Lease
from fitq_shared.redis_link import Redis
from fitq_shared.sweeps.record import SweepRecord
from support.redis_server import RedisServer
from support.sweeps import sweep_spec, wait_for_sweep, wait_for_trials
from support.worker import Worker

StartWorker = Callable[..., Worker]


def assert_whole(queue: Queue, standing: Standing, trials: int) -> None:
    """Each trial has one job, which has succeeded, and the report has been made."""
    assert [(t.number, t.state) for t in standing.trials] == [
        (number, "completed") for number in range(1, trials + 1)
    ]
    jobs = queue.jobs(tags=[standing.sweep.tag])
    ids = [standing.sweep.job_of(number) for number in range(1, trials + 1)]
    assert sorted(job.id for job in jobs) == sorted([*ids, standing.sweep.report])
    assert {job.state for job in jobs} == {"succeeded"}


def conductor_of(redis: Redis, sweep: SweepRecord, workers: list[Worker]) -> Worker:
    """The worker whose parent conducts a sweep."""
    token = redis.get(Lease(redis, f"sweep:{sweep.id}", "", 1).key)
    return next(worker for worker in workers if worker.info and worker.info.token == token)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two workers need two cores")
@pytest.mark.timeout(1800)
def test_twelve_trials_survive_the_death_of_their_conductor(
    queue: Queue, redis: Redis, two_workers: list[Worker]
) -> None:
    # Given a sweep of 12 trials over two workers, some of which are done
    spec = sweep_spec(
        space={"lr": "1e-4..1e-1:log", "units": "8..64"},
        trials=12,
        parallel=3,
        model_name="digits",
        promote="production",
    )
    sweep = Sweeping(queue).submit(spec)
    wait_for_trials(queue, sweep, "completed", 2)
    wait_for_trials(queue, sweep, "running", 1)
    # When the worker that conducts it is killed, with whatever it runs
    conductor = conductor_of(redis, sweep, two_workers)
    os.killpg(conductor.process.pid, signal.SIGKILL)
    conductor.process.wait(timeout=10)
    # Then the other one conducts it to its end, with all trials accounted for, each once
    standing = wait_for_sweep(queue, sweep, "succeeded", "failed")
    assert standing.sweep.state == "succeeded", standing.sweep.reason
    assert_whole(queue, standing, 12)
    # And the best is promoted
    best = standing.best
    assert best is not None
    assert best.value == max(trial.value or 0 for trial in standing.trials)
    version = queue.registry.find("digits@production")
    assert (version.job, version.version) == (best.job, 1)
    # And the report has all trials, and its pictures
    report = queue.artifacts.folder(queue.job(standing.sweep.report))
    assert len(report.read("trials.csv").splitlines()) == 13
    for picture in ("parallel.png", "importance.png"):
        assert report.read(picture).startswith(b"\x89PNG")


@pytest.mark.timeout(1800)
def test_a_sweep_goes_on_after_redis_was_restarted(
    queue: Queue, redis_server: RedisServer, start_worker: StartWorker
) -> None:
    # Given a sweep that a worker conducts, of Optuna's
    start_worker().wait_until_ready()
    spec = sweep_spec(space={"units": "8..32"}, trials=4, parallel=1, sampler="optuna")
    sweep = Sweeping(queue).submit(spec)
    wait_for_trials(queue, sweep, "completed", 1)
    # When Redis is killed, and started again
    redis_server.kill()
    redis_server.start()
    # Then the sweep comes to its end, with one job for each trial
    standing = wait_for_sweep(queue.patient(), sweep, "succeeded", "failed")
    assert standing.sweep.state == "succeeded", standing.sweep.reason
    assert_whole(queue, standing, 4)
