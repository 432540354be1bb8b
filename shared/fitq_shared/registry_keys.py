"""The keys under which Redis keeps the registry of models."""

from __future__ import annotations

MODELS = "fitq:models"
# Models that have changed, of which the volume may still have an older copy.
UNKEPT_MODELS = "fitq:unkept-models"


def model_key(name: str) -> str:
    """The key of a model: its versions, the jobs they are of, and its aliases."""
    return f"fitq:model:{name}"


def history_key(name: str) -> str:
    """The key of how a model's aliases have moved, the oldest change first."""
    return f"fitq:model-history:{name}"


def versions_key(job_id: str) -> str:
    """The key of the versions that a job's result is registered as."""
    return f"fitq:registered:{job_id}"
