"""The rows that a prediction names, as examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fitq_shared.datasets import read_manifest
from fitq_shared.errors import BadJob
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.specs.predict import DatasetRows, FileRows, TableRows
from fitq_shared.specs.preprocessing import first_resize
from fitq_worker.array_examples import ArrayExamples
from fitq_worker.held_out import rows_to_predict_of
from fitq_worker.input_arrays import load_input
from fitq_worker.input_fields import check_file
from fitq_worker.packed_rows import read_packed
from fitq_worker.published_model import PublishedModel
from fitq_worker.table_rows import read_table

if TYPE_CHECKING:
    from fitq_shared.rows_used import RowsUsed
    from fitq_shared.specs.predict import PackedRows
    from fitq_worker.examples import Examples
    from fitq_worker.interface import Interface
    from fitq_worker.job_context import JobContext
    from fitq_worker.published_model import LoadedModel
    from fitq_worker.splits import Indices


@dataclass(frozen=True, eq=False)
class RowsToPredict:
    """What a prediction is of.

    Attributes:
        examples: the fields that the model takes, and its targets where these are known.
        rows: which of their rows: int64 of shape (n,).
        what: whose rows they are, in words.
        files: what the user called the file of each row, where each is a file.
        used: the same rows as a record names them, where they are of a data set.
    """

    examples: Examples
    rows: Indices
    what: str
    files: tuple[str, ...] | None = None
    used: RowsUsed | None = None


def rows_to_predict(
    context: JobContext,
    rows: DatasetRows | FileRows | TableRows | PackedRows,
    published: LoadedModel,
) -> RowsToPredict:
    """The rows to predict, with their targets where these are known.

    Raises:
        BadJob: they do not fit what the model takes.
        StoreError: a file in the store is not the one that was submitted.
        InvalidInput: it is no array file, or has no such array.
    """
    interface = published.interface
    if not isinstance(published, PublishedModel):
        return _for_file(context, rows, interface)
    if isinstance(rows, DatasetRows):
        fields = interface.fields
        found = rows_to_predict_of(context, published.trained, rows.dataset, rows.split, *fields)
        what = f"{rows.dataset}, {found.what}"
        return RowsToPredict(found.examples, found.rows, what, used=found.used)
    files = None
    if isinstance(rows, FileRows):
        examples = _arrays(context, rows, interface)
    elif isinstance(rows, TableRows):
        known = published.trained.dataset
        manifest = read_manifest(context.store, known) if isinstance(known, DatasetRef) else None
        examples = read_table(context.store, rows, interface, manifest)
    else:
        resize = first_resize(published.trained.preprocessing)
        examples, files = read_packed(context.store, rows, interface, resize)
    return RowsToPredict(examples, np.arange(len(examples), dtype=np.int64), rows.file, files)


def _for_file(
    context: JobContext, rows: DatasetRows | FileRows | TableRows | PackedRows, interface: Interface
) -> RowsToPredict:
    """Rows for a model of which nobody has said what it was trained on."""
    if not isinstance(rows, FileRows):
        raise BadJob("a model that no job has trained takes arrays", "give a .npy or .npz file")
    examples = _arrays(context, rows, interface)
    return RowsToPredict(examples, np.arange(len(examples), dtype=np.int64), rows.file)


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
