"""The pictures of a data set that trainings and descriptions keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.specs.datasets import AnyDataset
from fitq_worker.datasets.pictures import in_cells
from fitq_worker.figures.heat_map import plot_heat_map
from fitq_worker.figures.samples import plot_samples
from fitq_worker.models import is_image

if TYPE_CHECKING:
    from fitq_worker.examples import Examples

MOST_CELLS = 32
"""Of the heat map, on a side: more could not be read."""


def title_of(dataset: AnyDataset) -> str:
    """What pictures call a data set."""
    facts = DATASETS.get(str(dataset))
    return facts.title if facts else str(dataset)


def draw_examples(folder: AttemptFolder, dataset: AnyDataset, examples: Examples) -> None:
    """Draw the first 25 training images, and the first as a heat map; nothing where none are."""
    images = [name for name, one in examples.inputs.items() if is_image(one)]
    if not images:
        return
    count = min(25, len(examples))
    inputs, targets = examples.read(np.arange(count))
    pictures = inputs[images[0]]
    names = [f"row {row}" for row in range(count)]
    for name, one in examples.targets.items():
        if not one.shape:
            known = one.classes
            names = [known[int(v)] if known else f"{v:g}" for v in targets[name]]
    title = title_of(dataset)
    with folder.file(AttemptFolder.samples) as path:
        plot_samples(pictures, names, path, f"{title}: the first {count} training images")
    with folder.file(AttemptFolder.heat_map) as path:
        image = in_cells(pictures[0], MOST_CELLS)
        plot_heat_map(image, path, f"{title}: training image 0, {names[0]}")
