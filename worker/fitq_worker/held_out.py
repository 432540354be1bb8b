"""The rows that a training does not learn from, found again by whoever measures its model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from fitq_shared.datasets import read_manifest
from fitq_shared.errors import BadJob
from fitq_shared.rows_used import RowsUsed
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.specs.preprocessing import first_resize
from fitq_worker.datasets.choosing import load_examples
from fitq_worker.joined_examples import Joined
from fitq_worker.splits import Indices
from fitq_worker.training_data import divided, learnt_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fitq_shared.specs.base import Split
    from fitq_shared.specs.datasets import AnyDataset
    from fitq_shared.specs.splits import Part, PartOrAll
    from fitq_shared.specs.train import TrainJob
    from fitq_shared.store import Store
    from fitq_worker.examples import Examples
    from fitq_worker.job_context import JobContext

# The parts that a training may hold out, those first by which a model is measured rather.
HELD_OUT: tuple[Part, ...] = ("test", "validation")
DIGEST_LETTERS = 16


Whole = Literal["train", "test", "all"]


@dataclass(frozen=True, eq=False)
class Measured:
    """Rows that a model is measured by, or that it predicts.

    Attributes:
        examples: of the data set.
        rows: which of their rows: int64 of shape (n,).
        split: the part that these are.
        what: the same in words: "test split", "rows held out for validation".
        source: the split of the data set that `examples` are; all of them, one after the other.
    """

    examples: Examples
    rows: Indices
    split: PartOrAll
    what: str
    source: Whole

    @property
    def used(self) -> RowsUsed:
        """These rows as a record names them."""
        numbers = self.rows.astype("<i8").tobytes()
        digest = hashlib.sha256(self.source.encode() + b":" + numbers).hexdigest()
        return RowsUsed(self.split, len(self.rows), digest[:DIGEST_LETTERS])


def rows_to_measure(
    context: JobContext,
    trained: TrainJob | None,
    dataset: AnyDataset,
    split: Part | None,
    inputs: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    held_out_by: TrainJob | None = None,
) -> Measured:
    """Examples of a data set, and which of their rows are the split that was asked for.

    A data set without a test part of its own has for one the rows that the training of the model
    has held out to test.

    Args:
        trained: the training of the model that is to be measured; None if there was none.
        split: None for the rows to test or, where there are none, those that validated.
        inputs, targets: the fields to take; None for the data set's own choice.
        held_out_by: the training whose held-out rows are meant; None for that of the model.

    Raises:
        BadJob: there is no such part, or only in the data set of the training.
    """
    resize = first_resize(trained.preprocessing) if trained else None

    def load(source: Split) -> Examples:
        return load_examples(dataset, context, source, inputs, targets, resize=resize)

    if split == "train" or (split != "validation" and _has_test(context.store, dataset)):
        whole: Split = "train" if split == "train" else "test"
        examples = load(whole)
        return Measured(examples, all_of(examples), whole, f"{whole} split", whole)
    holder = held_out_by or trained
    part, rows = _held_out(context, holder, dataset, split)
    return Measured(load("train"), rows, part, f"rows held out for {part}", "train")


def rows_to_predict_of(
    context: JobContext,
    trained: TrainJob,
    dataset: AnyDataset,
    split: PartOrAll | None,
    inputs: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
) -> Measured:
    """As `rows_to_measure`, but "all" are the rows of each part; those without a split are the
    test part of the data set or, where it has none, all."""
    if split is None:
        split = "test" if _has_test(context.store, dataset) else "all"
    if split != "all":
        return rows_to_measure(context, trained, dataset, split, inputs, targets)
    resize = first_resize(trained.preprocessing)
    sources: list[Split] = ["train", "test"] if _has_test(context.store, dataset) else ["train"]
    parts = [
        load_examples(dataset, context, source, inputs, targets, resize=resize)
        for source in sources
    ]
    examples = Joined(parts) if len(parts) > 1 else parts[0]
    return Measured(examples, all_of(examples), "all", "all rows", "all")


def all_of(examples: Examples) -> Indices:
    """The numbers of all rows: int64 of shape (n,)."""
    return np.arange(len(examples), dtype=np.int64)


def _held_out(
    context: JobContext, trained: TrainJob | None, dataset: AnyDataset, split: Part | None
) -> tuple[Part, Indices]:
    if trained is None or dataset != trained.dataset:
        own = f"only {trained.dataset}, on which" if trained else "only data on which"
        raise BadJob(
            f"{dataset} has no {split or 'test'} part: {own} the model was trained, has rows that "
            "were held out",
            "use --split train, or a data set with a test part",
        )
    parts = divided(context, trained, learnt_from(context, trained))
    there: list[Part] = [part for part in HELD_OUT if len(parts.of(part))]
    for part in there:
        if split in (None, part):
            return part, parts.of(part)
    other = f"--split {there[0]}, or " if there else ""
    wanted = split or " or ".join(HELD_OUT)
    raise BadJob(
        f"the training held out no rows of {dataset} for {wanted}",
        f"use {other}--split train; or train with --validation-split or --test-split",
    )


def _has_test(store: Store, dataset: AnyDataset) -> bool:
    if not isinstance(dataset, DatasetRef):
        return True
    return "test" in read_manifest(store, dataset).splits
