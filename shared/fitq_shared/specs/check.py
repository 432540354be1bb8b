"""The spec of a job that builds a model without training it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from fitq_shared.errors import Mistake
from fitq_shared.specs.base import JobSpec, dataset_mistakes
from fitq_shared.specs.datasets import AnyDataset, made_by_code
from fitq_shared.specs.learning import AnyLoss, FieldNames
from fitq_shared.specs.models import MODELS, CodeModel, Model, name_of
from fitq_shared.specs.preprocessing import Preprocessing, preprocessing_mistakes


class CheckJob(JobSpec):
    """Build a model, and say what it is; with a data set, try it and its loss on two rows."""

    kind: Literal["check"] = "check"
    model: Model
    dataset: AnyDataset | None = None
    inputs: FieldNames | None = None
    target: FieldNames | None = None
    loss: AnyLoss | None = None
    preprocessing: Preprocessing = Field(default_factory=dict)

    @property
    def summary(self) -> str:
        """For example: mlp on mnist."""
        name = name_of(self.model)
        return name if self.dataset is None else f"{name} on {self.dataset}"

    @property
    def runs_code(self) -> bool:
        """Whether the user's code builds the model, or makes the data."""
        made = self.dataset is not None and made_by_code(self.dataset)
        return made or isinstance(self.model, CodeModel)

    @classmethod
    def mistakes_between_fields(cls, data: Mapping[str, Any]) -> list[Mistake]:
        """A data set that is not known, or none where shapes come from it, or what to prepare."""
        dataset = data.get("dataset")
        if dataset is not None:
            return [*dataset_mistakes(data), *preprocessing_mistakes(data)]
        model = data.get("model")
        name = model.get("type") if isinstance(model, Mapping) else model
        if data.get("preprocessing"):
            return [Mistake("dataset", None, "a data set, whose fields are to be prepared")]
        if not isinstance(name, str) or name not in MODELS:
            return []
        return [Mistake("dataset", None, f"a data set, whose shapes the {name} takes")]
