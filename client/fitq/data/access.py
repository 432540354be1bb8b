"""The store that registered data sets lie in."""

from __future__ import annotations

from fitq.data.references import find_registered
from fitq_shared.catalogue import DATASETS
from fitq_shared.errors import InvalidInput, StoreError
from fitq_shared.registrations import Registration
from fitq_shared.settings import Settings
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.store import Store


def registered(text: str, where: str) -> tuple[Store, Registration]:
    """The version that a reference means, and the store that has it; no queue is needed for it.

    Raises:
        InvalidInput: there is none; suggests the nearest that there is.
        StoreError: the store cannot be read.
    """
    url = Settings.without_queue().store_url
    if not url:
        raise InvalidInput(
            [unknown_choice(where, text, DATASETS)],
            "registered data sets lie in the store: set FITQ_STORE to its folder or URL",
        )
    return Store(url), find_registered(Store(url), text, where)


def store_of_datasets() -> Store:
    """The store of this client; no queue is needed for it.

    Raises:
        StoreError: this client does not know one.
    """
    url = Settings.without_queue().store_url
    if not url:
        raise StoreError(
            "this client has no access to the store, where registered data sets lie",
            "set FITQ_STORE to the folder or URL of the volume",
        )
    return Store(url)
