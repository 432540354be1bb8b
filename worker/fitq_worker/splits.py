"""Which rows a model is trained on, validated on, and which are held out to test it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_shared.specs.splits import PART_WORDS, PARTS, Part
from fitq_shared.texts import shown
from fitq_worker.examples import in_parts

if TYPE_CHECKING:
    from fitq_shared.specs.train import TrainJob
    from fitq_worker.examples import Examples

Indices = NDArray[np.int64]

_MOST_NAMED = 10
# Sets the draws of a split apart from those of the order of rows, which the same seed decides.
_DRAW = 0x5B117


@dataclass(frozen=True, eq=False)
class Parts:
    """The rows of each part, in rising order: int64 of shape (n,)."""

    train: Indices
    validation: Indices
    test: Indices

    def of(self, part: Part) -> Indices:
        """The rows of the part of this name."""
        rows: Indices = getattr(self, part)
        return rows


def divide(spec: TrainJob, count: int, values: NDArray[Any] | None = None) -> Parts:
    """Divide the rows of a data set's training split, as a job declares it.

    Args:
        count: how many rows there are. The job may use only the first of them.
        values: of the column that the split goes by, of shape (count,), for all ways but
            "fraction" and "shuffled".

    Raises:
        BadJob: a part that is asked for would be empty; or the column does not fit: it has too few
            rows of a class, too few groups, or words for parts that nobody knows.
    """
    by = spec.split.by
    count = count if spec.rows is None else min(count, spec.rows)
    rows = np.arange(count)
    if by == "fraction":
        return _checked(_cut(rows, spec), spec, count)
    draw = np.random.default_rng([spec.seed, _DRAW])
    if by == "shuffled":
        return _checked(_cut(draw.permutation(rows), spec), spec, count)
    if values is None:
        raise ValueError(f"a split by {by} needs the values of a column")
    flat = np.ravel(values[:count])
    if len(flat) != count:
        raise BadJob(
            f"the rows cannot be split by {spec.split.column!r}, which has more than one value "
            "in a row",
            "name a column of single values",
        )
    if by == "stratified":
        return _stratified(flat, spec, draw)
    if by == "group":
        return _checked(_grouped(flat, spec, draw), spec, count)
    return _named(flat, spec)


def values_of(examples: Examples, name: str) -> NDArray[Any]:
    """All values of one input or target, in order: of shape (n, ...).

    Raises:
        BadJob: there is no such input or target.
    """
    side = 0 if name in examples.inputs else 1
    if name not in examples.inputs and name not in examples.targets:
        known = sorted({*examples.inputs, *examples.targets})
        raise BadJob(
            f"the data has no column {name!r} to split its rows by: it has {shown(known, 300)}",
            "name a column that is there with --split-column",
        )
    parts = [both[side][name] for both in in_parts(examples, np.arange(len(examples)), [name])]
    return np.concatenate(parts) if parts else np.empty(0)


def split_column(spec: TrainJob, targets: Iterable[str]) -> str | None:
    """The name of the column that a split goes by, None if it goes by none.

    Args:
        targets: those that the job learns. A stratified split goes by the first of them.

    Raises:
        BadJob: it is to go by a target, and there is none, or there are several.
    """
    if spec.split.by in ("fraction", "shuffled"):
        return None
    if spec.split.column is not None:
        return spec.split.column
    names = list(targets)
    if len(names) != 1:
        found = f"the targets are {', '.join(names)}" if names else "there is no target"
        raise BadJob(
            f"a stratified split needs one target, and {found}",
            "name the one whose classes count with --split-column",
        )
    return names[0]


def _cut(rows: Indices, spec: TrainJob) -> Parts:
    """The last rows, and those before them; the cut is that of `Model.fit`."""
    last = math.floor(len(rows) * (1.0 - spec.validation_split))
    first = math.floor(len(rows) * (1.0 - spec.validation_split - spec.split.test_split) + 1e-9)
    first = min(first, last) if spec.split.test_split else last
    return Parts(np.sort(rows[:first]), np.sort(rows[last:]), np.sort(rows[first:last]))


def _stratified(values: NDArray[Any], spec: TrainJob, draw: np.random.Generator) -> Parts:
    shares = {"validation": spec.validation_split, "test": spec.split.test_split}
    wanted = {part: share for part, share in shares.items() if share > 0}
    classes, places = np.unique(values, return_inverse=True)
    counts = np.bincount(places, minlength=len(classes))
    parts: dict[str, list[Indices]] = {part: [] for part in PARTS}
    few = []
    by_class = np.split(np.argsort(places, kind="stable"), np.cumsum(counts)[:-1])
    for number, found in enumerate(by_class):
        rows = draw.permutation(found)
        taken = 0
        for part, share in wanted.items():
            size = max(1, round(len(rows) * share))
            parts[part].append(rows[taken : taken + size])
            taken += size
        parts["train"].append(rows[taken:])
        if taken >= len(rows):
            few.append(number)
    if few:
        cases = [f"{classes[number]} ({counts[number]})" for number in few[:_MOST_NAMED]]
        more = f" and {len(few) - _MOST_NAMED} more" if len(few) > _MOST_NAMED else ""
        raise BadJob(
            f"a stratified split takes rows of each class for each of {len(wanted) + 1} parts, "
            f"but these classes have too few: {', '.join(cases)}{more}",
            "leave these rows out, or split by fraction or shuffled",
        )
    return Parts(**{part: _sorted(rows) for part, rows in parts.items()})


def _grouped(values: NDArray[Any], spec: TrainJob, draw: np.random.Generator) -> Parts:
    """Whole groups, drawn one by one, as long as each brings a part closer to its share.

    The smallest share is filled first, and each part leaves groups for those that come after it.
    """
    shares = {"validation": spec.validation_split, "test": spec.split.test_split}
    wanted = sorted((share, part) for part, share in shares.items() if share > 0)
    groups, places = np.unique(values, return_inverse=True)
    sizes = np.bincount(places, minlength=len(groups))
    part_of = np.full(len(groups), "train", dtype="<U10")
    drawn = draw.permutation(len(groups))
    left = len(groups)
    for others, (share, part) in zip(range(len(wanted), 0, -1), wanted, strict=True):
        goal, have = share * len(values), 0
        free = drawn[part_of[drawn] == "train"]
        closer = sizes[free] < 2 * goal
        if not closer.any():
            # Each is too large, but none would be worse.
            free, goal = free[[np.argmin(sizes[free])]], float(sizes.sum())
        for group in free:
            if left > others and abs(have + sizes[group] - goal) < abs(have - goal):
                have, left = have + int(sizes[group]), left - 1
                part_of[group] = part
    return Parts(**{part: np.flatnonzero(part_of[places] == part) for part in PARTS})


def _named(values: NDArray[Any], spec: TrainJob) -> Parts:
    words, places = np.unique(values.astype(str), return_inverse=True)
    parts = [PART_WORDS.get(word.strip().lower()) for word in words]
    unknown = [str(word) for word, part in zip(words, parts, strict=True) if part is None]
    column = spec.split.column
    if unknown:
        known = ", ".join(PART_WORDS)
        raise BadJob(
            f"the column {column!r} says for some rows {shown(unknown[:_MOST_NAMED], 300)[1:-1]}: "
            f"expected one of {known}",
            "correct the column, or split in another way",
        )
    numbers = np.array([PARTS.index(part or "train") for part in parts], np.int64)
    rows = [np.flatnonzero(numbers[places] == number) for number in range(len(PARTS))]
    if not len(rows[0]):
        raise BadJob(f"the column {column!r} says 'train' for no row", "say it for some")
    return Parts(*rows)


def _checked(parts: Parts, spec: TrainJob, count: int) -> Parts:
    """See that no part that is asked for is empty."""
    by, column = spec.split.by, spec.split.column
    wanted = {"train": 1.0, "validation": spec.validation_split, "test": spec.split.test_split}
    empty = [part for part in PARTS if wanted[part] > 0 and not len(parts.of(part))]
    if empty:
        what = f"groups of {column!r}" if by == "group" else "rows"
        raise BadJob(
            f"a split of {count} rows by {by} leaves no {what} for {' and '.join(empty)}",
            "use more rows, or other shares (--validation-split, --test-split)",
        )
    return parts


def _sorted(rows: list[Indices]) -> Indices:
    return np.sort(np.concatenate(rows)) if rows else np.empty(0, np.int64)
