"""The steps that raw inputs may go through before a model takes them.

The worker makes Keras layers of them (fitq_worker/preprocessing/), which become part of the
saved model. What they must learn, such as a mean or a vocabulary, they learn from the training
rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from fitq_shared.specs.base import Spec

Kind = Literal["number", "category", "text", "image", "array"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_TOKENS = 1_000_000

Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Side = Annotated[int, Field(strict=True, ge=1, le=8192)]
Whole = Annotated[int, Field(strict=True)]


def _as_text(value: object) -> object:
    return str(value) if type(value) is int else value


def _one_alone(value: object) -> object:
    return (value,) if isinstance(value, str | int) else value


# One value where a list is expected stands for a list of it alone.
Listed = BeforeValidator(_one_alone)
Category = Annotated[str, StringConstraints(max_length=200), BeforeValidator(_as_text)]


class Step(Spec):
    """One step. `takes` says for which kinds of input it is made, `gives` what it makes of it."""

    takes: ClassVar[tuple[Kind, ...]]
    gives: ClassVar[Kind | None] = None  # None: the kind stays


class Rescale(Step):
    """Times `scale`, plus `offset`. By default pixels from 0 to 255 become 0 to 1."""

    takes: ClassVar[tuple[Kind, ...]] = ("number", "array", "image")
    type: Literal["rescale"] = "rescale"
    scale: Finite = 1.0 / 255.0
    offset: Finite = 0.0


class Normalize(Step):
    """Subtract the mean and divide by the standard deviation of the training rows.

    A number has one of each, an array one for each place on its last axis, an image one for each
    channel.
    """

    takes: ClassVar[tuple[Kind, ...]] = ("number", "array", "image")
    type: Literal["normalize"] = "normalize"


class FillMissing(Step):
    """A `value` where a number is missing (NaN); None is the training rows' mean."""

    takes: ClassVar[tuple[Kind, ...]] = ("number", "array")
    type: Literal["fill_missing"] = "fill_missing"
    value: Finite | None = None


class Flatten(Step):
    """Everything of one row in one line."""

    takes: ClassVar[tuple[Kind, ...]] = ("number", "array", "image")
    gives: ClassVar[Kind | None] = "array"
    type: Literal["flatten"] = "flatten"


class _Lookup(Step):
    """A category's place among those that are known.

    They are `categories`, or the whole numbers of `range` (first and last), or else what the
    training rows have, the most frequent first, at most `most` of them. Others share place 0.
    """

    takes: ClassVar[tuple[Kind, ...]] = ("category", "number")
    categories: Annotated[tuple[Category, ...], Field(min_length=1), Listed] | None = None
    range: tuple[Whole, Whole] | None = None
    most: Annotated[int, Field(strict=True, ge=1, le=MOST_TOKENS)] | None = None

    @model_validator(mode="after")
    def _one_way_to_know_them(self) -> _Lookup:
        given = [name for name in ("categories", "range", "most") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"one of categories, range and most, not {' and '.join(given)}")
        if self.range and not 0 <= self.range[1] - self.range[0] < MOST_TOKENS:
            raise ValueError(
                f"a range from the first to the last number, at most {MOST_TOKENS} of them, "
                f"not {list(self.range)}"
            )
        if self.categories and len(set(self.categories)) < len(self.categories):
            raise ValueError("categories that differ from each other")
        return self


class OneHot(_Lookup):
    """A category as one 1 among zeros, at its place."""

    gives: ClassVar[Kind | None] = "array"
    type: Literal["one_hot"] = "one_hot"


class Index(_Lookup):
    """A category as the number of its place, for an embedding in the model."""

    gives: ClassVar[Kind | None] = "number"
    type: Literal["index"] = "index"


class Hash(Step):
    """A category as the number of one of `bins`, by a hash, so that none need be known."""

    takes: ClassVar[tuple[Kind, ...]] = ("category",)
    gives: ClassVar[Kind | None] = "number"
    type: Literal["hash"] = "hash"
    bins: Annotated[int, Field(strict=True, ge=2, le=MOST_TOKENS)]


class Vectorize(Step):
    """A text as the numbers of its words ("int"), or as a line of all words that are known.

    Words are those of the training rows, the most frequent first, at most `max_tokens` with the
    ones that stand for "none" and "unknown". `sequence_length` cuts and fills up "int".
    """

    takes: ClassVar[tuple[Kind, ...]] = ("text", "category")
    gives: ClassVar[Kind | None] = "array"
    type: Literal["vectorize"] = "vectorize"
    max_tokens: Annotated[int, Field(strict=True, ge=3, le=MOST_TOKENS)] = 20_000
    output_mode: Literal["int", "multi_hot", "count", "tf_idf"] = "int"
    sequence_length: Annotated[int, Field(strict=True, ge=1, le=100_000)] | None = None
    standardize: Literal["lower_and_strip_punctuation", "lower", "strip_punctuation", "none"] = (
        "lower_and_strip_punctuation"
    )
    split: Literal["whitespace", "character"] = "whitespace"

    @model_validator(mode="after")
    def _only_numbers_of_words_have_a_length(self) -> Vectorize:
        if self.sequence_length is not None and self.output_mode != "int":
            raise ValueError(f"no sequence_length where output_mode is {self.output_mode!r}")
        return self

    @property
    def length(self) -> int:
        """How many numbers of words a text has."""
        return self.sequence_length or 200


class Resize(Step):
    """An image of another size: as it comes, or with its `aspect` kept by a crop or a border."""

    takes: ClassVar[tuple[Kind, ...]] = ("image",)
    type: Literal["resize"] = "resize"
    height: Side
    width: Side
    aspect: Literal["stretch", "crop", "pad"] = "stretch"
    interpolation: Literal["bilinear", "nearest", "bicubic", "lanczos3"] = "bilinear"


class CenterCrop(Step):
    """The middle of an image."""

    takes: ClassVar[tuple[Kind, ...]] = ("image",)
    type: Literal["center_crop"] = "center_crop"
    height: Side
    width: Side


class Grayscale(Step):
    """An image's brightness alone, in one channel."""

    takes: ClassVar[tuple[Kind, ...]] = ("image",)
    type: Literal["grayscale"] = "grayscale"


class Augment(Step):
    """Change images at random while training, and only then, by the job's seed.

    `rotate` is the largest share of a full turn, `zoom`, `shift` and `contrast` the largest
    share by which an image grows or shrinks, moves, or gets more or less contrast.
    """

    takes: ClassVar[tuple[Kind, ...]] = ("image",)
    type: Literal["augment"] = "augment"
    flip: Literal["horizontal", "vertical", "both"] | None = None
    rotate: Share | None = None
    zoom: Share | None = None
    shift: Share | None = None
    contrast: Share | None = None

    @model_validator(mode="after")
    def _something_changes(self) -> Augment:
        if not any((self.flip, self.rotate, self.zoom, self.shift, self.contrast)):
            raise ValueError("one of flip, rotate, zoom, shift and contrast at least")
        return self


def _named(value: Any) -> Any:
    """A name where a step is expected stands for that step with its defaults."""
    return {"type": value} if isinstance(value, str) else value


AnyStep = Annotated[
    Rescale
    | Normalize
    | FillMissing
    | Flatten
    | OneHot
    | Index
    | Hash
    | Vectorize
    | Resize
    | CenterCrop
    | Grayscale
    | Augment,
    Field(discriminator="type"),
    BeforeValidator(_named),
]

STEPS: Mapping[str, type[Step]] = {
    step.model_fields["type"].default: step for step in get_args(get_args(AnyStep)[0])
}
