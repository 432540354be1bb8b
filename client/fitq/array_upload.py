"""Arrays at hand as a data set in the store: uploaded in pieces by content, and never named.

A job refers to them by the sum of their manifest; `fitq gc` removes them when no job does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fitq.data.array_source import MOST_CLASS_NUMBERS
from fitq.data.source import LocalFile, Source
from fitq.data.upload import upload
from fitq_shared.dataset_manifest import Column, ColumnType, Role, chunk_path
from fitq_shared.specs.datasets import DatasetRef

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_shared.store import Store

FILE = "arrays.npz"


def upload_arrays(
    store: Store,
    inputs: Mapping[str, NDArray[Any]],
    targets: Mapping[str, NDArray[Any]],
    others: Mapping[str, NDArray[Any]],
    classes: Mapping[str, tuple[str, ...]],
    progress: Callable[[str, int, int], None],
) -> DatasetRef:
    """Put arrays into the store, as the training split of a data set; what is there is not sent.

    Args:
        inputs, targets, others: by field, all of one length; models are given no others.
        classes: the names of the classes of those targets whose values are their numbers.

    Returns:
        By what a job names them.

    Raises:
        StoreError: the store cannot be written.
    """
    roles: dict[Role, Mapping[str, NDArray[Any]]] = {
        "input": inputs,
        "target": targets,
        "unused": others,
    }
    named = [(role, name, array) for role, of in roles.items() for name, array in of.items()]
    with tempfile.TemporaryDirectory(prefix="fitq-") as folder:
        path = Path(folder) / FILE
        np.savez(path, allow_pickle=False, **{f"a{at}": a for at, (_, _, a) in enumerate(named)})
        columns = tuple(
            _column(role, name, array, f"a{at}", classes.get(name))
            for at, (role, name, array) in enumerate(named)
        )
        rows = len(named[0][2])
        source = Source("npz", (LocalFile.of(path, FILE),), columns, rows={"train": rows})
        total = path.stat().st_size
        done = upload(store, source, (), lambda size: progress("uploading", size, total))
    manifest = source.manifest(done.chunks)
    digest = manifest.digest()
    # Written anew even where it is there: so it is new, and no gc takes it before it is named.
    store.write(chunk_path(digest), manifest.canonical().encode())
    return DatasetRef(name=f"arrays-{digest[:8]}", version=1, manifest=digest)


def class_numbers(array: NDArray[Any]) -> tuple[str, ...] | None:
    """The classes of labels that are whole numbers from 0, as names; None for other arrays."""
    if array.ndim != 1 or array.dtype.kind not in "iu":
        return None
    least, most = int(array.min()), int(array.max())
    return tuple(map(str, range(most + 1))) if least >= 0 and most < MOST_CLASS_NUMBERS else None


def _column(
    role: Role,
    name: str,
    array: NDArray[Any],
    inner: str,
    classes: tuple[str, ...] | None,
) -> Column:
    return Column(
        name=name,
        type="category" if classes else _type(role, array),
        role=role,
        classes=classes,
        arrays={"train": inner},
        shape=array.shape[1:],
        dtype="str" if array.dtype.kind == "U" else array.dtype.name,
    )


def _type(role: Role, array: NDArray[Any]) -> ColumnType:
    if array.dtype.kind == "U":
        return "category" if role == "unused" else "text"
    return "array" if array.ndim > 1 else "number"
