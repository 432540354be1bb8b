"""The rows that a prediction names, as examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitq_shared.errors import BadJob
from fitq_shared.specs.predict import DatasetRows, FileRows
from fitq_worker.array_examples import ArrayExamples
from fitq_worker.datasets.choosing import load_examples
from fitq_worker.input_arrays import load_input
from fitq_worker.input_fields import check_file

if TYPE_CHECKING:
    from fitq_shared.specs.predict import PackedRows, TableRows
    from fitq_worker.examples import Examples
    from fitq_worker.interface import Interface
    from fitq_worker.job_context import JobContext


def rows_to_predict(
    context: JobContext,
    rows: DatasetRows | FileRows | TableRows | PackedRows,
    interface: Interface,
) -> Examples:
    """The rows to predict, with their targets where these are known.

    Raises:
        BadJob: they do not fit what the model takes.
        StoreError: a file in the store is not the one that was submitted.
        InvalidInput: it is no array file, or has no such array.
    """
    if isinstance(rows, DatasetRows):
        return load_examples(rows.dataset, context, rows.split, *interface.fields)
    if isinstance(rows, FileRows):
        return _arrays(context, rows, interface)
    raise BadJob(f"this worker does not predict {rows.type} yet", "give an .npz or .npy file")


def _arrays(context: JobContext, rows: FileRows, interface: Interface) -> Examples:
    """One array for the only input, else for each input the array of its name."""
    if len(interface.inputs) == 1:
        (one,) = interface.inputs
        array = load_input(context.store, rows)
        check_file(rows.file, array, one)
        return ArrayExamples({one.name: array})
    found = {}
    for one in interface.inputs:
        named = rows.model_copy(update={"array": one.name})
        found[one.name] = load_input(context.store, named)
        check_file(f"{one.name} of {rows.file}", found[one.name], one)
    lengths = {name: len(array) for name, array in found.items()}
    if len(set(lengths.values())) > 1:
        raise BadJob(
            f"{rows.file} has arrays of several lengths: {lengths}",
            "each array has one entry for each row",
        )
    return ArrayExamples(found)
