"""The spec of a job that exports a model."""

from __future__ import annotations

from typing import Literal

from fitq_shared.specs.base import AnyModel, JobSpec

ExportFormat = Literal["savedmodel", "onnx"]


class ExportJob(JobSpec):
    """Write a published model as a TensorFlow SavedModel or as ONNX, and check that it predicts
    the same."""

    kind: Literal["export"] = "export"
    model: AnyModel
    format: ExportFormat

    @property
    def summary(self) -> str:
        """For example: mnist@3 as onnx."""
        return f"{self.model.name} as {self.format}"

    @property
    def runs_code(self) -> bool:
        """Whether the model needs the user's code."""
        return self.model.code
