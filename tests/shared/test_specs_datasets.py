"""How jobs name data sets: by name, or by a version that somebody has registered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.specs.kinds import parse_spec

HOUSES = {"name": "houses", "version": 2, "manifest": "a" * 64}
MODEL = {"job": "k2v7p9xd", "attempt": 1, "manifest": "b" * 64, "name": "brave-otter"}
KINDS: dict[str, dict[str, Any]] = {
    "train": {"model": "mlp"},
    "evaluate": {"model": MODEL},
    "describe": {},
    "predict": {"model": MODEL},
}


def spec(kind: str, dataset: object) -> Any:
    named = {"rows": {"type": "dataset", "dataset": dataset}} if kind == "predict" else None
    return parse_spec(
        {
            "kind": kind,
            "name": "a",
            "owner": "ann",
            **KINDS[kind],
            **(named or {"dataset": dataset}),
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_a_version_and_comes_back_from_json_the_same(kind):
    made = spec(kind, HOUSES)
    assert "houses@2" in made.summary
    again = parse_spec(json.loads(made.canonical()))
    assert (again, again.digest()) == (made, made.digest())


@pytest.mark.parametrize("kind", KINDS)
def test_data_that_code_makes_needs_a_worker_that_allows_code(kind):
    assert not spec(kind, HOUSES).needs.code
    assert spec(kind, {**HOUSES, "code": True}).needs.code
    assert not spec(kind, "mnist").needs.code


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("minst", "(did you mean 'mnist'?)"),
        (3, "expected the name of a data set"),
        ([HOUSES], "expected the name of a data set"),
        ({**HOUSES, "version": 0}, "dataset.version = 0"),
        ({**HOUSES, "version": "2"}, "dataset.version = '2'"),
        ({**HOUSES, "manifest": "../x"}, "dataset.manifest = '../x'"),
        ({**HOUSES, "name": "../x"}, "dataset.name = '../x'"),
        ({**HOUSES, "nmae": "x"}, "known are code, manifest, name, version"),
        ({"name": "houses"}, "dataset.manifest is missing"),
    ],
)
def test_anything_else_is_named(kind, dataset, said):
    with pytest.raises(InvalidInput) as caught:
        spec(kind, dataset)
    assert said in caught.value.message
    assert "a registered data set" not in caught.value.message
