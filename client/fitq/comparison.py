"""Models side by side: what was asked for, where they come from, what came out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fitq_shared.lineage import Lineage
from fitq_shared.record import JobRecord
from fitq_shared.rows_used import RowsUsed
from fitq_shared.version_metrics import measured_on

# Of a spec, what says nothing about the model.
_FOR_PEOPLE = {
    "schema_version",
    "kind",
    "name",
    "owner",
    "tags",
    "priority",
    "timeout",
    "model_name",
}


@dataclass(frozen=True)
class Row:
    """One fact of each model, in the order of the models; None where one has no such fact."""

    part: str
    name: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        """Whether it is not the same for all."""
        return any(value != self.values[0] for value in self.values[1:])


def compare(
    models: Sequence[tuple[JobRecord, Lineage, Sequence[JobRecord]]],
) -> list[Row]:
    """The facts of models, each a training's record, its lineage and its evaluations."""
    rows = _differing_rows(one for _, _, evaluations in models for one in evaluations)
    facts = [dict(_facts(*model, rows)) for model in models]
    names = dict.fromkeys(name for one in facts for name in one)
    return [Row(*name, tuple(one.get(name) for one in facts)) for name in names]


def _facts(
    record: JobRecord, lineage: Lineage, evaluations: Sequence[JobRecord], rows: Collection[str]
) -> Iterator[tuple[tuple[str, str], Any]]:
    for name, value in record.spec.items():
        if name not in _FOR_PEOPLE:
            yield from _flat("spec", name, value)
    for name in ("data_hash", "threads", "device"):
        yield ("lineage", name), getattr(lineage, name)
    for name, version in lineage.environment.items():
        yield ("lineage", name), version
    for name, number in (record.metrics or {}).items():
        yield ("training", name), number
    newest = {_data(one, rows): one for one in reversed(evaluations)}
    for data, evaluation in newest.items():
        for name, number in (evaluation.metrics or {}).items():
            yield (data, name), number


def _differing_rows(evaluations: Iterable[JobRecord]) -> set[str]:
    """The data of which not all evaluations have measured the same rows."""
    found: dict[str, set[RowsUsed | None]] = {}
    for one in evaluations:
        found.setdefault(measured_on(one), set()).add(one.rows_used)
    return {data for data, rows in found.items() if len(rows) > 1}


def _data(evaluation: JobRecord, differing: Collection[str]) -> str:
    """What an evaluation is of; where others have measured other rows, with which rows."""
    data, rows = measured_on(evaluation), evaluation.rows_used
    return f"{data} (rows {rows.digest[:6]})" if data in differing and rows else data


def _flat(part: str, name: str, value: Any) -> Iterator[tuple[tuple[str, str], Any]]:
    """A value of a spec, with a row for each field of a table."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(part, f"{name}.{key}", inner)
    else:
        yield (part, name), value
