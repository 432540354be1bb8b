"""What a data set holds, told from its arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from fitq_shared.catalogue import SPLITS
from fitq_shared.store import Store
from fitq_worker.datasets.dataset import Array, Dataset, sha256
from fitq_worker.datasets.sources.volume_cache import folder


def describe(dataset: Dataset) -> dict[str, object]:
    """Name, title, class names, the arrays, and the rows of each class, fit for JSON.

    Example:
        >>> describe(load("mnist", store))["counts"]["train"]["5"]
        5421

    Returns:
        `{name, title, class_names, arrays: {x_train: {shape, dtype, min, max, sha256}, ...},
        counts: {train: {class name: rows}, test: ...}}`.
    """
    facts = dataset.facts
    return {
        "name": facts.name,
        "title": facts.title,
        "class_names": list(facts.class_names),
        "arrays": {key: _describe_array(array) for key, array in dataset.arrays.items()},
        "counts": {split: _count(dataset.split(split)[1], facts.class_names) for split in SPLITS},
    }


def path_of(name: str) -> str:
    """Where the description of the data set of this name is kept in the store."""
    return f"{folder(name)}/description.json"


def write_description(description: Mapping[str, object], path: str, store: Store) -> None:
    """Keep a description in the store for those who ask later.

    Raises:
        StoreError: the store cannot be written.
    """
    text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
    store.write(path, text.encode())


def _describe_array(array: Array) -> dict[str, object]:
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "min": int(array.min()),
        "max": int(array.max()),
        "sha256": sha256(array),
    }


def _count(labels: Array, class_names: tuple[str, ...]) -> dict[str, int]:
    counts = np.bincount(labels, minlength=len(class_names))
    return {name: int(count) for name, count in zip(class_names, counts, strict=True)}
