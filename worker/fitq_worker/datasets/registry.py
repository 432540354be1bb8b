"""The data sets that a job can name."""

from __future__ import annotations

from fitq_shared.errors import BadJob
from fitq_worker.datasets.fashion_mnist import FASHION_MNIST
from fitq_worker.datasets.known import KnownDataset
from fitq_worker.datasets.mnist import MNIST

KNOWN = {known.facts.name: known for known in (MNIST, FASHION_MNIST)}


def find(name: str) -> KnownDataset:
    """The data set of this name.

    Raises:
        BadJob: there is none.
    """
    try:
        return KNOWN[name]
    except KeyError:
        raise BadJob(
            f"there is no data set {name!r}", f"choose one of {', '.join(sorted(KNOWN))}"
        ) from None
