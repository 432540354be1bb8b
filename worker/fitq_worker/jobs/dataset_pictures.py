"""The pictures of a data set that trainings and descriptions keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_worker.datasets.pictures import in_cells
from fitq_worker.figures.heat_map import plot_heat_map
from fitq_worker.figures.samples import plot_samples
from fitq_worker.models import is_image

if TYPE_CHECKING:
    from fitq_worker.datasets.dataset import Dataset
    from fitq_worker.examples import Examples

MOST_CELLS = 32
"""Of the heat map, on a side: more could not be read."""


def draw_dataset(folder: AttemptFolder, dataset: Dataset) -> None:
    """Draw the first 25 training images, and the first as a heat map."""
    facts = dataset.facts
    names = [facts.class_names[label] for label in dataset.y_train[:25]]
    with folder.file(AttemptFolder.samples) as path:
        plot_samples(
            dataset.x_train[:25], names, path, f"{facts.title}: the first 25 training images"
        )
    with folder.file(AttemptFolder.heat_map) as path:
        plot_heat_map(dataset.x_train[0], path, f"{facts.title}: training image 0, {names[0]}")


def draw_examples(folder: AttemptFolder, dataset: str, examples: Examples) -> None:
    """The same of any examples that have images; nothing of others."""
    images = [name for name, one in examples.inputs.items() if is_image(one)]
    if not images:
        return
    count = min(25, len(examples))
    inputs, targets = examples.read(np.arange(count))
    pictures = inputs[images[0]]
    if pictures.ndim == 4 and pictures.shape[3] < 3:  # grey, perhaps with alpha
        pictures = pictures[..., 0]
    names = [f"row {row}" for row in range(count)]
    for name, one in examples.targets.items():
        if not one.shape:
            known = one.classes
            names = [known[int(v)] if known else f"{v:g}" for v in targets[name]]
    facts = DATASETS.get(dataset)
    title = facts.title if facts else dataset
    with folder.file(AttemptFolder.samples) as path:
        plot_samples(pictures, names, path, f"{title}: the first {count} training images")
    with folder.file(AttemptFolder.heat_map) as path:
        image = in_cells(pictures[0], MOST_CELLS)
        plot_heat_map(image, path, f"{title}: training image 0, {names[0]}")
