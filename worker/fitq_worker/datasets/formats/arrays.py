"""`.npz` and `.npy`: named arrays, mapped into memory as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitq_shared.dataset_manifest import Column, ColumnType, DatasetManifest
from fitq_shared.errors import BadJob
from fitq_shared.specs.steps import Kind
from fitq_shared.texts import shown
from fitq_worker.datasets.column_files import (
    MISSING,
    Noted,
    StoredColumn,
    chunks,
    open_npy,
    writing_array,
)
from fitq_worker.datasets.findings import Findings
from fitq_worker.datasets.formats.npz import check_npy, unpack
from fitq_worker.datasets.source import RegisteredFiles

LARGEST_ARCHIVE = 2**40
# Numbers and arrays are what they look like.
_KINDS: dict[ColumnType, Kind] = {"image": "image", "text": "text", "category": "category"}


def prepare_npz(files: RegisteredFiles, folder: Path) -> list[StoredColumn]:
    """Unpack all arrays into the folder, and look through those that the manifest names.

    Raises:
        BadJob: an archive or an array is damaged, holds Python objects, or is not there.
    """
    arrays: dict[str, Path] = {}
    with files.borrowed(folder / "files") as place:
        for number, file in enumerate(files.manifest.files):
            unpacked = folder / f"npz-{number}"
            unpacked.mkdir(exist_ok=True)
            arrays |= unpack(place / file.path, file.path, unpacked, LARGEST_ARCHIVE)
    return _columns(arrays, files.manifest, folder)


def prepare_npy(files: RegisteredFiles, folder: Path) -> list[StoredColumn]:
    """Look through all arrays, which stay in their files.

    Raises:
        BadJob: an array is damaged, holds Python objects, or is not there.
    """
    files.fetch(folder / "files")
    arrays = {file.path: folder / "files" / file.path for file in files.manifest.files}
    for name, path in arrays.items():
        check_npy(path, name)
    return _columns(arrays, files.manifest, folder)


def _columns(
    arrays: Mapping[str, Path], manifest: DatasetManifest, folder: Path
) -> list[StoredColumn]:
    found = []
    for at, column in enumerate(manifest.columns):
        for split, name in (column.arrays or {}).items():
            if name not in arrays:
                raise BadJob(
                    f"there is no array {name!r}: there are {shown(sorted(arrays), 200)[1:-1]}",
                    "register the data set again",
                )
            file = arrays[name].relative_to(folder).as_posix()
            stored = StoredColumn(
                *(column.name, split, column.role, "array", file),
                kind=_KINDS.get(column.type or "array"),
            )
            array = open_npy(arrays[name])
            if column.classes is None:
                found.append(_noted(stored, array, column))
            else:
                found.append(_as_classes(stored, array, column.classes, folder, f"{split}-{at}"))
    return found


def _noted(stored: StoredColumn, array: NDArray[Any], column: Column) -> StoredColumn:
    """With the rows that have a NaN or an infinite value."""
    if array.dtype.kind != "f":
        return stored
    missing, odd = Noted(), Noted()
    for start, part in chunks(array):
        flat = part.reshape(len(part), -1)
        nan = np.isnan(flat).any(axis=1) & column.may_miss
        missing = missing.plus(nan, start)
        odd = odd.plus(~np.isfinite(flat).all(axis=1) & ~nan, start)
    return replace(stored, missing=missing, odd=odd)


def _as_classes(
    stored: StoredColumn, array: NDArray[Any], classes: tuple[str, ...], folder: Path, file: str
) -> StoredColumn:
    """As the numbers of classes, which most arrays hold already."""
    findings = Findings()
    numbers = {name: number for number, name in enumerate(classes)}
    is_numbered = array.dtype.kind in "iu" and classes == tuple(map(str, range(len(classes))))
    with writing_array(folder / f"{file}.npy", np.int32, array.shape[1:]) as writer:
        for start, part in chunks(array):
            values, places = np.unique(part, return_inverse=True)
            codes = np.array([numbers.get(str(value), MISSING) for value in values], np.int32)
            part_codes = codes[places].reshape(part.shape)
            for row in np.flatnonzero((part_codes == MISSING).reshape(len(part), -1).any(axis=1)):
                value = next(str(v) for v in np.ravel(part[row]) if str(v) not in numbers)
                findings.note(
                    f"the array {stored.name!r} holds {len(classes)} classes, but also",
                    f"{shown(value)} in row {start + row:,}",
                )
            if not is_numbered:
                writer.append(part_codes)
    if is_numbered:
        (folder / f"{file}.npy").unlink()
    else:
        stored = replace(stored, file=f"{file}.npy")
    return replace(stored, kept="category", names=classes, faults=findings.sentences())
