"""Steps for categories: texts or whole numbers that stand for what they name."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_worker.preprocessing.maker import LARGEST_VOCABULARY, Maker

UNKNOWN = "[UNK]"


class LookupMaker(Maker):
    """A category's place in a vocabulary; what is not in it, or missing, has place 0."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._texts = self.field.dtype == "str"
        self._counts: Counter[Any] = Counter()
        self._known = self._declared()
        self.learns = self._known is None

    def observe(self, values: NDArray[Any]) -> None:
        """Count what is there; a missing value is no category."""
        if not self._texts:
            values = _whole(values, self.input)
        found, counts = np.unique(values, return_counts=True)
        self._counts.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
        for nothing in ("", UNKNOWN) if self._texts else ():
            self._counts.pop(nothing, None)

    def finish(self) -> None:
        """The most frequent first; those that are as frequent in their own order."""
        if self._known is None:
            ordered = sorted(self._counts, key=lambda value: (-self._counts[value], value))
            self._known = ordered[: self.step.most]
        if not self._known:
            raise BadJob(
                f"the input {self.input!r} is missing in all training rows: it has no categories",
                f"declare them: --preprocess {self.input}={self.step.type}:categories=a|b",
            )
        check_vocabulary(self.input, self._known, "most")

    def build(self, x: Any) -> Any:
        """One layer that holds the vocabulary."""
        one_hot = self.step.type == "one_hot"
        lookup = keras.layers.StringLookup if self._texts else keras.layers.IntegerLookup
        if not self._texts and keras.backend.is_float_dtype(x.dtype):
            x = keras.ops.cast(x, "int64")
        mode = "one_hot" if one_hot else "int"
        found = lookup(vocabulary=self._known, output_mode=mode, name=self.layer_name())(x)
        return keras.ops.cast(found, "float32") if one_hot else found

    def _declared(self) -> list[Any] | None:
        step = self.step
        if step.range:
            numbers = range(step.range[0], step.range[1] + 1)
            return [str(n) for n in numbers] if self._texts else list(numbers)
        if step.categories is None:
            return None
        if self._texts:
            return list(step.categories)
        try:
            return [int(category) for category in step.categories]
        except ValueError:
            raise BadJob(
                f"the input {self.input!r} has numbers, and not all of the categories "
                f"{', '.join(step.categories[:10])} are whole numbers",
                "declare whole numbers, or the column as a category when you add the data",
            ) from None


class HashMaker(Maker):
    """A category's bin."""

    def build(self, x: Any) -> Any:
        """One layer."""
        return keras.layers.Hashing(self.step.bins, name=self.layer_name())(x)


def check_vocabulary(name: str, known: list[Any], option: str) -> None:
    """See that a saved model can hold a vocabulary.

    Raises:
        BadJob: it cannot.
    """
    size = len(json.dumps(known))
    if size > LARGEST_VOCABULARY:
        raise BadJob(
            f"the input {name!r} has {len(known)} different values, {size // 2**20} MiB of them: "
            f"a model keeps at most {LARGEST_VOCABULARY // 2**20} MiB",
            f"limit them with {option}=…",
        )


def _whole(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Whole numbers, without those that are missing."""
    if values.dtype.kind != "f":
        return values
    there = values[~np.isnan(values)]
    if (there != np.floor(there)).any():
        first = float(there[there != np.floor(there)][0])
        raise BadJob(
            f"the input {name!r} has values such as {first}: expected whole numbers, "
            "since they are to be categories",
            "use normalize for measures, or declare the column as a category",
        )
    whole: NDArray[Any] = there.astype("int64")
    return whole
