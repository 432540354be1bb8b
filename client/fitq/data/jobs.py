"""The data set that a job names: a registered one is looked up in the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fitq_shared.catalogue import DATASETS
from fitq_shared.errors import InvalidInput, Mistake

if TYPE_CHECKING:
    from fitq_shared.registrations import Registration
    from fitq_shared.settings import Settings
    from fitq_shared.store import Store


def resolve_dataset(
    values: Mapping[str, Any], settings: Settings
) -> tuple[dict[str, Any], list[Mistake]]:
    """The values of a job with a reference where they name a registered data set.

    Without a store nothing is looked up.

    Returns:
        The values, and what is wrong: there is no such data set, or no such column in it.

    Raises:
        StoreError: the store cannot be read.
    """
    rows = values.get("rows")
    nested = isinstance(rows, Mapping) and "dataset" in rows
    name = rows["dataset"] if nested and isinstance(rows, Mapping) else values.get("dataset")
    if not isinstance(name, str) or name in DATASETS or not settings.store_url:
        return {**values}, []
    from fitq.data.references import find_registered
    from fitq_shared.store import Store

    store = Store(settings.store_url)
    try:
        found = find_registered(store, name, "dataset")
    except InvalidInput as error:
        return {**values}, list(error.mistakes)
    ref = found.ref.model_dump(mode="json")
    if nested and isinstance(rows, Mapping):
        return {**values, "rows": {**rows, "dataset": ref}}, []
    return {**values, "dataset": ref}, _column_mistakes(values, found, store)


def _column_mistakes(values: Mapping[str, Any], found: Registration, store: Store) -> list[Mistake]:
    """Columns that the job names and the data set does not have."""
    from fitq.data.steps import step_mistakes
    from fitq_shared.datasets import read_manifest
    from fitq_shared.specs.mistakes import unknown_choice

    named = list(_named_columns(values))
    if not (named or values.get("preprocessing")) or found.format == "code":
        return []
    manifest = read_manifest(store, found.ref)
    if not manifest.complete:
        return []
    known = [column.name for column in manifest.columns]
    wrong = [unknown_choice(where, name, known) for where, name in named if name not in known]
    return [*wrong, *step_mistakes(values, manifest)]


def _named_columns(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for where in ("target", "inputs"):
        given = values.get(where)
        for name in given if isinstance(given, list | tuple) else [given]:
            if isinstance(name, str):
                yield where, name
    split = values.get("split")
    column = split.get("column") if isinstance(split, Mapping) else None
    if isinstance(column, str):
        yield "split.column", column
    weight = values.get("sample_weight")
    if isinstance(weight, str):
        yield "sample_weight", weight
