"""The files that users give to jobs, from the store."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fitq_shared.errors import StoreError

if TYPE_CHECKING:
    from fitq_shared.specs.base import InputFile
    from fitq_shared.store import Store


def read_input(store: Store, file: InputFile) -> bytes:
    """The whole content of a file that a job names.

    Raises:
        StoreError: it is not there, or is not the one that was submitted.
    """
    content = store.read(file.path)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise StoreError(f"{file.path} is not the file that was submitted", "submit the job again")
    return content
