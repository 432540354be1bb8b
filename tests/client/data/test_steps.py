"""Steps of a job are held against the columns of its data set before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from fitq.data.steps import step_mistakes
from fitq_shared.dataset_manifest import DatasetManifest

COLUMNS = [
    {"name": "area", "type": "number"},
    {"name": "sold", "type": "date"},
    {"name": "city", "type": "category"},
    {"name": "about", "type": "text"},
    {"name": "street", "type": "category"},
    {"name": "photo", "type": "array", "shape": (8, 8, 3), "dtype": "uint8"},
    {"name": "price", "type": "number", "role": "target"},
]


def manifest(*columns: dict[str, Any]) -> DatasetManifest:
    return DatasetManifest.model_validate(
        {
            "format": "csv",
            "files": [{"path": "homes.csv", "size": 1}],
            "chunks": [{"sha256": "0" * 64, "size": 1}],
            "columns": columns or COLUMNS,
        }
    )


def places(preprocessing: Any, **values: Any) -> list[str]:
    found = step_mistakes({"preprocessing": preprocessing, **values}, manifest())
    return [mistake.where for mistake in found]


def test_steps_that_fit_are_taken() -> None:
    table = {"area": "normalize", "sold": "normalize", "@category": "one_hot", "about": "vectorize"}
    assert places({**table, "photo": {"type": "resize", "height": 4, "width": 4}}) == []


def test_all_that_does_not_fit_is_named() -> None:
    table = {"area": "vectorize", "city": "normalize", "photo": "one_hot", "aera": "rescale"}
    assert sorted(places(table)) == [
        *("preprocessing", "preprocessing.area[0]", "preprocessing.city[0]"),
        "preprocessing.photo[0]",
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"inputs": ["city"]},
        {"target": ["area"]},
        {"split": {"by": "group", "column": "area"}},
        {"sample_weight": "area"},
    ],
)
def test_only_inputs_have_steps(values: dict[str, Any]) -> None:
    assert places({"area": "normalize"}, **values) == ["preprocessing"]


def test_an_autoencoder_s_target_is_its_input() -> None:
    only = manifest({"name": "x", "type": "number"})
    values = {"preprocessing": {"x": "normalize"}, "target": "x"}
    assert step_mistakes(values, only) == []


@pytest.mark.parametrize("table", [3, {"area": "no such step"}, {"area": {"type": "resize"}}])
def test_steps_that_are_wrong_themselves_are_the_spec_s(table: Any) -> None:
    assert places(table) == []


def test_what_only_the_worker_knows_is_left_to_it() -> None:
    unknown = manifest({"name": "x", "type": None})
    assert step_mistakes({"preprocessing": {"x": "vectorize"}}, unknown) == []
