"""Which rows of a data set a model is trained on, validated on, and tested on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, StringConstraints

from fitq_shared.errors import Mistake
from fitq_shared.specs.base import Spec

SplitBy = Literal["fraction", "shuffled", "stratified", "group", "column"]
Part = Literal["train", "validation", "test"]
PartOrAll = Literal["train", "validation", "test", "all"]
PARTS: tuple[Part, ...] = get_args(Part)

# How people write the parts in a column of their own.
PART_WORDS: Mapping[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}


def split_by_default(data: Any) -> Any:
    """The raw values of a job on a part of a data set: of one that fitq knows by name "test"."""
    if not isinstance(data, Mapping) or data.get("split") is not None:
        return data
    return {**data, "split": "test"} if isinstance(data.get("dataset"), str) else data


class RowSplit(Spec):
    """How the training rows are divided; the job's `validation_split` says how many validate.

    - "fraction": the last rows, before any shuffling, as `Model.fit` does; those to test are
      before them.
    - "shuffled": drawn by the job's seed.
    - "stratified": drawn by the seed from each class of a target, so that each part has the
      same shares of them. `column` names the target if there are several.
    - "group": drawn by the seed, but all rows with one value in `column` stay together.
    - "column": `column` says it: its values are train, validation and test.

    `test_split` is the share that is held out for `fitq evaluate`, for a data set that has no
    test part of its own. The same rows, seed and split give the same parts.
    """

    by: SplitBy = "fraction"
    column: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    test_split: Annotated[float, Field(ge=0, lt=1)] = 0.0


def _named(value: Any) -> Any:
    """A word where a split is expected stands for that way to split."""
    return {"by": value} if isinstance(value, str) else value


AnySplit = Annotated[RowSplit, BeforeValidator(_named)]


def split_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    """What way, column and shares of a job's raw values demand of each other."""
    split = _named(data.get("split", {}))
    if not isinstance(split, Mapping):
        return []
    by, column, test = split.get("by", "fraction"), split.get("column"), split.get("test_split", 0)
    mistakes = []
    if by in ("group", "column") and column is None:
        what = "the groups" if by == "group" else "train, validation and test"
        mistakes.append(Mistake("split.column", None, f"the name of the column with {what}"))
    if by in ("fraction", "shuffled") and column is not None:
        expected = f"nothing, since the split is by {by} (stratified, group and column take one)"
        mistakes.append(Mistake("split.column", column, expected))
    shares = [data.get("validation_split", 0.2), test]
    if by == "column":
        if test:
            expected = "nothing, since the column says which rows are for testing"
            mistakes.append(Mistake("split.test_split", test, expected))
    elif all(_is_a_share(share) for share in shares) and sum(shares) >= 1:
        left = f"leaves rows to train on beside a validation_split of {shares[0]}"
        mistakes.append(Mistake("split.test_split", test, f"a share that {left}"))
    return mistakes


def _is_a_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < 1
