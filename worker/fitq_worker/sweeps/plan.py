"""What a sweep needs next, by its rules alone: nothing here asks Redis or changes anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fitq_shared.errors import Diverged
from fitq_shared.record import JobRecord, Reason
from fitq_shared.sweeps.record import SweepRecord, Trial, TrialState, best_trial, failures_in_a_row
from fitq_shared.sweeps.stopping import asha_verdict, best, median_verdict, rung_of
from fitq_worker.sweeps.seen import finite

if TYPE_CHECKING:
    from fitq_worker.sweeps.seen import Seen


_OVER = {"failed": "has failed", "cancelled": "was cancelled"}


@dataclass(frozen=True)
class Plan:
    """What is to be written and then to be done.

    `trials` are all trials as they will be. `begin` are the numbers of trials that are to be made,
    whose values are still to be chosen. Of `create`, `retry` and `cancel` each is safe to be done
    again. `finish` says that all trials have ended: the best is to be registered, and reported.
    """

    sweep: SweepRecord
    trials: tuple[Trial, ...]
    begin: tuple[int, ...] = ()
    create: tuple[Trial, ...] = ()
    retry: tuple[JobRecord, ...] = ()
    cancel: tuple[tuple[JobRecord, str], ...] = ()
    finish: bool = False
    unfinished: bool = True


def plan(seen: Seen) -> Plan:
    """What is next, for a sweep as it was seen."""
    trials = tuple(_noticed(seen, _tried_again(seen, trial)) for trial in seen.trials)
    trials = tuple(_judged(seen, trial, trials) for trial in trials)
    sweep = _failed_too_often(seen, trials)
    if sweep.state == "running" and not trials:
        sweep = _stopped_before(seen)
        if sweep.state == "running" and any(not job.ended for job in seen.before.values()):
            return Plan(sweep, trials)
    going_on = sweep.state == "running"
    if not going_on:
        # What was written down, and whose job was never made, or not retried yet.
        trials = tuple(_given_up(seen, trial) for trial in trials)
    opened = [trial for trial in trials if trial.state == "open"]
    begin = _to_begin(seen, opened) if going_on else ()
    done = not opened and not begin
    if going_on and done and best_trial(sweep.goal, trials) is None:
        sweep, going_on = _without_result(seen, sweep, trials), False
    return Plan(
        sweep=sweep,
        trials=trials,
        begin=begin,
        create=tuple(t for t in opened if going_on and t.job not in seen.jobs),
        retry=tuple(
            job for t in opened if going_on and (job := seen.jobs.get(t.job)) and _is_old(t, job)
        ),
        cancel=_to_cancel(seen, opened, going_on),
        finish=done and best_trial(sweep.goal, trials) is not None,
        unfinished=going_on or not done,
    )


def _is_old(trial: Trial, job: JobRecord) -> bool:
    """Whether the job ended before the sweep was resumed, and has not been retried since."""
    return job.ended and job.state != "succeeded" and job.attempt <= trial.after


def _tried_again(seen: Seen, trial: Trial) -> Trial:
    """The trial, open once more if somebody has retried its job by hand.

    Once the report was asked for, what it tells of the trials stays so.
    """
    job = seen.jobs.get(trial.job)
    over = seen.sweep.ended or seen.sweep.report or trial.state in ("open", "completed")
    if over or job is None or (job.ended and job.finished == trial.ended):
        return trial
    return replace(trial, state="open", stop="", reason="", value=None, ended=None)


def _noticed(seen: Seen, trial: Trial) -> Trial:
    """The trial with what became of its job."""
    job = seen.jobs.get(trial.job)
    if trial.state != "open" or job is None or not job.ended or _is_old(trial, job):
        return trial
    state, reason = _how_it_ended(seen, trial, job)
    value = None
    if state == "completed":
        value = (job.metrics or {})[seen.spec.metric]
    elif state == "stopped":
        value = best(seen.spec.goal, seen.curve(trial))
    return replace(
        trial,
        state=state,
        reason=reason,
        value=value,
        ended=job.finished or seen.now,
        curve=seen.curve(trial),
        stop=trial.stop if state == "stopped" else "",
    )


def _how_it_ended(seen: Seen, trial: Trial, job: JobRecord) -> tuple[TrialState, str]:
    """What became of a trial whose job has ended, and why."""
    said = job.reason.message if job.reason else ""
    if job.state == "cancelled":
        if trial.stop:
            return "stopped", trial.stop
        return "cancelled", said or "its job was cancelled"
    if job.state == "failed":
        diverged = job.reason is not None and job.reason.kind == Diverged.kind
        return "diverged" if diverged else "failed", said
    metric, metrics = seen.spec.metric, job.metrics or {}
    if metric not in metrics:
        return "failed", f"its model has no {metric}; it has {', '.join(metrics)}"
    if not finite(metrics[metric]):
        return "diverged", f"its {metric} is no number"
    return "completed", ""


def _judged(seen: Seen, trial: Trial, trials: tuple[Trial, ...]) -> Trial:
    """The trial with the verdict on it, if it runs and others are better."""
    stopping, goal = seen.spec.stop, seen.spec.goal
    job = seen.jobs.get(trial.job)
    running = trial.state == "open" and job is not None and job.state == "running"
    if stopping is None or not running or trial.stop:
        return trial
    curve = seen.curve(trial)
    if stopping.rule == "median":
        completed = [other.curve for other in trials if other.state == "completed"]
        verdict = median_verdict(stopping, goal, curve, completed)
        return replace(trial, stop=verdict) if verdict else trial
    others = [seen.curve(other) for other in trials if other.number != trial.number]
    for rung in range(trial.rung + 1, rung_of(stopping, len(curve)) + 1):
        if verdict := asha_verdict(stopping, goal, rung, curve, others):
            return replace(trial, rung=rung, stop=verdict)
        trial = replace(trial, rung=rung)
    return trial


def _failed_too_often(seen: Seen, trials: tuple[Trial, ...]) -> SweepRecord:
    count = failures_in_a_row(trials)
    if seen.sweep.state != "running" or count < seen.spec.failures:
        return seen.sweep
    last = max((t for t in trials if t.state == "failed"), key=lambda t: t.ended or 0.0)
    name = f"{seen.sweep.name}-{last.number}"
    reason = Reason(
        "failures",
        f"{count} trials in a row have failed, the last one, {name}: {last.reason}",
        f"see `fitq logs {name}`; `fitq sweep resume {seen.sweep.name}` tries them once more",
    )
    return replace(seen.sweep, state="failed", finished=seen.now, reason=reason)


def _stopped_before(seen: Seen) -> SweepRecord:
    """The sweep, ended if one of the jobs that it comes after has not succeeded, or is gone."""
    for job_id in seen.sweep.after:
        job = seen.before.get(job_id)
        if job is None:
            reason = Reason("after", f"after {job_id}, which was removed", "submit it again")
        elif job.ended and job.state != "succeeded":
            what = "was cancelled" if job.state == "cancelled" else "failed"
            said = f": {job.reason.message}" if job.reason else ""
            hint = f"`fitq retry {job.name}`, then `fitq sweep resume {seen.sweep.name}`"
            reason = Reason("after", f"after {job.name}, which {what}{said}", hint)
        else:
            continue
        return replace(seen.sweep, state="failed", finished=seen.now, reason=reason)
    return seen.sweep


def _without_result(seen: Seen, sweep: SweepRecord, trials: tuple[Trial, ...]) -> SweepRecord:
    counts = ", ".join(
        f"{count} {state}"
        for state in ("diverged", "failed", "stopped", "cancelled")
        if (count := sum(trial.state == state for trial in trials))
    )
    todo = (
        f"`fitq sweep resume {sweep.name}` tries those that have failed or were cancelled once more"
        if any(trial.state in ("failed", "cancelled") for trial in trials)
        else "begin another one with other values"
    )
    reason = Reason(
        "no-result",
        f"no trial was completed, so there is no best one: {counts}",
        f"see `fitq sweep show {sweep.name}`; {todo}",
    )
    return replace(sweep, state="failed", finished=seen.now, reason=reason)


def _given_up(seen: Seen, trial: Trial) -> Trial:
    job = seen.jobs.get(trial.job)
    if trial.state == "open" and (job is None or _is_old(trial, job)):
        return replace(trial, state="cancelled", ended=seen.now, reason="the sweep has ended")
    return trial


def _to_begin(seen: Seen, opened: list[Trial]) -> tuple[int, ...]:
    """The numbers of the trials that there is room for now."""
    first = max((trial.number for trial in seen.trials), default=0) + 1
    # By default one more than can run, so that no worker has to wait for us.
    room = (seen.spec.parallel or seen.workers + 1) - len(opened)
    return tuple(range(first, min(seen.spec.trials + 1, first + max(room, 0))))


def _to_cancel(
    seen: Seen, opened: list[Trial], going_on: bool
) -> tuple[tuple[JobRecord, str], ...]:
    found = []
    for trial in opened:
        job = seen.jobs.get(trial.job)
        if job is None or job.ended or (going_on and not trial.stop):
            continue
        why = trial.stop or f"{seen.sweep.name} {_OVER.get(seen.sweep.state, 'has ended')}"
        # Asked once is enough: the record keeps it.
        if not job.cancel:
            found.append((job, f"stopped by the sweep: {why}"))
    return tuple(found)
