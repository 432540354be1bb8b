"""Which ended jobs are needed: by jobs that have not ended, and by sweeps that may go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.specs.tables import tables_in
from fitq_shared.sweeps.record import SweepRecord
from fitq_shared.sweeps.records import Sweeps

Users = Mapping[str, JobRecord | SweepRecord]


def needed_jobs(records: Records) -> Users:
    """The jobs that others are yet to use the models of, or wait for, each with one of those.

    A sweep that has not succeeded may be resumed: then its trials begin from the same model. Of
    its own trials one that was completed may become its best, for as long as it runs.
    """
    needed: dict[str, JobRecord | SweepRecord] = {}
    sweeps = Sweeps(records.redis)
    may_go_on = [sweep for sweep in sweeps.all() if sweep.state != "succeeded"]
    trials = sweeps.trials_of([sweep.id for sweep in may_go_on if not sweep.ended])
    for sweep in may_go_on:
        needed |= dict.fromkeys((*_models_in(sweep.spec), *sweep.after), sweep)
        for trial in trials.get(sweep.id, ()):
            if trial.state in ("open", "completed"):
                needed[trial.job] = sweep
    for record in records.all():
        if not record.ended:
            for job_id in record.after:
                needed.setdefault(job_id, record)
            needed |= dict.fromkeys(_models_in(record.spec), record)
    return needed


def why_not(record: JobRecord, needed: Users, versions: Sequence[str]) -> tuple[str, str] | None:
    """Why this job cannot be removed, and what to do; None if it can.

    Args:
        versions: as which versions of models it is registered.
    """
    if not record.ended:
        return f"{record.name} is {record.state}", f"first `fitq cancel {record.name}`"
    if versions:
        what = ", ".join(versions)
        todo = " and ".join(f"`fitq models rm {version}`" for version in versions)
        return f"{record.name} has made {what}", f"first {todo}"
    user = needed.get(record.id)
    if isinstance(user, SweepRecord):
        return _of_sweep(record, user)
    if user is not None and user.state == "waiting":
        return (
            f"{user.name} comes after {record.name}, and waits",
            f"wait for it: `fitq wait {user.name}`, or `fitq cancel {user.name}`",
        )
    if user is not None:
        return (
            f"the model of {record.name} is needed by {user.name}, which is {user.state}",
            f"wait for it: `fitq wait {user.name}`, or `fitq cancel {user.name}`",
        )
    return None


def _of_sweep(record: JobRecord, sweep: SweepRecord) -> tuple[str, str]:
    what = f"{record.name} is needed by the sweep {sweep.name}, which "
    if sweep.ended:
        return f"{what}may be resumed: it is {sweep.state}", f"first `fitq sweep rm {sweep.name}`"
    return (
        f"{what}is {sweep.state}",
        f"wait for it: `fitq sweep watch {sweep.name}`, or `fitq sweep cancel {sweep.name}`",
    )


def _models_in(spec: Mapping[str, Any]) -> Iterator[str]:
    """The jobs whose models a spec names, published or yet to come."""
    for table in tables_in(spec):
        if isinstance(table.get("job"), str) and table.keys() & {"manifest", "pending"}:
            yield table["job"]
