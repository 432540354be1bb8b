"""The store that registered data sets lie in."""

from __future__ import annotations

from fitq_shared.errors import StoreError
from fitq_shared.settings import Settings
from fitq_shared.store import Store


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
