"""The check that inputs are what a model was trained on, where Keras would not notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fitq_shared.errors import BadJob
from fitq_shared.pixels import PIXELS, PIXELS_HINT, no_pixels
from fitq_worker.examples import in_parts
from fitq_worker.ports import shown_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_worker.feeding import Fed
    from fitq_worker.interface import Input, Interface


def check_pixels(fed: Fed, interface: Interface, what: str) -> None:
    """See that there are rows, and that what goes into an input of pixels is pixels.

    Keras casts to the model's uint8 without a word: images scaled to 0..1 would all be black.

    Raises:
        BadJob: names the values that are no pixels.
    """
    if not len(fed):
        raise BadJob(f"{what} has no rows", "give at least one row")
    fields = fed.examples.inputs
    for one in interface.inputs:
        sources = fed.feed.sources[one.name]
        if not one.is_image or all(fields[name].dtype == "uint8" for name in sources):
            continue
        for inputs, _ in in_parts(fed.examples, fed.rows, sources):
            for name in sources:
                _check(inputs[name], what)


def check_file(file: str, array: NDArray[Any], one: Input) -> None:
    """See that an array that a user gave has the shape and type of an input, and rows.

    Raises:
        BadJob: names both shapes, or both types.
    """
    if (array.dtype.kind == "O") != (one.dtype in ("str", "string")):
        given = "text" if array.dtype.kind == "O" else array.dtype
        raise BadJob(
            f"{file} holds {given}, but the model's input {one.name!r} takes {one.dtype}",
            "give an array of that type",
        )
    fits = len(array.shape) == len(one.shape) + 1 and all(
        size in (None, given) for size, given in zip(one.shape, array.shape[1:], strict=True)
    )
    if fits and len(array):
        return
    raise BadJob(
        f"{file} has shape {array.shape}, but the model takes {shown_shape(one.shape)} "
        "with at least one row",
        "reshape the array, or choose a model that was trained on such data",
    )


def _check(values: NDArray[Any], what: str) -> None:
    if found := no_pixels(values):
        raise BadJob(f"{what} has {found}, but the model takes {PIXELS}", PIXELS_HINT)
