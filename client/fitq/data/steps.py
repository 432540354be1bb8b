"""Whether the steps of a job fit the columns of a registered data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from fitq_shared.specs.preprocessing import Preprocessing, kind_mistakes, kind_of
from fitq_shared.specs.steps import Kind

if TYPE_CHECKING:
    from fitq_shared.dataset_manifest import Column, DatasetManifest
    from fitq_shared.errors import Mistake


def step_mistakes(values: Mapping[str, Any], manifest: DatasetManifest) -> list[Mistake]:
    """Inputs that are not there, and steps that do not fit theirs.

    Args:
        values: a training job's raw values. Steps that are wrong themselves the spec names.
        manifest: of a data set all of whose columns are known.
    """
    try:
        table = TypeAdapter(Preprocessing).validate_python(values.get("preprocessing") or {})
    except ValidationError:
        return []
    kinds = {column.name: _kind(column) for column in _inputs(values, manifest)}
    known: dict[str, Kind] = {name: kind for name, kind in kinds.items() if kind is not None}
    return kind_mistakes(table, known) if len(known) == len(kinds) else []


def _inputs(values: Mapping[str, Any], manifest: DatasetManifest) -> list[Column]:
    """The columns that the model is given: those that the job names, or the data set's choice."""
    inputs, targets = (_names(values.get(where)) for where in ("inputs", "target"))
    if inputs is not None:
        return [column for column in manifest.columns if column.name in inputs]
    learnt = targets if targets is not None else [column.name for column in manifest.targets]
    split = values.get("split")
    by = split.get("column") if isinstance(split, Mapping) else None
    others = [*learnt, by, values.get("sample_weight")]
    found = [column for column in manifest.inputs if column.name not in others]
    return found or [column for column in manifest.columns if column.name in learnt]


def _names(given: Any) -> list[str] | None:
    if given is None:
        return None
    return [given] if isinstance(given, str) else [str(name) for name in given]


def _kind(column: Column) -> Kind | None:
    """None where only the worker knows."""
    if column.type == "date":
        return "number"
    if column.type != "array":
        return column.type
    if column.shape is None or column.dtype is None:
        return None
    return kind_of(column.shape, column.dtype)
