"""What makes a data set known: its facts, where it comes from, and what to do if it does not."""

from __future__ import annotations

from dataclasses import dataclass

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets.sources.source import Source


@dataclass(frozen=True)
class KnownDataset:
    """A data set that a job can name.

    Attributes:
        facts: what its arrays must be.
        sources: where to look after the volume's cache, in this order.
        remedy: what a person can do when no source has it.
    """

    facts: DatasetFacts
    sources: tuple[Source, ...]
    remedy: str
