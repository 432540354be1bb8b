"""Whether two trainings are the same to the bit, and what was not the same about them."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from fitq_shared.model_files import WEIGHTS, check_model
from fitq_worker.weights_files import check_weights

Rows = Sequence[Mapping[str, float]]


def weights_in(content: bytes, name: str) -> dict[str, NDArray[Any]]:
    """The variables in a `.keras` file, those of the optimizer too, by their path in it.

    Args:
        name: what the file is called, for messages.

    Raises:
        InvalidInput: it is no model, or holds more than one.
    """
    # Only numbers are read, and no class is looked up by the names in it.
    check_model(io.BytesIO(content), name, own_classes=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        weights = archive.read(WEIGHTS)
    check_weights(io.BytesIO(weights), name)
    found: dict[str, NDArray[Any]] = {}

    def keep(path: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[path] = np.asarray(item[()])

    with h5py.File(io.BytesIO(weights), "r") as file:
        file.visititems(keep)
    return found


def differing_weights(
    first: Mapping[str, NDArray[Any]], second: Mapping[str, NDArray[Any]]
) -> list[dict[str, object]]:
    """The variables whose bits differ: where, how many of how many numbers, and by how much."""
    found: list[dict[str, object]] = []
    for name in dict.fromkeys([*first, *second]):
        one, other = first.get(name), second.get(name)
        if one is None or other is None or (one.shape, one.dtype) != (other.shape, other.dtype):
            found.append({"name": name, "first": _form(one), "second": _form(other)})
        elif one.tobytes() != other.tobytes():
            found.append({"name": name, **_apart(one, other)})
    return found


def _apart(one: NDArray[Any], other: NDArray[Any]) -> dict[str, object]:
    differing = (_bytes(one) != _bytes(other)).any(axis=1)
    apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
    return {
        "differing": int(differing.sum()),
        "of": int(one.size),
        "largest": float(np.nanmax(apart, initial=0.0)),
    }


def _bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    return np.frombuffer(array.tobytes(), np.uint8).reshape(-1, array.dtype.itemsize)


def _form(array: NDArray[Any] | None) -> str:
    return "missing" if array is None else f"{array.dtype} {array.shape}"


def differing_epochs(first: Rows, second: Rows) -> list[dict[str, object]]:
    """The epochs whose numbers differ, but for the time that they took."""
    found: list[dict[str, object]] = []
    for at in range(max(len(first), len(second))):
        if at >= min(len(first), len(second)):
            found.append({"epoch": at + 1, "missing": "first" if at >= len(first) else "second"})
            continue
        one, other = _timeless(first[at]), _timeless(second[at])
        values = {
            name: [one.get(name), other.get(name)]
            for name in dict.fromkeys([*one, *other])
            if not _same(one.get(name), other.get(name))
        }
        if values:
            found.append({"epoch": at + 1, "values": values})
    return found


def _timeless(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name != "seconds"}


def _same(one: float | None, other: float | None) -> bool:
    both_nan = one is not None and other is not None and math.isnan(one) and math.isnan(other)
    return one == other or both_nan


# Where each fact about a training lies in its environment.json.
CIRCUMSTANCES: dict[str, Sequence[str]] = {
    "python": ("python",),
    "fitq": ("fitq",),
    "keras": ("packages", "keras"),
    "tensorflow": ("packages", "tensorflow"),
    "numpy": ("packages", "numpy"),
    "fitq's code": ("git_revision",),
    "platform": ("platform",),
    "threads": ("threads",),
    "device": ("device", "kind"),
    "device name": ("device", "name"),
    "host": ("host", "name"),
}


def circumstances(first: object, second: object) -> list[dict[str, object]]:
    """The facts about two trainings that may explain a difference, from their environments."""
    rows = []
    for name, path in CIRCUMSTANCES.items():
        one, other = _at(first, path), _at(second, path)
        rows.append({"name": name, "first": one, "second": other, "same": one == other})
    return rows


def _at(value: object, path: Iterable[str]) -> object:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value
