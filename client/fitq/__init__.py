"""Submit Keras jobs to a queue and follow them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fitq.async_client import AsyncClient, AsyncJob
    from fitq.async_sweep import AsyncSweep
    from fitq.client import Client
    from fitq.job import Job
    from fitq.sweep import RankedTrial, Sweep
    from fitq_shared.errors import FitqError, InvalidInput, JobFailed, NotEnded

__version__ = "0.1.0"
__all__ = [
    "AsyncClient",
    "AsyncJob",
    "AsyncSweep",
    "Client",
    "FitqError",
    "InvalidInput",
    "Job",
    "JobFailed",
    "NotEnded",
    "RankedTrial",
    "Sweep",
    "__version__",
]

_PLACES = {
    "AsyncClient": "fitq.async_client",
    "AsyncJob": "fitq.async_client",
    "AsyncSweep": "fitq.async_sweep",
    "Client": "fitq.client",
    "FitqError": "fitq_shared.errors",
    "InvalidInput": "fitq_shared.errors",
    "Job": "fitq.job",
    "JobFailed": "fitq_shared.errors",
    "NotEnded": "fitq_shared.errors",
    "RankedTrial": "fitq.sweep",
    "Sweep": "fitq.sweep",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, when it is: `fitq --help` needs no Redis."""
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'fitq' has no attribute {name!r}")
