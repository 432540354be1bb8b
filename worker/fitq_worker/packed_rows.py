"""Images and texts that a user gives to a prediction, many files in one archive."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fitq_shared.errors import BadJob
from fitq_shared.packed import unpack
from fitq_shared.specs.steps import Resize
from fitq_shared.texts import printable
from fitq_worker.array_examples import ArrayExamples
from fitq_worker.datasets.pictures import Channels, decode_picture
from fitq_worker.input_files import read_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_shared.specs.predict import PackedRows
    from fitq_shared.store import Store
    from fitq_worker.examples import Examples
    from fitq_worker.interface import Input, Interface

LARGEST = 8 * 2**30
MOST_NAMED = 20


def read_packed(
    store: Store, rows: PackedRows, interface: Interface, resize: Resize | None
) -> tuple[Examples, tuple[str, ...]]:
    """Read images or texts, each of them one row, as the model takes them; and their names.

    Args:
        resize: how images of other sizes are to be brought to the model's; None stretches them.

    Raises:
        BadJob: the model does not take such rows; or names all that are broken.
        InvalidInput: the file is no archive of such files.
        StoreError: it is not the one that was submitted.
    """
    content = io.BytesIO(read_input(store, rows))
    one = _only_input(interface, rows.type)
    files = list(unpack(content, rows.file))
    values = _texts(files) if rows.type == "texts" else _images(files, one, resize)
    return ArrayExamples({one.columns[0]: values}), tuple(name for name, _ in files)


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
