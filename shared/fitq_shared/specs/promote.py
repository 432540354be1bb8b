"""The spec of a job that promotes a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from fitq_shared.errors import Mistake
from fitq_shared.metric_order import Mode, mode_of
from fitq_shared.model_version import Alias
from fitq_shared.specs.base import AnyModel, JobSpec, Label

MetricName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class PromoteJob(JobSpec):
    """Let an alias name a model, if it is better than the version that the alias names now.

    The model becomes a version of `model_name`, if it is not one yet. With a `metric` it is
    promoted only if that is better than the present holder's, or nobody holds the alias; `mode`
    says which way it gets better where the metric's name does not. The metric is that of the
    training, or that of the `evaluation`, an evaluation job's id: then the present holder's is
    that of its own newest evaluation on the same rows, and where it has none it is measured on
    them. `code` says that the user's code may have to run for that. A model that is not promoted
    is no failure, unless `must`.
    """

    kind: Literal["promote"] = "promote"
    model: AnyModel
    model_name: Label
    alias: Alias
    metric: MetricName | None = None
    mode: Mode | None = None
    evaluation: Label | None = None
    must: Annotated[bool, Field(strict=True)] = False
    code: Annotated[bool, Field(strict=True)] = False

    @property
    def summary(self) -> str:
        """For example: brave-otter to mnist@production if val_accuracy is better."""
        condition = f" if {self.metric} is better" if self.metric else ""
        return f"{self.model.name} to {self.model_name}@{self.alias}{condition}"

    @property
    def runs_code(self) -> bool:
        """Whether the user's code may have to run, to measure the holder of the alias."""
        return self.code

    @classmethod
    def mistakes_between_fields(cls, data: Mapping[str, Any]) -> list[Mistake]:
        """What metric, mode and evaluation demand of each other."""
        metric, found = data.get("metric"), []
        if metric is None:
            found = [
                Mistake(name, data[name], "nothing, or a metric too")
                for name in ("mode", "evaluation")
                if data.get(name) is not None
            ]
        elif isinstance(metric, str) and data.get("mode") is None and mode_of(metric) is None:
            expected = f"max or min, since {metric!r} does not say which way it gets better"
            found = [Mistake("mode", None, expected)]
        return found
