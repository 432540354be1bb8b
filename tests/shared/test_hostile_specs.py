"""Text and values that a spec must not have: refused by the client, and by `parse_spec`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.specs.kinds import parse_spec

TRAIN = {"kind": "train", "name": "n", "owner": "ann", "dataset": "mnist", "model": "mlp"}
PREDICT = {
    "kind": "predict",
    "name": "n",
    "owner": "ann",
    "model": {"job": "abcd2345", "attempt": 1, "manifest": "b" * 64, "name": "brave-otter"},
    "rows": {
        "type": "file",
        "path": f"inputs/{'c' * 64}.npz",
        "sha256": "c" * 64,
        "array": "images",
        "file": "images.npz",
    },
}
HOSTILE_TEXTS = {
    "parent folder": "../../etc/passwd",
    "NUL": "a\0b",
    "line break": "a\nb",
    "line break at the end": "a\n",
    "terminal escape": "a\x1b[2J\x1b]0;owned\x07",
    "C1 control": "a\x9b2J",
    "turned writing": "a\u202eb",
    "line separator": "a\u2028b",
    "no width": "a\u200bb",
    "half a pair": "a\udc80b",
    "ten thousand letters": "a" * 10_000,
    "empty": "",
}
# The places where a spec has text that users choose.
PLACES: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    "name": (TRAIN, ("name",)),
    "tags[0]": (TRAIN, ("tags", 0)),
    "owner": (TRAIN, ("owner",)),
    "dataset": (TRAIN, ("dataset",)),
    "loss": (TRAIN, ("loss",)),
    "rows.file": (PREDICT, ("rows", "file")),
    "rows.array": (PREDICT, ("rows", "array")),
    "rows.path": (PREDICT, ("rows", "path")),
    "model.job": (PREDICT, ("model", "job")),
    "model.name": (PREDICT, ("model", "name")),
}


def changed(values: dict[str, Any], place: tuple[Any, ...], text: Any) -> dict[str, Any]:
    copy: dict[str, Any] = {"tags": ["x"], **json.loads(json.dumps(values))}
    part: Any = copy
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = text
    return copy


def refusal(values: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse_spec(values)
    return caught.value


def assert_fit_to_print(message: str) -> None:
    for line in message.splitlines():
        assert line.isprintable(), line
        assert len(line) < 500, line
    assert "a" * 61 not in message


@pytest.mark.parametrize("what", HOSTILE_TEXTS)
@pytest.mark.parametrize("where", PLACES)
def test_hostile_text_is_refused_at_its_place(where: str, what: str) -> None:
    values, place = PLACES[where]
    error = refusal(changed(values, place, HOSTILE_TEXTS[what]))
    assert [mistake.where for mistake in error.mistakes] == [where]
    assert_fit_to_print(error.message)


@pytest.mark.parametrize("file", [".", "..", "a/b.npy", "a\\b.npy", "/etc/passwd"])
def test_the_name_of_a_file_has_no_folders(file: str) -> None:
    assert "the name of a file" in refusal(changed(PREDICT, ("rows", "file"), file)).message


@pytest.mark.parametrize(
    "name", ["x" * 10_000, "a\x1b[2J", "a\nb", "\udc80", ""], ids=["long", "esc", "nl", "half", ""]
)
@pytest.mark.parametrize("place", [(), ("model",), ("optimizer",), ("early_stopping",)])
def test_hostile_names_of_fields_are_refused(place: tuple[str, ...], name: str) -> None:
    values: dict[str, Any] = {**TRAIN, "model": {"type": "mlp"}, "optimizer": {}}
    values["early_stopping"] = {}
    part: Any = values
    for step in place:
        part = part[step]
    part[name] = 1
    assert_fit_to_print(refusal(values).message)


def deep(levels: int, inner: Any = 1) -> Any:
    for _ in range(levels):
        inner = {"a": inner}
    return inner


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (deep(100_000), "at most 8 levels"),
        ([[[[[[[[[[1]]]]]]]]]], "at most 8 levels"),
        ([1] * 100_000, "at most 2000 values"),
        ({f"k{n}": n for n in range(100_000)}, "at most 2000 values"),
        (10**10_000, "a number of 33220 bits"),
        (-(10**10_000), "a number of 33220 bits"),
    ],
    ids=["deep", "lists", "long", "wide", "large number", "small number"],
)
@pytest.mark.parametrize("field", ["model", "tags", "nothing", "epochs"])
def test_what_is_huge_is_refused_in_a_short_line(field: str, value: Any, words: str) -> None:
    error = refusal({**TRAIN, field: value})
    assert words in error.message
    assert len(error.message) < 200


def test_many_tags_are_refused() -> None:
    assert "at most 32 values" in refusal({**TRAIN, "tags": [f"t{n}" for n in range(33)]}).message


@pytest.mark.parametrize("data", [None, [], "train", 5, [{"kind": "train"}]])
def test_what_is_no_table_is_refused(data: object) -> None:
    assert "a table of the fields" in refusal(data).message


@pytest.mark.parametrize("kind", [None, 5, ["train"], {"a": 1}, "a\x1b[2J", "x" * 10_000, deep(99)])
def test_a_kind_that_does_not_exist_is_refused(kind: object) -> None:
    error = refusal({**TRAIN, "kind": kind})
    assert "kind" in error.message
    assert_fit_to_print(error.message)


@pytest.mark.parametrize("owner", ["ann", "jürgen", "佐藤", "ann@host.example"])
def test_owners_of_all_languages_are_welcome(owner: str) -> None:
    assert parse_spec({**TRAIN, "owner": owner}).owner == owner
