"""What a registered data set holds, told from its values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.specs.steps import Resize
from fitq_worker.datasets.column_files import StoredColumn, open_npy, read_index
from fitq_worker.datasets.columns import Table
from fitq_worker.datasets.disk_cache import Entry
from fitq_worker.datasets.measuring import measure

MOST_CLASSES_COUNTED = 1000
DRAWN = Resize(height=64, width=64)


def describe_registered(ref: DatasetRef, entry: Entry, obey: Callable[[], None]) -> dict[str, Any]:
    """Rows, columns and the rows of each class, fit for JSON.

    Columns that no job can use are described as far as they go, with their faults.

    Args:
        entry: the prepared data set.
        obey: called now and then, to let the job be stopped.

    Returns:
        `{name, title, rows: {split: n}, columns: [{name, role, kind, shape, dtype, classes,
        faults, splits: {split: {measured, min, max, mean, std, not_finite, missing}}}],
        counts: {column: {split: {class: rows}}}}`.
    """
    rows: dict[str, int] = {}
    columns: dict[str, dict[str, Any]] = {}
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for stored in read_index(entry.path):
        array = open_npy(entry.path / stored.file)
        rows[stored.split] = len(array)
        shown = columns.setdefault(stored.name, _head(stored, entry))
        shown["splits"][stored.split] = {
            "missing": stored.missing.count,
            **(_measured(stored, entry, obey)),
        }
        if stored.kept == "category" and array.ndim == 1:
            counts.setdefault(stored.name, {})[stored.split] = _count(stored, array)
    return {
        "name": str(ref),
        "title": ", ".join(f"{count:,} {split} rows" for split, count in rows.items()),
        "rows": rows,
        "columns": list(columns.values()),
        "counts": {name: found for name, found in counts.items() if any(found.values())},
    }


def drawable(entry: Entry) -> Table:
    """The training images that there are, brought to one size, and what they are called."""
    found = [c for c in read_index(entry.path) if c.split == "train" and not c.faults]
    images = {
        column.name: column.open(entry.path, resize=DRAWN)
        for column in found
        if column.kept == "image" or column.kind == "image"
    }
    targets = {c.name: c.open(entry.path) for c in found if c.role == "target"}
    return Table(images, targets, hold=entry)


def _head(stored: StoredColumn, entry: Entry) -> dict[str, Any]:
    """What is the same in all splits."""
    field = stored.open(entry.path).field
    return {
        "name": stored.name,
        "role": stored.role,
        "kind": stored.kind or field.kind or ("array" if field.shape else "number"),
        "shape": list(field.shape),
        "dtype": field.dtype,
        "classes": len(stored.names),
        "faults": [*stored.faults, *_several(stored)],
        "splits": {},
    }


def _several(stored: StoredColumn) -> list[str]:
    return [f"there are several sizes, so a job must resize: {stored.sizes}"] * bool(stored.sizes)


def _measured(stored: StoredColumn, entry: Entry, obey: Callable[[], None]) -> dict[str, Any]:
    """Numbers for what numbers say something about."""
    if stored.kept == "category" or stored.sizes or stored.faults:
        return {}
    return dict(measure(stored.open(entry.path), obey))


def _count(stored: StoredColumn, codes: Any) -> dict[str, int]:
    if len(stored.names) > MOST_CLASSES_COUNTED:
        return {}
    there = codes[(codes >= 0) & (codes < len(stored.names))].astype(np.int64)
    found = np.bincount(there, minlength=len(stored.names))
    return {name: int(count) for name, count in zip(stored.names, found, strict=True)}
