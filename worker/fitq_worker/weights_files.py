"""The weights inside a `.keras` archive: an HDF5 file that may hold numbers, and nothing else.

HDF5 can link to other files, keep a data set's bytes in any file of the host, and declare shapes
that nothing fills (CVE-2026-1669, CVE-2026-0897). Keras looks at each data set that it reads; this
looks at the whole file before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import IO

import h5py  # type: ignore[import-untyped]

from fitq_shared.archives import BadArchive
from fitq_shared.model_files import LARGEST_MODEL, refused_model
from fitq_shared.texts import printable, shown

MOST_OBJECTS = 100_000


def check_weights(file: IO[bytes], name: str) -> None:
    """Look through an HDF5 file of weights, without reading any data set.

    Args:
        name: what the user calls the model file, for messages.

    Raises:
        InvalidInput: there is a link to elsewhere in it, external or virtual storage, a filter, or
            something that is no array of numbers. Names what was found.
    """
    try:
        with h5py.File(file, "r") as weights:
            total = sum(_checked_size(dataset, path) for path, dataset in _datasets(weights))
            if total > LARGEST_MODEL:
                raise BadArchive(f"its weights declare {total // 2**30} GiB")
    except BadArchive as error:
        raise refused_model(name, str(error)) from error
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        # What h5py raises for a file that is damaged, or that it does not know.
        text = printable(str(error), 100)
        raise refused_model(name, f"its weights are no HDF5 that can be read: {text}") from error


def _datasets(root: h5py.Group) -> Iterator[tuple[str, h5py.Dataset]]:
    """Every data set, each once, however often it is linked to."""
    seen: set[int] = set()
    waiting = [("", root)]
    while waiting:
        path, group = waiting.pop()
        for key in group:
            link, where = group.get(key, getlink=True), f"{path}/{key}"
            if not isinstance(link, h5py.HardLink):
                raise BadArchive(f"its weights have a link to elsewhere, {shown(where)}")
            child = group[key]
            address = h5py.h5o.get_info(child.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > MOST_OBJECTS:
                raise BadArchive(f"its weights have more than {MOST_OBJECTS} parts")
            if isinstance(child, h5py.Group):
                waiting.append((where, child))
            elif isinstance(child, h5py.Dataset):
                yield where, child
            else:
                raise BadArchive(f"its weights hold a type, {shown(where)}, and not only numbers")


def _checked_size(dataset: h5py.Dataset, where: str) -> int:
    if dataset.external:
        raise BadArchive(f"its weights {shown(where)} lie in another file")
    if dataset.is_virtual:
        raise BadArchive(f"its weights {shown(where)} are made of other data sets")
    if dataset.dtype.kind not in "biuf":
        raise BadArchive(f"its weights {shown(where)} are of the type {shown(str(dataset.dtype))}")
    if dataset.id.get_create_plist().get_nfilters():
        raise BadArchive(f"its weights {shown(where)} are packed by a filter")
    declared: int = math.prod(dataset.shape or ()) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    if stored != declared:
        raise BadArchive(
            f"its weights {shown(where)} declare {declared} bytes, and {stored} are there"
        )
    return declared
