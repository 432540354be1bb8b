"""Which jobs need a registered data set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from fitq_shared.errors import InvalidInput
from fitq_shared.record import JobRecord
from fitq_shared.registrations import Registration
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.specs.tables import tables_in
from fitq_shared.sweeps.record import SweepRecord


def check_unneeded(versions: Iterable[Registration], jobs: Iterable[JobRecord]) -> None:
    """Whether these versions may go.

    Raises:
        InvalidInput: names each that a job needs, with the job.
    """
    needed: dict[DatasetRef, JobRecord] = {}
    for job in jobs:
        if needs_data(job):
            needed |= dict.fromkeys(datasets_of(job), job)
    refused = [(one, needed[one.ref]) for one in versions if one.ref in needed]
    if not refused:
        return
    told, todos = [], []
    for one, job in refused:
        if job.ended:
            told.append(f"{one} is needed by the model of {job.name}, which was trained on it")
            todos.append(f"first `fitq rm {job.name}`")
        else:
            told.append(f"{one} is needed by {job.name}, which is {job.state}")
            todos.append(f"wait for it: `fitq wait {job.name}`, or `fitq cancel {job.name}`")
    raise InvalidInput("\n".join(told), "; ".join(dict.fromkeys(todos)))


def check_unneeded_by_sweeps(
    versions: Iterable[Registration], sweeps: Iterable[SweepRecord]
) -> None:
    """Whether these versions may go, as far as sweeps are concerned: one may be resumed.

    Raises:
        InvalidInput: names each that a sweep's trials need, with the sweep.
    """
    needed: dict[DatasetRef, SweepRecord] = {}
    for sweep in sweeps:
        if sweep.state != "succeeded":
            needed |= dict.fromkeys(datasets_in(sweep.spec), sweep)
    refused = [(one, needed[one.ref]) for one in versions if one.ref in needed]
    if refused:
        raise InvalidInput(
            "\n".join(f"{one} is needed by the sweep {sweep.name}" for one, sweep in refused),
            "; ".join(f"first `fitq sweep rm {sweep.name}`" for _, sweep in refused),
        )


def needed_datasets(
    jobs: Iterable[JobRecord], sweeps: Iterable[SweepRecord]
) -> Iterator[DatasetRef]:
    """The registered data sets that these jobs need, or trials that these sweeps may begin."""
    for job in jobs:
        if needs_data(job):
            yield from datasets_of(job)
    for sweep in sweeps:
        if sweep.state != "succeeded":
            yield from datasets_in(sweep.spec)


def needs_data(job: JobRecord) -> bool:
    """Whether the job has yet to read its data, or has made a model that stands for it."""
    return not job.ended or (job.kind == "train" and job.state == "succeeded")


def datasets_of(job: JobRecord) -> Iterator[DatasetRef]:
    """The registered data sets that a job names."""
    yield from datasets_in(job.spec)


def datasets_in(spec: Mapping[str, Any]) -> Iterator[DatasetRef]:
    """The registered data sets that a spec names."""
    for table in tables_in(spec):
        if {"name", "version", "manifest"} <= table.keys():
            with contextlib.suppress(ValidationError):  # something else of such fields
                yield DatasetRef.model_validate(table)
