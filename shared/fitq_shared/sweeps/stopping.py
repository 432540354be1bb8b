"""When a trial is stopped early, because others that were as far were better.

The median rule: D. Golovin, B. Solnik, S. Moitra, G. Kochanski, J. Karro and D. Sculley, "Google
Vizier: A Service for Black-Box Optimization", KDD 2017, section 3.2.2.

ASHA: L. Li, K. Jamieson, A. Rostamizadeh, E. Gonina, J. Ben-tzur, M. Hardt, B. Recht and
A. Talwalkar, "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020
(arXiv:1810.05934), in the variant that stops trials in place of pausing them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from fitq_shared.metric_order import Mode, is_better
from fitq_shared.specs.base import Spec

# The metric after each epoch, from the first; NaN where none was reported.
Curve = Sequence[float]

Epochs = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]


class Stopping(Spec):
    """How bad trials are told from good ones.

    `median`: a trial is stopped whose best value so far is worse than the median of what the
    completed trials had on average up to the same epoch, once `after` trials were completed and
    the trial has done `grace` epochs. `asha`: after `grace`, `grace * reduction`,
    `grace * reduction²`, ... epochs a trial goes on only if it is among the best 1 / `reduction`
    of those that came so far before it.
    """

    rule: Literal["median", "asha"]
    grace: Epochs = 1
    after: Annotated[int, Field(strict=True, ge=1, le=1000)] = 3
    reduction: Annotated[int, Field(strict=True, ge=2, le=100)] = 3


def best(goal: Mode, values: Curve) -> float | None:
    """The best of the values; None where there is none, or they are no numbers."""
    numbers = [value for value in values if math.isfinite(value)]
    if not numbers:
        return None
    return max(numbers) if goal == "max" else min(numbers)


def median_verdict(
    stopping: Stopping, goal: Mode, curve: Curve, completed: Sequence[Curve]
) -> str | None:
    """Why the trial with this curve is to be stopped, by the curves of completed trials."""
    epoch = len(curve)
    own = best(goal, curve)
    if own is None or epoch < stopping.grace or len(completed) < stopping.after:
        return None
    averages = [
        statistics.fmean(numbers) for other in completed if (numbers := _until(other, epoch))
    ]
    if not averages:
        return None
    median = statistics.median(averages)
    if not is_better(median, own, goal):
        return None
    return (
        f"its best value up to epoch {epoch}, {own:.4g}, is worse than the median of "
        f"{len(averages)} completed trials, {median:.4g}"
    )


def rung_of(stopping: Stopping, epochs: int) -> int:
    """How many rungs a trial has come to in so many epochs."""
    rung, needed = 0, stopping.grace
    while needed <= epochs:
        rung += 1
        needed *= stopping.reduction
    return rung


def asha_verdict(
    stopping: Stopping, goal: Mode, rung: int, curve: Curve, others: Sequence[Curve]
) -> str | None:
    """Why the trial with this curve is to be stopped at a rung, by the curves of all others."""
    epoch = stopping.grace * stopping.reduction ** (rung - 1)
    own = best(goal, curve[:epoch])
    if own is None:
        return None
    there = [
        value
        for other in others
        if len(other) >= epoch and (value := best(goal, other[:epoch])) is not None
    ]
    rank = sum(is_better(value, own, goal) for value in there) + 1
    count = len(there) + 1
    if rank <= max(1, count // stopping.reduction):
        return None
    return (
        f"it was {rank} of {count} after {epoch} epoch{'' if epoch == 1 else 's'}, not among the "
        f"best 1/{stopping.reduction}"
    )


def _until(curve: Curve, epoch: int) -> list[float]:
    return [value for value in curve[:epoch] if math.isfinite(value)]


def values_by_epoch(rows: Sequence[Mapping[str, Any]], metric: str) -> dict[int, float]:
    """The metric by epoch, from rows that have `epoch`, from 1; the last row of each counts."""
    return {
        int(row["epoch"]): float(row[metric])
        for row in rows
        if isinstance(row.get("epoch"), int | float) and isinstance(row.get(metric), int | float)
    }


def curve_of(values: Mapping[int, float]) -> list[float]:
    """The metric after each epoch, from the first to the last that there is a value of."""
    return [values.get(epoch, math.nan) for epoch in range(1, max(values, default=0) + 1)]
