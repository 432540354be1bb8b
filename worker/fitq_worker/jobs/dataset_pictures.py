"""The pictures of a data set that trainings and descriptions keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitq_shared.attempt_folder import AttemptFolder
from fitq_worker.figures.heat_map import plot_heat_map
from fitq_worker.figures.samples import plot_samples

if TYPE_CHECKING:
    from fitq_worker.datasets.dataset import Dataset


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
