"""Data that a function of the user's own makes: run once, and then kept like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fitq_shared.dataset_manifest import Role
from fitq_shared.datasets import read_file
from fitq_shared.errors import BadJob
from fitq_shared.specs.base import Split
from fitq_worker.datasets.column_files import StoredColumn
from fitq_worker.datasets.disk_cache import DiskCache
from fitq_worker.datasets.endless import why_endless
from fitq_worker.datasets.made_rows import Batch, MadeRows
from fitq_worker.datasets.source import RegisteredFiles

if TYPE_CHECKING:
    from fitq_worker.own_code import OwnCode

SPLITS: tuple[Split, ...] = ("train", "test")
PARTS: tuple[tuple[Role, str], ...] = (
    ("input", "x"),
    ("target", "y"),
    ("unused", "sample_weight"),
)


def prepare(files: RegisteredFiles, folder: Path) -> list[StoredColumn]:
    """Call the function, and write the rows that it gives (see docs/data.md for what it may).

    Raises:
        BadJob: this worker does not run code, the code fails, or gives no data.
    """
    manifest = files.manifest
    if manifest.code is None or files.run_code is None:
        raise BadJob(
            f"the data set {files.name} is made by code, which this kind of job does not run",
            "register what the code makes as an .npz",
        )
    _, pieces = next(manifest.pieces())
    bundle = b"".join(read_file(files.store, files.name, pieces))
    with files.run_code(manifest.code, bundle) as code:
        rows = MadeRows(code.name, folder, DiskCache.from_environment().limit)
        for split, source in _by_split(code.call()).items():
            if why := why_endless(source):
                raise BadJob(
                    f"{code.name} never comes to an end: {why}",
                    "let it give each row once: a training reads them in each of its epochs",
                )
            for batch in _batches(source, code):
                rows.append(split, batch)
        return rows.finish()


def _by_split(made: Any) -> Mapping[Split, Any]:
    if isinstance(made, dict) and made and set(made) <= set(SPLITS):
        return made
    if isinstance(made, tuple) and len(made) == 2 and all(isinstance(m, tuple) for m in made):
        return dict(zip(SPLITS, made, strict=True))
    return {"train": made}


def _batches(source: Any, code: OwnCode) -> Iterator[Batch]:
    """The rows of one split, however the code gives them."""
    import keras

    if hasattr(source, "element_spec"):  # a tf.data.Dataset
        is_batched = _is_batched(source)
        for item in code.items(source.as_numpy_iterator()):
            yield _batch(item, code, is_row=not is_batched)
    elif isinstance(source, keras.utils.PyDataset):
        for item in code.items(source[at] for at in range(_count(source, code))):
            yield _batch(item, code)
    elif isinstance(source, Iterator):
        for item in code.items(source):
            yield _batch(item, code, is_row=True)
    else:
        yield _batch(source, code)


def _is_batched(dataset: Any) -> bool:
    """Whether each element has several rows: only then the length of its first axis is open."""
    import tensorflow as tf

    specs = tf.nest.flatten(dataset.element_spec)
    return all(spec.shape.rank and spec.shape[0] is None for spec in specs)


def _count(source: Any, code: OwnCode) -> int:
    batches: int | None = source.num_batches
    if batches is None:
        raise BadJob(
            f"{code.name} gives a PyDataset without an end", "let num_batches say how many"
        )
    return batches


def _batch(item: Any, code: OwnCode, *, is_row: bool = False) -> Batch:
    """x, or (x, y), or (x, y, sample_weight), as arrays by name."""
    parts = item if isinstance(item, tuple) else (item,)
    if not 1 <= len(parts) <= len(PARTS) or parts[0] is None:
        given = f"{len(parts)} things together" if parts[0] is not None else "nothing"
        raise BadJob(
            f"{code.name} gives {given}",
            "let it give x, or (x, y), or (x, y, sample_weight)",
        )
    return {
        role: {
            key: _array(value, code, key, is_row=is_row)
            for key, value in _named(part, name).items()
        }
        for (role, name), part in zip(PARTS, parts, strict=False)
        if part is not None
    }


def _named(part: Any, name: str) -> Mapping[str, Any]:
    if isinstance(part, Mapping):
        return {str(key): value for key, value in part.items()}
    if isinstance(part, tuple):
        return {f"{name}_{at}": value for at, value in enumerate(part, 1)}
    return {name: part}


def _array(value: Any, code: OwnCode, name: str, *, is_row: bool) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise BadJob(
            f"{code.name} gives for {name!r} what is no array: {error}",
            "give arrays of one shape",
        ) from error
    if is_row:
        return array[np.newaxis]
    if not array.ndim:
        raise BadJob(
            f"{code.name} gives for {name!r} what has no rows: {type(value).__name__}",
            "return arrays, a tf.data.Dataset, or a generator of rows",
        )
    return array
