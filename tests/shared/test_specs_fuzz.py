"""Any values at all: a job file or a record is read as a spec, or refused in plain words."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitq_shared.errors import InvalidInput
from fitq_shared.specs.base import JobSpec
from fitq_shared.specs.kinds import KINDS, parse_spec
from fitq_shared.specs.models import MODELS
from support.fuzzing import few_and_many
from support.json_values import json_values, nested

# Longer than any that names all the fields of a kind, and its own name, cut.
LONGEST_LINE = 600
COMMON = {
    **{"name": "n", "owner": "ann", "tags": ["a"], "timeout": 60},
    **{"device": "gpu", "min_gpu_memory": "20GiB", "gpus": 2, "priority": "low"},
}
MODEL = {"job": "abcd2345", "attempt": 1, "manifest": "a" * 64, "name": "brave-otter"}
FILE = {
    "type": "file",
    "path": f"inputs/{'c' * 64}.npz",
    "sha256": "c" * 64,
    "array": "images",
    "file": "images.npz",
}
VALID: list[dict[str, Any]] = [
    {"kind": "describe", "dataset": "mnist", **COMMON},
    {"kind": "evaluate", "dataset": "mnist", "model": MODEL, "split": "train", **COMMON},
    {"kind": "predict", "model": MODEL, "rows": FILE, "output_format": "csv", **COMMON},
    {"kind": "predict", "model": MODEL, "rows": {"type": "dataset", "dataset": "mnist"}, **COMMON},
    *(
        {
            "kind": "train",
            "dataset": "fashion_mnist",
            "rows": 500,
            "model": model().model_dump(mode="json"),
            "optimizer": {"name": "sgd", "learning_rate": 0.1},
            "loss": "categorical_crossentropy",
            "metrics": ["accuracy", "auc"],
            "validation_split": 0.25,
            "early_stopping": {"monitor": "val_auc", "patience": 2},
            **COMMON,
        }
        for model in MODELS.values()
    ),
]


def words_of(value: Any) -> set[str]:
    """All the texts in a value, its keys too."""
    if isinstance(value, dict):
        return {*value, *(word for inner in value.values() for word in words_of(inner))}
    if isinstance(value, list):
        return {word for inner in value for word in words_of(inner)}
    return {value} if isinstance(value, str) else set()


WORDS = sorted(
    {*words_of(VALID), *(field for kind in KINDS.values() for field in kind.model_fields)}
)
VALUES = json_values(*WORDS)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all that is inside a value."""
    inner = value.items() if isinstance(value, dict) else []
    inner = enumerate(value) if isinstance(value, list) else inner
    found = []
    for key, part in inner:
        found += [(*path, key), *places(part, (*path, key))]
    return found


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A spec that was right before one to three of its parts were changed."""
    spec = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(spec) or [("name",)]))
        part: Any = spec
        for key in path:
            part = part[key]
        change = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if change == "replace":
            part[last] = draw(VALUES)
        elif change == "remove" and last in part:
            del part[last]
        elif isinstance(part, dict):
            part[draw(st.sampled_from(WORDS) | st.text(max_size=9))] = draw(VALUES)
    return spec


def is_read_or_refused(values: dict[str, Any]) -> JobSpec | None:
    """The spec that the values are; None when they are refused as they should be."""
    try:
        spec = parse_spec(values)
    except InvalidInput as error:
        assert error.message
        for line in error.message.split("\n"):
            assert line.isprintable(), line
            assert len(line) < LONGEST_LINE
        return None
    again = parse_spec(json.loads(spec.canonical()))
    assert again == spec
    assert (again.canonical(), again.digest()) == (spec.canonical(), spec.digest())
    assert len(spec.summary) < LONGEST_LINE
    return spec


@pytest.mark.parametrize("values", VALID, ids=lambda values: values["kind"])
def test_what_is_changed_was_right_before(values: dict[str, Any]) -> None:
    assert is_read_or_refused(values) is not None


@pytest.mark.parametrize(
    "change",
    [
        *({"rows": 10**400}, {"rows": 10**5000}, {"timeout": 10**400}, {"epochs": -(10**5000)}),
        *({"\x1b[2J": 1}, {"a\n\tb": 1}, {"a" * 10_000: 1}, {"\ud800": "\ud800"}),
        *({"name": nested(100)}, {"name": nested(900)}, {"model": {"units": nested(900)}}),
        {"kind": nested(900)},
        {f"unknown-{n}": n for n in range(100)},
    ],
    ids=lambda change: next(iter(change))[:10].encode("ascii", "backslashreplace").decode(),
)
def test_the_worst_that_a_file_can_say_is_refused(change: dict[str, Any]) -> None:
    assert is_read_or_refused({**VALID[-1], **change}) is None


@few_and_many
def test_any_object_is_read_or_refused(cases: Any) -> None:
    @cases
    @given(st.dictionaries(st.sampled_from(["kind", *WORDS]), VALUES, max_size=8))
    def check(values: dict[str, Any]) -> None:
        is_read_or_refused(values)

    check()


@few_and_many
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_any_values_of_a_kind_are_read_or_refused(cases: Any, kind: str) -> None:
    fields = sorted(KINDS[kind].model_fields.keys() - {"kind"})

    @cases
    @given(st.dictionaries(st.sampled_from(fields), VALUES, max_size=8))
    def check(values: dict[str, Any]) -> None:
        is_read_or_refused({**values, "kind": kind})

    check()


@few_and_many
def test_a_spec_with_any_change_is_read_or_refused(cases: Any) -> None:
    @cases
    @given(mutated())
    def check(values: dict[str, Any]) -> None:
        is_read_or_refused(values)

    check()
