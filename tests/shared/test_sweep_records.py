"""Sweeps in Redis and in the volume: one of several writers wins, and nothing is lost."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitq_shared.changes import Changes
from fitq_shared.errors import UnknownJob
from fitq_shared.record import Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.specs.train import TrainJob
from fitq_shared.store import Store
from fitq_shared.sweeps.keys import sweep_key, trials_key
from fitq_shared.sweeps.record import SweepRecord, Trial, best_trial, failures_in_a_row
from fitq_shared.sweeps.records import Sweeps, copies, keep_copy
from fitq_shared.sweeps.spec import SweepSpec


@pytest.fixture
def sweeps(redis: Redis) -> Sweeps:
    return Sweeps(redis)


@pytest.fixture
def sweep(sweeps: Sweeps) -> SweepRecord:
    return sweeps.create(spec(), lambda _: None)


def spec(name: str = "brave-otter") -> SweepSpec:
    train = {"dataset": "mnist", "model": "mlp"}
    values = {"name": name, "owner": "ann", "train": train, "space": {"lr": [0.1, 0.2]}}
    return SweepSpec.parse(values)


def trial(number: int, **changes: object) -> Trial:
    return replace(Trial(number, f"s{number}", {"optimizer.learning_rate": 0.1}), **changes)  # type: ignore[arg-type]


@pytest.mark.services
def test_a_sweep_is_found_by_id_name_and_beginning(sweeps: Sweeps, sweep: SweepRecord) -> None:
    assert sweeps.find(sweep.id) == sweep
    assert sweeps.find("brave-otter") == sweep
    assert sweeps.find(sweep.id[:5]) == sweep
    assert [one.id for one in sweeps.open()] == [sweep.id]
    with pytest.raises(UnknownJob, match="did you mean 'brave-otter'"):
        sweeps.find("brave-oter")


@pytest.mark.services
def test_of_two_changes_of_one_version_the_first_is_made(
    sweeps: Sweeps, sweep: SweepRecord
) -> None:
    # Given two who have read the same record
    # When both change it
    first = sweeps.write(sweep, [trial(1, value=0.5)])
    second = sweeps.write(replace(sweep, state="cancelled"), [trial(1, value=0.7)])
    # Then the second one is told, and has changed nothing
    assert (first, second) == (True, False)
    assert sweeps.get(sweep.id).state == "running"
    assert [t.value for t in sweeps.trials(sweep.id)] == [0.5]


@pytest.mark.services
def test_a_sweep_that_is_done_is_open_no_more(sweeps: Sweeps, sweep: SweepRecord) -> None:
    assert sweeps.write(replace(sweep, state="succeeded"), unfinished=False)
    assert list(sweeps.open()) == []
    assert [one.state for one in sweeps.all()] == ["succeeded"]


@pytest.mark.services
def test_what_is_no_sweep_hides_no_other(sweeps: Sweeps, sweep: SweepRecord, redis: Redis) -> None:
    # Given two records and a trial that somebody else has written over
    other, third = (sweeps.create(spec(name), lambda _: None) for name in ("calm-fox", "grey-hen"))
    redis.hset(sweep_key(other.id), "state", "flying")
    redis.set(sweep_key(third.id), "a text")
    redis.hset(trials_key(sweep.id), "1", "{}")
    # Then the rest is read
    assert [one.name for one in sweeps.all()] == ["brave-otter"]
    assert sweeps.trials_of([sweep.id, "none"]) == {sweep.id: [], "none": []}
    with pytest.raises(UnknownJob, match="cannot be read: fitq has not written it so"):
        sweeps.get(other.id)


@pytest.mark.services
def test_a_copy_in_the_volume_brings_a_lost_sweep_back(
    sweeps: Sweeps, sweep: SweepRecord, redis: Redis, tmp_path: Path
) -> None:
    # Given a sweep whose copy is in the volume
    store = Store(str(tmp_path))
    assert sweeps.write(replace(sweep, reason=Reason("x", "y")), [trial(1, curve=(math.nan, 0.5))])
    assert sweeps.unkept() == [sweep.id]
    kept = sweeps.get(sweep.id)
    keep_copy(store, kept, sweeps.trials(sweep.id))
    assert sweeps.kept(sweep.id, kept.version) == "kept"
    assert sweeps.unkept() == []
    # When Redis loses it
    redis.flushall()
    [(record, trials)] = copies(store)
    # Then it can be restored, once
    assert sweeps.restore(record, trials)
    assert not sweeps.restore(record, trials)
    again = sweeps.get(sweep.id)
    assert replace(again, version=0) == replace(kept, version=0)
    [found] = sweeps.trials(sweep.id)
    assert math.isnan(found.curve[0])
    assert found.curve[1] == 0.5
    assert [one.id for one in sweeps.open()] == [sweep.id]


@pytest.mark.services
def test_a_copy_that_was_overtaken_is_made_again(sweeps: Sweeps, sweep: SweepRecord) -> None:
    assert sweeps.write(sweep)
    assert sweeps.kept(sweep.id, sweep.version) == "changed"
    assert sweeps.unkept() == [sweep.id]


@pytest.mark.services
def test_only_a_sweep_that_has_ended_is_forgotten(sweeps: Sweeps, sweep: SweepRecord) -> None:
    assert not sweeps.forget(sweep)
    assert sweeps.write(replace(sweep, state="failed"), unfinished=False)
    assert sweeps.forget(sweeps.get(sweep.id))
    assert list(sweeps.all()) == []


@pytest.mark.services
def test_a_job_with_a_chosen_id_is_made_once(records: Records, train_job: TrainJob) -> None:
    # When two conductors make the job of one trial, with other values even
    first = records.create(train_job, chosen_id="abct1")
    second = records.create(train_job.model_copy(update={"epochs": 9}), chosen_id="abct1")
    # Then there is the first one only
    assert first.spec_hash == second.spec_hash
    assert [record.id for record in records.all()] == ["abct1"]
    assert records.several(["abct1", "abct2"]).keys() == {"abct1"}


@pytest.fixture
def records(redis: Redis) -> Records:
    return Records(redis)


@pytest.fixture
def train_job() -> TrainJob:
    return TrainJob.parse({"name": "a", "owner": "ann", "dataset": "mnist", "model": "mlp"})


@pytest.mark.services
def test_why_a_job_was_cancelled_is_kept(records: Records, train_job: TrainJob) -> None:
    record = records.create(train_job)
    assert Changes(records).cancel(record, Reason("sweep", "stopped by the sweep")) == "cancelled"
    reason = records.get(record.id).reason
    assert reason is not None
    assert reason.message == "stopped by the sweep"


@given(st.lists(st.tuples(st.sampled_from(["completed", "stopped", "failed"]), st.floats(0, 1))))
def test_the_best_trial_is_a_completed_one(found: list[tuple[str, float]]) -> None:
    trials = [trial(n, state=state, value=value) for n, (state, value) in enumerate(found, 1)]
    best = best_trial("max", trials)
    completed = [value for state, value in found if state == "completed"]
    assert (best.value if best else None) == max(completed, default=None)


def test_failures_in_a_row_are_counted_by_when_trials_ended() -> None:
    states = ["failed", "completed", "failed", "cancelled", "failed", "open"]
    trials = [
        trial(n, state=state, ended=None if state == "open" else float(n))
        for n, state in enumerate(states, 1)
    ]
    assert failures_in_a_row(trials) == 2
    assert failures_in_a_row(trials[:2]) == 0


def test_a_resumed_sweep_runs_once_more_what_has_no_result() -> None:
    # Given a failed sweep with trials that ended in every way
    states = ["completed", "stopped", "failed", "cancelled", "open"]
    trials = [trial(n, state=s, reason="why", ended=1.0) for n, s in enumerate(states, 1)]
    record = SweepRecord("abc", "otter", "ann", {}, "", "failed", 4, 0.0, finished=2.0)
    # When it is resumed
    again, reopened = record.resumed(trials, {"s3": 2})
    # Then those with a result stay as they are, and the others are open from their next attempt
    assert (again.state, again.round, again.finished) == ("running", 1, None)
    assert [(t.number, t.state, t.after, t.reason) for t in reopened] == [
        (3, "open", 2, ""),
        (4, "open", 0, ""),
        (5, "open", 0, ""),
    ]
