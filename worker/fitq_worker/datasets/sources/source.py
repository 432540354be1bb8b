"""What every source of data sets has in common."""

from __future__ import annotations

from typing import Protocol

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets.dataset import Arrays


class SourceUnavailable(Exception):
    """This source does not have the data set; the message is the reason."""


class DamagedSource(SourceUnavailable):
    """This source has something, but not the data set that it should be."""


class Source(Protocol):
    """A place that may have a data set."""

    @property
    def name(self) -> str:
        """What messages call it, such as "Keras's download"."""

    def fetch(self, facts: DatasetFacts) -> Arrays:
        """The arrays `x_train`, `y_train`, `x_test`, `y_test`, uint8 in the facts' shapes.

        The caller checks their sums.

        Raises:
            SourceUnavailable: the reason why there are none.
        """
