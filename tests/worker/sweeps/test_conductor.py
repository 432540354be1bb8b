"""What a conductor does with a sweep, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from fitq.queue import Queue
from fitq.standings import counts
from fitq.sweeping import Standing, Sweeping
from fitq_shared.attempts import Attempts
from fitq_shared.errors import Diverged, InvalidInput
from fitq_shared.record import JobRecord
from fitq_shared.redis_link import Redis
from fitq_shared.sweeps.keys import sweep_key
from fitq_shared.sweeps.record import SweepRecord
from fitq_shared.sweeps.records import copies
from fitq_shared.workers import announce
from fitq_worker.identity import Identity
from fitq_worker.record_copies import RecordCopies
from fitq_worker.sweeps.conductor import Conductor
from support.fake_worker import FakeWorker
from support.sweeps import sweep_spec
from support.waiting import wait_until

pytestmark = pytest.mark.services

GetStanding = Callable[[SweepRecord], Standing]
MakeConductor = Callable[..., Conductor]
FOUR = {"lr": [0.001, 0.002, 0.003, 0.004]}


def make_jobs(worker: FakeWorker, *names: str) -> list[JobRecord]:
    """Trainings that wait, with these names."""
    spec = sweep_spec().trial(1, {}, "before")
    return [worker.records.create(spec.model_copy(update={"name": name})) for name in names]


def states(standing: Standing) -> list[str]:
    return [standing.state(trial) for trial in standing.trials]


def test_trials_are_ordinary_jobs_named_after_their_sweep(
    queue: Queue, conductor: Conductor, worker: FakeWorker
) -> None:
    # Given a sweep over a grid of two
    sweep = Sweeping(queue).submit(sweep_spec(tags=["digits"], parallel=2))
    # When a conductor looks, again and again
    conductor.look()
    conductor.look()
    # Then its trials are queued, once
    jobs = worker.queued()
    assert [(job.id, job.name, job.owner) for job in jobs] == [
        (sweep.job_of(1), "brave-otter-1", "ann"),
        (sweep.job_of(2), "brave-otter-2", "ann"),
    ]
    assert {job.tags for job in jobs} == {("digits", sweep.tag)}
    assert [job.spec["optimizer"]["learning_rate"] for job in jobs] == [0.001, 0.01]


def test_no_more_trials_than_allowed_are_there_at_once(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep of four trials, of which two may be there at once
    sweep = Sweeping(queue).submit(sweep_spec(space=FOUR, parallel=2))
    conductor.look()
    assert states(standing(sweep)) == ["queued", "queued"]
    # When one ends
    worker.run(sweep.job_of(1), 0.5)
    conductor.look()
    # Then the next one is begun
    assert states(standing(sweep)) == ["completed", "queued", "queued"]


def test_by_default_one_more_trial_waits_than_workers_can_run(
    queue: Queue, redis: Redis, conductor: Conductor, standing: GetStanding, identity: Identity
) -> None:
    # Given two workers with a CPU, and one that trials on a GPU could use
    for name, device in (("a", "cpu"), ("b", "cpu"), ("c", "gpu")):
        info = replace(identity, token=name, device=device).info("ready", 0.0)
        announce(redis, info, 600)
    # When trials on any device are begun, and trials on a GPU
    anywhere = Sweeping(queue).submit(sweep_spec(space={"lr": "1e-4..0.1"}, trials=9))
    train = {"device": "gpu"}
    on_gpu = Sweeping(queue).submit(sweep_spec(train, space={"lr": "1e-4..0.1"}, trials=9))
    conductor.look()
    # Then there is one more of each than could run
    assert len(standing(anywhere).trials) == 4
    assert len(standing(on_gpu).trials) == 2


def test_a_sweep_ends_with_its_best_model_promoted_and_a_report(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep whose trials are done
    spec = sweep_spec(parallel=2, model_name="digits", promote="production")
    sweep = Sweeping(queue).submit(spec)
    conductor.look()
    worker.run(sweep.job_of(1), 0.5, 0.7)
    worker.run(sweep.job_of(2), 0.9, 0.6)
    # When the conductor looks, and the report is made
    conductor.look()
    [report] = worker.queued()
    assert (report.kind, report.name) == ("sweep_report", "brave-otter-report")
    assert standing(sweep).sweep.state == "running"
    assert counts(standing(sweep)) == "2 completed of 2 trials; its report is queued"
    worker.run(report.id, 1.0)
    conductor.look()
    # Then the sweep has succeeded, and the model that is the best at its end has its name
    ended = standing(sweep)
    assert ended.sweep.state == "succeeded"
    assert ended.best is not None
    assert (ended.best.number, ended.best.value, ended.best.curve) == (1, 0.7, (0.5, 0.7))
    assert queue.registry.find("digits@production").job == sweep.job_of(1)
    assert "digits@1" in ended.sweep.outcome
    # And nobody looks after it any more
    conductor.look()
    assert list(queue.sweeps.open()) == []


@pytest.mark.parametrize("kept", [True, False], ids=["job-made", "job-not-made"])
def test_another_conductor_goes_on_where_one_has_died(
    queue: Queue,
    redis: Redis,
    make_conductor: MakeConductor,
    worker: FakeWorker,
    standing: GetStanding,
    kept: bool,
) -> None:
    # Given a conductor that died after it had written a trial down, with or without its job
    sweep = Sweeping(queue).submit(sweep_spec(space=FOUR, parallel=1))
    first, second = make_conductor("first"), make_conductor("second")
    first.look()
    params = standing(sweep).trials[0].params
    if not kept:
        redis.delete(f"fitq:job:{sweep.job_of(1)}")
    redis.delete(f"fitq:lease:sweep:{sweep.id}")
    # When the other one looks
    second.look()
    # Then the trial has its one job, with the values that were written down
    [job] = worker.queued()
    assert (job.id, job.spec["optimizer"]["learning_rate"]) == (
        sweep.job_of(1),
        params["optimizer.learning_rate"],
    )


def test_of_two_conductors_only_one_acts(
    queue: Queue, make_conductor: MakeConductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep that one conductor has
    sweep = Sweeping(queue).submit(sweep_spec(space=FOUR, parallel=1))
    first, second = make_conductor("first"), make_conductor("second")
    first.look()
    worker.run(sweep.job_of(1), 0.5)
    # When the other one looks
    second.look()
    # Then it has done nothing
    assert states(standing(sweep)) == ["ending"]


def test_a_bad_trial_is_stopped_and_counts_with_its_best_value(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep with the median rule, and one completed trial
    stop = {"rule": "median", "after": 1}
    sweep = Sweeping(queue).submit(sweep_spec(space=FOUR, parallel=4, stop=stop))
    conductor.look()
    worker.run(sweep.job_of(1), 0.8, 0.9)
    # When one that runs is worse than that, and one is better
    bad, good = worker.start(sweep.job_of(2)), worker.start(sweep.job_of(3))
    worker.epochs(bad, 0.3, 0.2)
    worker.epochs(good, 0.9)
    conductor.look()
    # Then only the bad one is told to stop
    assert queue.job(sweep.job_of(2)).cancel
    assert not queue.job(sweep.job_of(3)).cancel
    assert Attempts(worker.records).cancelled(bad)
    conductor.look()
    # And its job says who has stopped it, and the sweep what it had reached
    job, trial = queue.job(sweep.job_of(2)), standing(sweep).trials[1]
    assert job.state == "cancelled"
    assert job.reason is not None
    assert job.reason.message.startswith("stopped by the sweep: its best value up to epoch 2")
    assert (trial.state, trial.value) == ("stopped", 0.3)


def test_asha_decides_once_at_each_rung(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a trial that was alone when it came to the first rung
    stop = {"rule": "asha", "reduction": 2}
    sweep = Sweeping(queue).submit(sweep_spec(space=FOUR, parallel=4, stop=stop))
    conductor.look()
    first, second = worker.start(sweep.job_of(1)), worker.start(sweep.job_of(2))
    worker.epochs(first, 0.5)
    conductor.look()
    # When a better one comes there
    worker.epochs(second, 0.6)
    conductor.look()
    # Then both go on; a worse one does not
    third = worker.start(sweep.job_of(3))
    worker.epochs(third, 0.1)
    conductor.look()
    assert [trial.rung for trial in standing(sweep).trials] == [1, 1, 1, 0]
    assert [bool(trial.stop) for trial in standing(sweep).trials] == [False, False, True, False]


def test_a_sweep_begins_when_the_job_before_it_has_succeeded(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep that comes after a job
    [before] = make_jobs(worker, "pretrained")
    sweep = Sweeping(queue).submit(sweep_spec(parallel=2), [before])
    conductor.look()
    assert states(standing(sweep)) == []
    # When that has succeeded
    worker.run(before.id, 0.5)
    conductor.look()
    # Then the trials are begun, which do not ask for it again
    assert states(standing(sweep)) == ["queued", "queued"]
    assert worker.records.forget(queue.job(before.id)) == "forgotten"
    conductor.look()
    assert standing(sweep).sweep.state == "running"


def test_a_sweep_after_a_job_that_failed_fails_and_can_be_resumed(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep that comes after two jobs, of which one fails
    first, second = make_jobs(worker, "first", "second")
    sweep = Sweeping(queue).submit(sweep_spec(), [first, second])
    worker.run(first.id, 0.5)
    worker.fail(second.id, "the disk is full")
    conductor.look()
    # Then it has failed without a trial, says why, and is looked after no more
    failed = standing(sweep)
    assert (failed.sweep.state, failed.trials) == ("failed", ())
    assert failed.sweep.reason is not None
    assert failed.sweep.reason.message == "after second, which failed: the disk is full"
    assert "`fitq retry second`, then `fitq sweep resume brave-otter`" in failed.sweep.reason.hint
    assert list(queue.sweeps.open()) == []
    # When both are tried again
    queue.retry(queue.job(second.id))
    Sweeping(queue).resume(failed.sweep)
    conductor.look()
    assert standing(sweep).sweep.state == "running"
    worker.run(second.id, 0.5)
    conductor.look()
    # Then it goes on
    assert "queued" in states(standing(sweep))


def test_a_sweep_after_a_job_that_was_removed_fails(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    [before] = make_jobs(worker, "pretrained")
    sweep = Sweeping(queue).submit(sweep_spec(), [before])
    queue.cancel(before)
    assert worker.records.forget(queue.job(before.id)) == "forgotten"
    conductor.look()
    reason = standing(sweep).sweep.reason
    assert reason is not None
    assert reason.message == f"after {before.id}, which was removed"


def test_a_conductor_without_optuna_leaves_its_sweeps_to_others(
    queue: Queue,
    conductor: Conductor,
    monkeypatch: pytest.MonkeyPatch,
    standing: GetStanding,
) -> None:
    # Given a sweep that needs Optuna, and a worker that has none
    sweep = Sweeping(queue).submit(sweep_spec(space={"units": "8..32"}, trials=2, sampler="optuna"))
    with monkeypatch.context() as without:
        without.setattr("fitq_worker.sweeps.conductor.has_optuna", lambda: False)
        conductor.look()
    assert standing(sweep).trials == ()
    # When one comes that has it
    conductor.look()
    # Then it goes on
    assert len(standing(sweep).trials) == 1


def test_a_trial_that_fails_stops_no_other(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    sweep = Sweeping(queue).submit(sweep_spec(parallel=2))
    conductor.look()
    worker.fail(sweep.job_of(1))
    worker.run(sweep.job_of(2), 0.5)
    conductor.look()
    assert states(standing(sweep)) == ["failed", "completed"]
    assert standing(sweep).sweep.state == "running"


def test_a_trial_whose_job_is_retried_by_hand_counts_with_what_becomes_of_it(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep with a failed trial, and one whose job somebody has cancelled
    sweep = Sweeping(queue).submit(sweep_spec(space=FOUR, parallel=4))
    conductor.look()
    worker.fail(sweep.job_of(1))
    queue.cancel(queue.job(sweep.job_of(2)))
    conductor.look()
    before = standing(sweep)
    assert states(before) == ["failed", "cancelled", "queued", "queued"]
    assert [trial.reason for trial in before.trials[:2]] == [
        "its loss is no number",
        "its job was cancelled",
    ]
    # When both are retried, and the one has ended before anybody has looked
    for number in (1, 2):
        queue.retry(queue.job(sweep.job_of(number)))
    worker.run(sweep.job_of(1), 0.7)
    conductor.look()
    # Then they are trials as all others
    assert states(standing(sweep)) == ["completed", "queued", "queued", "queued"]
    for number in (2, 3, 4):
        worker.run(sweep.job_of(number), 0.1 * number)
    conductor.look()
    assert states(standing(sweep)) == ["completed"] * 4
    # And once the report was asked for, nothing changes
    worker.run(worker.queued()[0].id, 1.0)
    conductor.look()
    assert standing(sweep).sweep.state == "succeeded"


def test_trials_that_diverge_end_no_sweep_and_are_not_tried_again(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep that bears one failure, and trials whose loss, or metric, is no number
    sweep = Sweeping(queue).submit(sweep_spec(space=FOUR, parallel=4, failures=1))
    conductor.look()
    for number in (1, 2):
        worker.fail(sweep.job_of(number), "the loss became nan", Diverged.kind)
    nan = {"val_accuracy": math.nan}
    worker.succeed(worker.start(sweep.job_of(3)), nan)
    conductor.look()
    # Then it goes on
    assert states(standing(sweep)) == ["diverged", "diverged", "diverged", "queued"]
    assert standing(sweep).sweep.state == "running"
    # When it is cancelled and resumed, they stay as they are
    Sweeping(queue).cancel(standing(sweep).sweep)
    conductor.look()
    conductor.look()
    Sweeping(queue).resume(standing(sweep).sweep)
    conductor.look()
    assert states(standing(sweep)) == ["diverged", "diverged", "diverged", "queued"]


def test_too_many_failures_in_a_row_end_the_sweep_and_resuming_tries_them_again(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep of which two trials in a row have failed, which is one too many
    sweep = Sweeping(queue).submit(sweep_spec(space=FOUR, parallel=3, failures=2))
    conductor.look()
    worker.fail(sweep.job_of(1))
    worker.fail(sweep.job_of(2))
    conductor.look()
    # Then it has failed, says why, and has stopped the third
    conductor.look()
    failed = standing(sweep)
    assert failed.sweep.state == "failed"
    assert failed.sweep.reason is not None
    assert "2 trials in a row have failed" in failed.sweep.reason.message
    assert "its loss is no number" in failed.sweep.reason.message
    assert states(failed) == ["failed", "failed", "cancelled"]
    # When it is resumed
    Sweeping(queue).resume(failed.sweep)
    conductor.look()
    # Then the same jobs run again, as their next attempt
    jobs = [queue.job(sweep.job_of(number)) for number in (1, 2, 3)]
    assert [(job.state, job.attempt) for job in jobs] == [("queued", 2)] * 3
    for number in (1, 2, 3):
        worker.run(sweep.job_of(number), 0.1 * number)
    conductor.look()
    assert states(standing(sweep)) == ["completed", "completed", "completed", "queued"]


def test_a_sweep_that_has_succeeded_is_resumed_for_its_failed_trials(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep that has succeeded with one trial of two, and has promoted it
    spec = sweep_spec(parallel=2, model_name="digits", promote="production")
    sweep = Sweeping(queue).submit(spec)
    conductor.look()
    worker.fail(sweep.job_of(1))
    worker.run(sweep.job_of(2), 0.5)
    conductor.look()
    worker.run(standing(sweep).sweep.report, 1.0)
    conductor.look()
    assert standing(sweep).sweep.state == "succeeded"
    # When it is resumed, and the other is the better one
    Sweeping(queue).resume(standing(sweep).sweep)
    conductor.look()
    worker.run(sweep.job_of(1), 0.7)
    conductor.look()
    worker.run(standing(sweep).sweep.report, 1.0)
    conductor.look()
    # Then that is the best, and there is nothing more to resume
    ended = standing(sweep)
    assert (ended.sweep.state, states(ended)) == ("succeeded", ["completed", "completed"])
    assert queue.registry.find("digits@production").job == sweep.job_of(1)
    with pytest.raises(InvalidInput, match="succeeded, and all its trials have a result"):
        Sweeping(queue).resume(ended.sweep)


@pytest.mark.parametrize(
    ("kind", "todo"),
    [
        ("", "`fitq sweep resume brave-otter` tries"),
        ("bad-job", "`fitq sweep resume brave-otter` tries"),
        (Diverged.kind, "begin another one with other values"),
    ],
    ids=["no-metric", "failed", "diverged"],
)
def test_a_sweep_without_a_completed_trial_fails(
    queue: Queue,
    conductor: Conductor,
    worker: FakeWorker,
    standing: GetStanding,
    kind: str,
    todo: str,
) -> None:
    # Given a sweep whose only trial fails, or has another metric than the one that is looked at
    sweep = Sweeping(queue).submit(sweep_spec(space={"lr": [0.1]}))
    conductor.look()
    if kind:
        worker.fail(sweep.job_of(1), kind=kind)
    else:
        worker.succeed(worker.start(sweep.job_of(1)), {})
    # When the conductor has noticed
    conductor.look()
    # Then the sweep says that there is no best one
    ended = standing(sweep)
    assert ended.sweep.state == "failed"
    assert ended.sweep.reason is not None
    assert "no trial was completed" in ended.sweep.reason.message
    assert todo in ended.sweep.reason.hint
    assert ended.best is None


def test_a_cancelled_sweep_stops_its_trials_and_can_go_on(
    queue: Queue, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep with a completed, a running and a queued trial
    sweep = Sweeping(queue).submit(sweep_spec(space=FOUR, parallel=3))
    conductor.look()
    worker.run(sweep.job_of(1), 0.5)
    running = worker.start(sweep.job_of(2))
    # When it is cancelled
    Sweeping(queue).cancel(standing(sweep).sweep)
    conductor.look()
    assert Attempts(worker.records).cancelled(running)
    conductor.look()
    # Then none is left, nothing is begun, and what was completed is reported
    assert states(standing(sweep)) == ["completed", "cancelled", "cancelled"]
    assert [job.kind for job in worker.queued()] == ["sweep_report"]
    assert list(queue.sweeps.open()) == []
    # And when it is resumed, only what is missing runs
    Sweeping(queue).resume(standing(sweep).sweep)
    conductor.look()
    assert states(standing(sweep)) == ["completed", "queued", "queued", "queued"]


def test_a_sweep_that_somebody_has_altered_goes_no_further(
    queue: Queue, redis: Redis, conductor: Conductor, worker: FakeWorker, standing: GetStanding
) -> None:
    # Given a sweep whose spec in Redis was changed
    sweep = Sweeping(queue).submit(sweep_spec())
    text = str(redis.hget(sweep_key(sweep.id), "spec"))
    redis.hset(sweep_key(sweep.id), "spec", text.replace('"epochs":2', '"epochs":900'))
    # When the conductor looks
    conductor.look()
    # Then no trial is made
    ended = standing(sweep).sweep
    assert ended.state == "failed"
    assert ended.reason is not None
    assert "was altered" in ended.reason.message
    assert worker.queued() == []


def test_the_volume_gets_a_copy(
    queue: Queue, conductor: Conductor, worker: FakeWorker, redis: Redis
) -> None:
    # Given a sweep with a completed trial
    sweep = Sweeping(queue).submit(sweep_spec())
    conductor.look()
    worker.run(sweep.job_of(1), 0.5)
    conductor.look()
    # When the thread that copies records has looked
    thread = RecordCopies(queue.settings)
    thread.start()
    wait_until(lambda: not queue.sweeps.unkept(), 30, "a copy of the sweep")
    thread.stop()
    # Then all is there with which Redis can be filled again
    [(record, trials)] = copies(queue.artifacts.store)
    assert record.id == sweep.id
    assert trials[0].value == 0.5
    redis.flushall()
    assert [one.id for one, _ in Sweeping(queue).lost()] == [sweep.id]
    assert Sweeping(queue).restore(record, trials)
    assert [one.id for one in queue.sweeps.open()] == [sweep.id]


def test_an_error_that_nobody_foresaw_does_not_end_the_thread(
    conductor: Conductor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a conductor that stumbles at its first look
    looks: list[int] = []

    def look() -> None:
        looks.append(len(looks))
        if len(looks) == 1:
            raise ValueError("what is this?")

    monkeypatch.setattr(conductor, "look", look)
    # When it has begun
    conductor.start()
    # Then it looks again
    wait_until(lambda: len(looks) > 1)
    conductor.stop()
