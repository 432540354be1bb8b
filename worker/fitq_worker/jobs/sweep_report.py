"""The job that reports on a sweep."""

from __future__ import annotations

import csv
import io
import json
import logging
from typing import TYPE_CHECKING, Any

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.sweeps.address import label
from fitq_worker.figures.importance import plot_importance
from fitq_worker.figures.parallel_coordinates import plot_parallel
from fitq_worker.input_files import read_input
from fitq_worker.sweeps.importance import importance

if TYPE_CHECKING:
    from fitq_shared.specs.sweep_report import SweepReportJob
    from fitq_worker.job_context import JobContext

log = logging.getLogger("fitq.job")


def run(context: JobContext, spec: SweepReportJob) -> dict[str, float]:
    """Write down all trials, and draw which values were good and which parameters mattered.

    Returns:
        How many trials there are, how many were completed or stopped, and the best value.
    """
    table: dict[str, Any] = json.loads(read_input(context.store, spec.table))
    folder, trials = context.folder, table["trials"]
    folder.write_json(AttemptFolder.trials_json, table)
    folder.write(AttemptFolder.trials_csv, _as_csv(table))
    measured = [trial for trial in trials if trial["value"] is not None]
    context.reporter.obey()
    title = f"{table['name']}: {table['metric']} of {len(measured)} trials"
    with folder.file(AttemptFolder.parallel_plot) as path:
        plot_parallel(table, path, title)
    context.reporter.obey()
    shares, method = importance(table)
    folder.write_json(AttemptFolder.importance, {"method": method, "importance": shares})
    with folder.file(AttemptFolder.importance_plot) as path:
        plot_importance(shares, path, f"{table['name']}: what {table['metric']} depends on", method)
    values = [trial["value"] for trial in trials if trial["state"] == "completed"]
    best = (max if table["goal"] == "max" else min)(values)
    return {
        "trials": float(len(trials)),
        "completed": float(len(values)),
        "stopped": float(sum(trial["state"] == "stopped" for trial in trials)),
        table["metric"]: best,
    }


def _as_csv(table: dict[str, Any]) -> str:
    """One row for each trial: number, name, job, state, the metric, epochs, and each parameter."""
    paths = list(table["space"])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [label(path, paths) for path in paths]
    writer.writerow(["trial", "name", "job", "state", table["metric"], "epochs", *names])
    for trial in table["trials"]:
        value = "" if trial["value"] is None else trial["value"]
        told = [trial[n] for n in ("number", "name", "job", "state")]
        params = [_cell(trial["params"].get(path)) for path in paths]
        writer.writerow([*told, value, trial["epochs"], *params])
    return out.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | tuple) else value
