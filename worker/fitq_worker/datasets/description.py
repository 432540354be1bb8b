"""What a data set holds, told from its arrays."""

from __future__ import annotations

import json

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


def write_description(dataset: Dataset, store: Store) -> str:
    """Keep the description as `datasets/<name>/description.json`.

    Returns:
        Its path in the store.

    Raises:
        StoreError: the store cannot be written.
    """
    path = f"{folder(dataset.facts.name)}/description.json"
    text = json.dumps(describe(dataset), indent=2, ensure_ascii=False) + "\n"
    store.write(path, text.encode())
    return path


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
