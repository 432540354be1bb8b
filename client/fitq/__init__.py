"""Submit Keras jobs to a queue and follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fitq.queue import Queue as Client

__version__ = "0.1.0"
__all__ = ["Client", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the client when it is asked for, so that `fitq --help` needs no Redis."""
    if name == "Client":
        from fitq.queue import Queue

        return Queue
    raise AttributeError(f"module 'fitq' has no attribute {name!r}")
