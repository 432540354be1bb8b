"""Columns in files of the worker's cache: written row after row, and mapped into memory.

`columns.json` names them all. Numbers are a .npy file; categories a .npy file of their numbers;
texts and images a file of all of them, and a .npy file of where each begins and ends there.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from fitq_shared.dataset_manifest import Role
from fitq_shared.specs.base import Split
from fitq_shared.specs.steps import Kind, Resize
from fitq_worker.datasets.columns import ArrayColumn, Column, NameColumn, TextColumn
from fitq_worker.datasets.image_column import ImageColumn
from fitq_worker.datasets.pictures import Channels

INDEX = "columns.json"
MOST_ROWS_NAMED = 5
MISSING = -1
"""The number of a category that is missing."""
_CHUNK_BYTES = 2**24

Kept = Literal["array", "category", "text", "image"]


@dataclass(frozen=True)
class Noted:
    """How many values are of some sort, and in which rows the first of them are, from 0."""

    count: int = 0
    rows: tuple[int, ...] = ()

    def plus(self, found: NDArray[np.bool_], start: int) -> Noted:
        """These, and the rows from `start` on for which `found`, of shape (n,), is true."""
        count = int(np.count_nonzero(found))
        if not count:
            return self
        room = MOST_ROWS_NAMED - len(self.rows)
        rows = (np.flatnonzero(found)[:room] + start).tolist()
        return Noted(self.count + count, (*self.rows, *rows))


@dataclass(frozen=True)
class StoredColumn:
    """One column of one split.

    Attributes:
        name: as the data set calls it.
        split: "train", "test" or another that the data set has.
        role: whether it is an input or a target where a job does not say.
        kept: how it is kept.
        file: its .npy, relative to the folder.
        content: the file of all texts or images, relative to the folder.
        paths: for images, the file of the bounds of their paths; beside it, in .utf8, these.
        shape: of all images: height, width, channels; of the former two 0 where sizes differ.
        sizes: how they differ, in a sentence.
        kind: what its values are meant to be, where that cannot be seen.
        names: those of the categories, in the order of their numbers.
        missing: the values that are not there, as the data set declares.
        odd: the values that are NaN or infinite without being declared as missing.
        faults: what else keeps it from being used, in sentences.
    """

    name: str
    split: Split
    role: Role
    kept: Kept
    file: str
    content: str = ""
    paths: str = ""
    shape: tuple[int, ...] = ()
    sizes: str = ""
    kind: Kind | None = None
    names: tuple[str, ...] = ()
    missing: Noted = Noted()
    odd: Noted = Noted()
    faults: tuple[str, ...] = ()

    def open(self, folder: Path, *, as_names: bool = False, resize: Resize | None = None) -> Column:
        """The column, mapped into memory.

        Args:
            as_names: give categories by their names, not their numbers.
            resize: the size to bring images to that have several.
        """
        array = open_npy(folder / self.file)
        if self.kept == "text":
            return TextColumn(map_bytes(folder / self.content), array)
        if self.kept == "image":
            return self._open_images(folder, array, resize)
        if self.kept == "category" and as_names:
            return NameColumn(array, self.names)
        return ArrayColumn(array, self.names or None, self.kind)

    def _open_images(
        self, folder: Path, bounds: NDArray[np.int64], resize: Resize | None
    ) -> ImageColumn:
        height, width, channels = self.shape
        if not self.sizes:
            resize = None
        return ImageColumn(
            content=map_bytes(folder / self.content),
            bounds=bounds,
            paths=open_texts(folder / self.paths),
            size=(resize.height, resize.width) if resize else (height, width),
            channels=cast(Channels, channels),
            resize=resize,
        )


def write_index(folder: Path, columns: Sequence[StoredColumn]) -> None:
    """Write `columns.json`, the last file of a folder."""
    text = json.dumps([asdict(column) for column in columns], ensure_ascii=False)
    (folder / INDEX).write_text(text, encoding="utf-8")


def read_index(folder: Path) -> list[StoredColumn]:
    """What `write_index` wrote."""
    return [
        StoredColumn(
            **{
                **values,
                "names": tuple(values["names"]),
                "faults": tuple(values["faults"]),
                "shape": tuple(values["shape"]),
                "missing": _noted(values["missing"]),
                "odd": _noted(values["odd"]),
            }
        )
        for values in json.loads((folder / INDEX).read_text(encoding="utf-8"))
    ]


def _noted(values: dict[str, Any]) -> Noted:
    return Noted(values["count"], tuple(values["rows"]))


def open_npy(path: Path) -> NDArray[Any]:
    """The array of a .npy file, read only, of which only what is used comes into memory.

    Raises:
        ValueError: it is no whole .npy file, or holds Python objects.
    """
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def open_texts(path: Path) -> TextColumn:
    """What `writing_texts` wrote."""
    return TextColumn(map_bytes(path.with_suffix(".utf8")), open_npy(path))


def map_bytes(path: Path) -> NDArray[np.uint8]:
    """The bytes of a file, read only, of which only what is used comes into memory."""
    # An empty file cannot be mapped.
    return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)


class ArrayWriter:
    """Appends rows to a .npy file whose length is not known before."""

    def __init__(self, file: IO[bytes], dtype: np.dtype[Any], row_shape: tuple[int, ...]) -> None:
        self.rows = 0
        self.dtype = dtype
        self.row_shape = row_shape
        self._file = file
        self._write_header()

    def append(self, batch: NDArray[Any]) -> None:
        """Add rows of shape (n, *row_shape)."""
        self._file.write(np.ascontiguousarray(batch, self.dtype).data)
        self.rows += len(batch)

    @property
    def size(self) -> int:
        """The bytes of all rows so far."""
        return self.rows * self.dtype.itemsize * math.prod(self.row_shape)

    def close(self) -> None:
        """Say in the header how many rows there are."""
        # NumPy leaves room in the header for the first axis to grow.
        self._file.seek(0)
        self._write_header()

    def _write_header(self) -> None:
        shape = (self.rows, *self.row_shape)
        header = {"descr": npy.dtype_to_descr(self.dtype), "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(self._file, header)


@contextlib.contextmanager
def writing_array(path: Path, dtype: Any, row_shape: tuple[int, ...] = ()) -> Iterator[ArrayWriter]:
    """A new .npy file at `path`, to which rows are appended."""
    with path.open("wb") as file:
        writer = ArrayWriter(file, np.dtype(dtype), row_shape)
        yield writer
        writer.close()


class TextWriter:
    """Appends texts to a pair of files, as TextColumn reads them."""

    def __init__(self, content: IO[bytes], bounds: ArrayWriter) -> None:
        self._content = content
        self._bounds = bounds
        self._end = 0

    def append(self, texts: Iterable[str]) -> None:
        """Add texts; halves of surrogate pairs become question marks."""
        encoded = [text.encode("utf-8", "replace") for text in texts]
        ends = self._end + np.cumsum([len(text) for text in encoded], dtype=np.int64)
        starts = ends - [len(text) for text in encoded]
        self._content.write(b"".join(encoded))
        self._bounds.append(np.stack([starts, ends], axis=1))
        self._end = int(ends[-1]) if len(ends) else self._end

    @property
    def size(self) -> int:
        """The bytes of all texts so far, and of their bounds."""
        return self._end + self._bounds.size


@contextlib.contextmanager
def writing_texts(path: Path) -> Iterator[TextWriter]:
    """A new .npy file of bounds at `path`, and beside it a .utf8 file of the texts."""
    content = path.with_suffix(".utf8")
    with writing_array(path, np.int64, (2,)) as bounds, content.open("wb") as file:
        yield TextWriter(file, bounds)


def chunks(array: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """The rows of a large array a few megabytes at a time, each part with the row it begins at."""
    row_bytes = max(1, array[:1].nbytes)
    step = max(1, _CHUNK_BYTES // row_bytes)
    for start in range(0, len(array), step):
        yield start, array[start : start + step]
