"""Promoting a model if it is better than the one that holds the alias."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fitq_shared.errors import UnknownModel
from fitq_shared.metric_order import Mode, is_better
from fitq_shared.model_version import ModelVersion
from fitq_shared.registry import Registry


@dataclass(frozen=True)
class Promotion:
    """What has become of it: the version, whether the alias names it now, who held the alias
    before, and the metric of both where they were compared."""

    version: ModelVersion
    alias: str
    promoted: bool
    before: ModelVersion | None
    metric: str | None = None
    value: float | None = None
    value_before: float | None = None

    @property
    def text(self) -> str:
        """For example: mnist@production is mnist@3: accuracy 0.97 is better than mnist@2's 0.96."""
        name = f"{self.version.name}@{self.alias}"
        if self.before is None:
            return f"{name} is {self.version.label}; it named none before"
        if self.before == self.version:
            return f"{name} is {self.version.label} already"
        if self.metric is None:
            return f"{name} is {self.version.label}; it was {self.before.label}"
        compared = (
            f"{self.metric} {self.value:.6g} is {'' if self.promoted else 'not '}better than "
            f"{self.before.label}'s {self.value_before:.6g}"
        )
        return f"{name} is {(self.version if self.promoted else self.before).label}: {compared}"

    def public(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "promoted": self.promoted,
            "alias": f"{self.version.name}@{self.alias}",
            "version": self.version.label,
            "before": self.before.label if self.before else None,
            "metric": self.metric,
            "value": self.value,
            "value_before": self.value_before,
            "text": self.text,
        }


def promote(registry: Registry, version: ModelVersion, alias: str, by: str) -> Promotion:
    """Let an alias name this version, whatever it named before.

    Raises:
        UnknownModel: the version was removed meanwhile.
    """
    before = holder(registry, version.name, alias)
    registry.promote(version, alias, by)
    return Promotion(version, alias, promoted=True, before=before)


def promote_if_better(
    registry: Registry,
    version: ModelVersion,
    alias: str,
    by: str,
    *,
    metric: str,
    mode: Mode,
    value_of: Callable[[ModelVersion], float],
) -> Promotion:
    """Let an alias name this version if its metric is better than the present holder's.

    Args:
        value_of: the metric of a version; asked of both.

    Raises:
        UnknownModel: the version was removed meanwhile.
    """
    value = value_of(version)
    while True:
        before = holder(registry, version.name, alias)
        if before == version:
            return Promotion(version, alias, True, before, metric, value, value)
        held = None if before is None else value_of(before)
        if held is not None and not is_better(value, held, mode):
            return Promotion(version, alias, False, before, metric, value, held)
        why = f"{metric} {value:.6g}" + (f", before {held:.6g}" if held is not None else "")
        number = 0 if before is None else before.version
        # Of two that are promoted at the same moment the second looks again.
        if registry.promote(version, alias, by, why, held=number):
            return Promotion(version, alias, True, before, metric, value, held)


def holder(registry: Registry, name: str, alias: str) -> ModelVersion | None:
    """The version that an alias names now, if it names one."""
    try:
        return registry.find(f"{name}@{alias}")
    except UnknownModel:
        return None
