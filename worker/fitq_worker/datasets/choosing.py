"""The examples of any data set that a job names, and which of their fields it wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fitq_shared.errors import BadJob
from fitq_shared.specs.base import Split
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.specs.mistakes import unknown_choice
from fitq_worker.array_examples import Selected
from fitq_worker.datasets.loading import load
from fitq_worker.datasets.registered import Choice, load_registered

if TYPE_CHECKING:
    from fitq_shared.specs.steps import Resize
    from fitq_worker.examples import Examples
    from fitq_worker.job_context import JobContext


def load_examples(
    dataset: str | DatasetRef,
    context: JobContext,
    split: Split,
    inputs: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    without: Sequence[str] = (),
    resize: Resize | None = None,
) -> Examples:
    """One split of a data set, known by name or registered.

    Args:
        inputs: the fields to take; None for the data set's own choice, without the targets,
            unless nothing would be left: an autoencoder's target is its input.
        targets: the fields to learn; None for the data set's own choice.
        without: fields that are no inputs unless `inputs` says so, such as the rows' weights.
        resize: the size to bring images to; None leaves them as they are, all of one size.

    Raises:
        BadJob: there is no such data set, split or field.
        JobError: no source has the data.
        StoreError: the store cannot be read, or what is there is damaged.
    """
    if isinstance(dataset, DatasetRef):
        choice = Choice(inputs, targets, resize)
        examples = _registered(dataset, context, split, choice)
        if not examples.inputs and targets and inputs is None:
            choice = Choice(targets, targets, resize)
            examples = _registered(dataset, context, split, choice)
        names, learnt = tuple(examples.inputs), tuple(examples.targets)
    else:
        examples = load(dataset, context.store).examples(split)
        learnt, names = tuple(examples.targets), tuple(examples.inputs)
        if targets is not None:
            learnt = _known("target", targets, examples)
            names = tuple(name for name in names if name not in learnt) or names
        if inputs is not None:
            names = _known("inputs", inputs, examples)
    if inputs is None:
        names = tuple(name for name in names if name not in without)
    if (names, learnt) == (tuple(examples.inputs), tuple(examples.targets)):
        return examples
    return Selected(examples, names, learnt)


def load_columns(
    dataset: str | DatasetRef, context: JobContext, split: Split, names: Sequence[str]
) -> Examples:
    """These fields of a data set alone, as inputs: weights, groups, or parts of rows.

    Raises:
        BadJob, JobError, StoreError: as `load_examples`.
    """
    return load_examples(dataset, context, split, inputs=names, targets=())


def _registered(dataset: DatasetRef, context: JobContext, split: Split, choice: Choice) -> Examples:
    return load_registered(
        dataset, context.store, split, choice, context.data_code, context.reporter.obey
    )


def _known(where: str, names: Sequence[str], examples: Examples) -> tuple[str, ...]:
    there = {**examples.inputs, **examples.targets}
    if unknown := [name for name in names if name not in there]:
        raise BadJob(str(unknown_choice(where, unknown[0], there)), "name a field that is there")
    return tuple(names)
