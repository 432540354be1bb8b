"""The rows that a user gives to a prediction, from the store: arrays, a table, images or texts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fitq_shared.array_files import read_arrays
from fitq_shared.errors import BadJob
from fitq_shared.packed import unpack
from fitq_shared.specs.predict import FileRows, TableRows
from fitq_shared.specs.preprocessing import Resize
from fitq_shared.texts import printable
from fitq_worker.array_examples import ArrayExamples
from fitq_worker.datasets.pictures import Channels, decode_picture
from fitq_worker.input_files import read_input
from fitq_worker.prediction_table import read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_shared.dataset_manifest import DatasetManifest
    from fitq_shared.specs.predict import PackedRows
    from fitq_shared.store import Store
    from fitq_worker.examples import Arrays, Examples
    from fitq_worker.interface import Input, Interface

LARGEST = 8 * 2**30
MOST_NAMED = 20


@dataclass(frozen=True, eq=False)
class GivenRows:
    """Rows to predict.

    Attributes:
        examples: under the names of the fields that the model was trained on.
        files: what the user called the file of each row, where each is a file.
    """

    examples: Examples
    files: tuple[str, ...] | None = None


def read_rows(
    store: Store,
    rows: FileRows | TableRows | PackedRows,
    interface: Interface,
    manifest: DatasetManifest | None = None,
    resize: Resize | None = None,
) -> GivenRows:
    """Read what a prediction names, as the model takes it.

    Args:
        manifest: of the data set that the model was trained on, which knows dates and what is
            written for a missing value.
        resize: how images of other sizes are to be brought to the model's; None stretches them.

    Raises:
        BadJob: the rows are not what the model takes; names them, all that are wrong.
        InvalidInput: a file is no array file or no archive.
        StoreError: the file in the store is not the one that was submitted.
    """
    content = read_input(store, rows)
    if isinstance(rows, FileRows):
        return GivenRows(ArrayExamples(_arrays(content, rows, interface)))
    if isinstance(rows, TableRows):
        return GivenRows(read_table(content, rows, interface, manifest))
    files = list(unpack(io.BytesIO(content), rows.file))
    one = _only_input(interface, rows.type)
    values = _texts(files) if rows.type == "texts" else _images(files, one, resize)
    return GivenRows(ArrayExamples({one.columns[0]: values}), tuple(name for name, _ in files))


def _arrays(content: bytes, rows: FileRows, interface: Interface) -> Arrays:
    """Arrays by field: those of the inputs' names, or the only one."""
    columns = [column for one in interface.inputs for column in one.columns]
    by_name = len(interface.inputs) > 1 and rows.array is None
    names = [one.name for one in interface.inputs] if by_name else None
    found = read_arrays(io.BytesIO(content), rows.file, rows.array, names)
    if len({len(values) if values.shape else 0 for values in found.values()}) > 1:
        counts = {name: len(values) for name, values in found.items() if values.shape}
        raise BadJob(
            f"{rows.file} has arrays of several lengths: {counts}",
            "each array has one entry for each row",
        )
    if by_name:
        return {one.columns[0]: found[one.name] for one in interface.inputs}
    (values,) = found.values()
    if len(columns) == 1:
        return {columns[0]: values}
    if values.ndim != 2 or values.shape[1] != len(columns):
        raise BadJob(
            f"{rows.file} has shape {values.shape}, but the model takes {len(columns)} columns: "
            f"{', '.join(columns)}",
            "give an array of shape (n, columns), or a CSV file with these columns",
        )
    return {column: values[:, at] for at, column in enumerate(columns)}


def _only_input(interface: Interface, what: str) -> Input:
    """The one input that files can go into."""
    if len(interface.inputs) == 1 and len(interface.inputs[0].columns) == 1:
        return interface.inputs[0]
    names = [column for one in interface.inputs for column in one.columns]
    raise BadJob(
        f"the model takes {', '.join(names)}, and files of {what} go into one input only",
        "give a CSV file, or an .npz with an array for each input",
    )


def _texts(files: Sequence[tuple[str, bytes]]) -> NDArray[Any]:
    values = np.empty(len(files), object)
    wrong = []
    for at, (name, content) in enumerate(files):
        try:
            values[at] = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            wrong.append(f"{name} (byte {error.start + 1})")
    if wrong:
        raise BadJob(f"no texts in UTF-8: {_listed(wrong)}", "save them again as UTF-8")
    return values


def _images(
    files: Sequence[tuple[str, bytes]], one: Input, resize: Resize | None
) -> NDArray[np.uint8]:
    """The pixels of all files, in the model's size and channels.

    Returns:
        uint8 of shape (n, *one.shape).
    """
    if not one.is_image or None in one.shape:
        raise BadJob(
            f"the input {one.name!r} takes {one.dtype} of shape {one.shape}: "
            "expected pixels, uint8 of shape (height, width) or (height, width, channels)",
            "train on raw pixels, and let --preprocess rescale them",
        )
    shape = cast(tuple[int, ...], one.shape)
    if len(files) * int(np.prod(shape)) > LARGEST:
        raise BadJob(
            f"{len(files)} images of shape {shape} are over {LARGEST // 2**30} GiB",
            "predict fewer at once",
        )
    options = {"aspect": resize.aspect, "interpolation": resize.interpolation} if resize else {}
    size = Resize.model_validate({"height": shape[0], "width": shape[1], **options})
    channels = cast(Channels, shape[2] if len(shape) == 3 else 1)
    pixels = np.empty((len(files), *shape), np.uint8)
    wrong = []
    for at, (name, content) in enumerate(files):
        try:
            pixels[at] = decode_picture(content, name, channels, size).reshape(shape)
        except BadJob as error:
            wrong.append(error.message)
    if wrong:
        raise BadJob(_listed(wrong), "save them again as PNG or JPEG, or leave them out")
    return pixels


def _listed(wrong: Sequence[str]) -> str:
    more = f"\nand {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
    return "\n".join(printable(text, 300) for text in wrong[:MOST_NAMED]) + more
