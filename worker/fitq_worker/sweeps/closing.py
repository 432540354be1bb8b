"""What is done once when the trials of a sweep have ended: its best model gets its name, and a
job reports on it all."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fitq_shared.errors import InvalidInput, UnknownJob
from fitq_shared.promotion import promote
from fitq_shared.registry import Registry
from fitq_shared.specs.sweep_report import SweepReportJob
from fitq_shared.sweeps.record import best_trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fitq_shared.records import Records
    from fitq_shared.store import Store
    from fitq_shared.sweeps.record import SweepRecord, Trial
    from fitq_shared.sweeps.spec import SweepSpec


_NEEDS = ("device", "min_gpu_memory", "gpus", "priority")


def put_table(
    store: Store, sweep: SweepRecord, spec: SweepSpec, trials: Sequence[Trial]
) -> SweepReportJob:
    """Put the sweep and its trials into the store: the job that reports on them.

    Raises:
        StoreError: the store cannot be written.
    """
    content = json.dumps(table(sweep, spec, trials), sort_keys=True).encode()
    sum_ = hashlib.sha256(content).hexdigest()
    path = f"inputs/{sum_}.json"
    if not store.exists(path):
        store.write(path, content)
    values = {
        "kind": "sweep_report",
        "name": f"{sweep.name}-report",
        "owner": sweep.owner,
        "tags": [*spec.tags, sweep.tag],
        # What the trials need, too: else it could be that nobody is there to run it.
        **{name: spec.train[name] for name in _NEEDS if spec.train.get(name) is not None},
        "sweep": sweep.id,
        "table": {"path": path, "sha256": sum_, "file": f"{sweep.name}.json"},
    }
    return SweepReportJob.parse(values)


def table(sweep: SweepRecord, spec: SweepSpec, trials: Sequence[Trial]) -> dict[str, Any]:
    """The sweep and its trials, as JSON knows them."""
    return {
        "sweep": sweep.id,
        "name": sweep.name,
        "metric": spec.metric,
        "goal": spec.goal,
        "sampler": spec.sampler,
        "seed": spec.seed,
        "space": spec.model_dump(mode="json")["space"],
        "trials": [
            {
                "number": trial.number,
                "job": trial.job,
                "name": f"{sweep.name}-{trial.number}",
                "state": trial.state,
                "value": trial.value,
                "epochs": len(trial.curve),
                "reason": trial.reason,
                "params": trial.params,
                "curve": [value if math.isfinite(value) else None for value in trial.curve],
            }
            for trial in trials
        ],
    }


def name_the_best(
    records: Records, sweep: SweepRecord, spec: SweepSpec, trials: Sequence[Trial]
) -> SweepRecord:
    """Register and promote the best model, if that was asked for; done again, it does no more.

    Returns:
        The sweep, with what became of it.
    """
    best = best_trial(spec.goal, trials)
    if best is None or spec.model_name is None:
        return sweep
    registry = Registry(records.redis)
    try:
        version = registry.register(records.get(best.job), spec.model_name, sweep.owner)
        outcome = f"registered as {version.label}"
        if spec.promote is not None:
            promoted = promote(registry, version, spec.promote, sweep.owner)
            outcome += f"; {promoted.text}"
    except (InvalidInput, UnknownJob) as error:
        outcome = f"the best model was not registered: {error.message}"
    return replace(sweep, outcome=outcome)
