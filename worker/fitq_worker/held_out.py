"""The rows that a training does not learn from, found again by whoever measures its model."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fitq_shared.datasets import read_manifest
from fitq_shared.errors import BadJob
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.specs.preprocessing import first_resize
from fitq_worker.datasets.choosing import load_examples
from fitq_worker.splits import Indices
from fitq_worker.training_data import divided, learnt_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fitq_shared.specs.datasets import AnyDataset
    from fitq_shared.specs.splits import Part
    from fitq_shared.specs.train import TrainJob
    from fitq_shared.store import Store
    from fitq_worker.examples import Examples
    from fitq_worker.job_context import JobContext

log = logging.getLogger("fitq.job")


@dataclass(frozen=True, eq=False)
class Measured:
    """Rows that a model is measured by.

    Attributes:
        examples: of the data set.
        rows: which of their rows: int64 of shape (n,).
        what: which these are, in words: "test split", "rows held out for validation".
    """

    examples: Examples
    rows: Indices
    what: str


def rows_to_measure(
    context: JobContext,
    trained: TrainJob,
    dataset: AnyDataset,
    split: Part,
    inputs: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
) -> Measured:
    """Examples of a data set, and which of their rows are the split that was asked for.

    A data set without a test part of its own has for one the rows that the training of the model
    has held out: those to test, or else those to validate.

    Args:
        trained: the training of the model that is to be measured.
        inputs, targets: the fields to take; None for the data set's own choice.

    Raises:
        BadJob: there is no such part, or only in the data set of the training.
    """
    resize = first_resize(trained.preprocessing)
    if split == "train" or (split == "test" and _has_test(context.store, dataset)):
        examples = load_examples(dataset, context, split, inputs, targets, resize=resize)
        return Measured(examples, np.arange(len(examples), dtype=np.int64), f"{split} split")
    if dataset != trained.dataset:
        raise BadJob(
            f"{dataset} has no {split} part: only {trained.dataset}, on which the model was "
            "trained, has rows that were held out",
            "use --split train, or a data set with a test part",
        )
    parts = divided(context, trained, learnt_from(context, trained))
    part, rows = split, parts.of(split)
    if split == "test" and not len(rows):
        part, rows = "validation", parts.validation
        log.info("%s has no test part: the rows on which the training validated stand in", dataset)
    if not len(rows):
        raise BadJob(
            f"the training held out no rows of {dataset} for {split}",
            "train with --validation-split or --test-split, or use --split train",
        )
    examples = load_examples(dataset, context, "train", inputs, targets, resize=resize)
    return Measured(examples, rows, f"rows held out for {part}")


def _has_test(store: Store, dataset: AnyDataset) -> bool:
    if not isinstance(dataset, DatasetRef):
        return True
    return "test" in read_manifest(store, dataset).splits
