"""The spec of a job that describes a data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fitq_shared.errors import Mistake
from fitq_shared.specs.base import JobSpec, dataset_mistakes
from fitq_shared.specs.datasets import AnyDataset, made_by_code


class DescribeJob(JobSpec):
    """Load a data set into the volume, if it is not there, and measure what is in it."""

    kind: Literal["describe"] = "describe"
    dataset: AnyDataset

    @property
    def summary(self) -> str:
        """The name of the data set."""
        return str(self.dataset)

    @property
    def runs_code(self) -> bool:
        """Whether the user's code makes the data."""
        return made_by_code(self.dataset)

    @classmethod
    def mistakes_between_fields(cls, data: Mapping[str, Any]) -> list[Mistake]:
        """A data set that is not known."""
        return dataset_mistakes(data)
