"""The spec of an evaluation job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator

from fitq_shared.errors import Mistake
from fitq_shared.specs.base import JobSpec, dataset_mistakes
from fitq_shared.specs.datasets import AnyDataset, data_named, made_by_code
from fitq_shared.specs.file_model import ModelOrFile
from fitq_shared.specs.splits import Part, split_by_default
from fitq_shared.specs.train import PositiveInt


class EvaluateJob(JobSpec):
    """Measure a published model, or one of a file, on one split of a data set.

    "validation" are the rows on which its training validated; a data set without a test part has
    for "test" the rows that the training held out to test. Without a split they are those to test
    or, where there are none, those that validated; the record says which these were.
    """

    kind: Literal["evaluate"] = "evaluate"
    model: ModelOrFile
    dataset: AnyDataset
    split: Part | None = None
    batch_size: PositiveInt = 128

    @model_validator(mode="before")
    @classmethod
    def _named_data_has_a_test_part(cls, data: Any) -> Any:
        return split_by_default(data)

    @property
    def summary(self) -> str:
        """For example: brave-otter on mnist test."""
        return f"{self.model.name} on {data_named(self.dataset, self.split)}"

    @property
    def runs_code(self) -> bool:
        """Whether model or data need the user's code."""
        return self.model.code or made_by_code(self.dataset)

    @classmethod
    def mistakes_between_fields(cls, data: Mapping[str, Any]) -> list[Mistake]:
        """A data set that is not known."""
        return dataset_mistakes(data)
