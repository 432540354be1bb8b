"""The arrays that a user gives to a prediction, from the store."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from fitq_shared.array_files import read_array
from fitq_worker.input_files import read_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_shared.specs.predict import FileRows
    from fitq_shared.store import Store


def load_input(store: Store, rows: FileRows) -> NDArray[Any]:
    """Read the array that a prediction names; texts as objects, as models take them.

    Raises:
        StoreError: the file in the store is not the one that was submitted.
        InvalidInput: it is no array file, or has no such array.
    """
    array = read_array(io.BytesIO(read_input(store, rows)), rows.file, rows.array)
    return array.astype(object) if array.dtype.kind == "U" else array
