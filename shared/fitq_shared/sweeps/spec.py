"""The spec of a sweep: a training, what differs between its trials, and how they are chosen."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError

from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.metric_order import Mode
from fitq_shared.schema import SCHEMA_VERSION
from fitq_shared.specs.base import MOST_TAGS, Label, Owner, Spec, Version, canonical_json
from fitq_shared.specs.bounds import check_bounds
from fitq_shared.specs.mistakes import from_validation
from fitq_shared.specs.models import name_of
from fitq_shared.specs.train import TrainJob
from fitq_shared.sweeps.address import clashes, put
from fitq_shared.sweeps.reading import (
    MOST_TRIALS,
    defaults,
    fixed_mistakes,
    in_train,
    is_within,
    read_space,
    size_of,
)
from fitq_shared.sweeps.space import Parameter, grid_point
from fitq_shared.sweeps.stopping import Stopping

Sampler = Literal["grid", "random", "optuna"]

MOST_PARAMETERS = 30
# How many combinations of the ends of ranges are looked at before anything is sent.
MOST_COMBINATIONS = 256
# A trial is named after its sweep and its number, and names have 63 letters.
SweepName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,54}$")]


def _ruled(value: Any) -> Any:
    """A name where a rule of stopping is expected stands for that rule with its defaults."""
    return {"rule": value} if isinstance(value, str) else value


class SweepSpec(Spec):
    """Trainings that differ in the parameters of a space, to find the one with the best metric.

    `train` is what they have in common: the fields of a training job, as a job file has them.
    `space` says by path what differs. `trials` is how many there are, `parallel` how many run or
    wait at once over all workers (None: as many as there are workers for them, and one more).
    `goal` is whether the metric is to be great or small, where its name does not say. `failures`:
    so many failed trials in a row end the sweep. `seed` fixes which values are drawn, and the seed
    of each training that has none of its own. `model_name` is the name under which the best model
    is registered, `promote` the alias that it gets.
    """

    schema_version: Version = SCHEMA_VERSION
    name: SweepName
    owner: Owner
    tags: Annotated[tuple[Label, ...], Field(max_length=MOST_TAGS - 1)] = ()
    train: dict[str, Any]
    space: Annotated[dict[str, Parameter], Field(min_length=1, max_length=MOST_PARAMETERS)]
    sampler: Sampler = "random"
    trials: Annotated[int, Field(strict=True, ge=1, le=MOST_TRIALS)]
    metric: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_./-]{0,99}$")] = (
        "val_accuracy"
    )
    goal: Mode
    stop: Annotated[Stopping, BeforeValidator(_ruled)] | None = None
    parallel: Annotated[int, Field(strict=True, ge=1, le=MOST_TRIALS)] | None = None
    failures: Annotated[int, Field(strict=True, ge=1, le=MOST_TRIALS)] = 3
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**31)] = 0
    model_name: Label | None = None
    promote: Label | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Make a spec from untrusted values, with short names of parameters written in full.

        Raises:
            InvalidInput: names every mistake at once, those of the trials' trainings included: of
                each trial if their values are known beforehand, else of the ends of the ranges.
        """
        mistakes = check_bounds(data)
        given = {name: value for name, value in data.items() if value is not None}
        said = given.get("train")
        train = dict(said) if isinstance(said, Mapping) else {}
        space, wrong = read_space(given.get("space"), train)
        mistakes += wrong + fixed_mistakes(train)
        values = {**given, **defaults(given, space), "space": space}
        spec = None
        try:
            spec = cls.model_validate(values)
        except ValidationError as error:
            own = from_validation(error, cls)
            # What is wrong with a parameter was said already.
            mistakes += [m for m in own if not (wrong and m.where.startswith("space"))]
        known = space and isinstance(said, Mapping)
        if known and (sound := spec or _with_stand_ins(values, mistakes)):
            mistakes += sound._between_fields() + sound._mistakes_of_trials()
        if any(mistake.where == "metric" for mistake in mistakes):
            # Which way a metric gets better that is not there, nobody has to say.
            mistakes = [m for m in mistakes if m.where != "goal" or m.given is not None]
        if mistakes or spec is None:
            raise InvalidInput(list({str(mistake): mistake for mistake in mistakes}.values()))
        return spec

    @property
    def summary(self) -> str:
        """For example: 40 trials of mlp on mnist, by random, for val_accuracy."""
        first = self.trial(1, self.drawn(1), "sweep")
        several = not self.space.keys().isdisjoint({"model", "model.type"})
        model = "several models" if several else name_of(first.model)
        plural = "" if self.trials == 1 else "s"
        what = f"{model} on {first.dataset}"
        return f"{self.trials} trial{plural} of {what}, by {self.sampler}, for {self.metric}"

    @property
    def grids(self) -> dict[str, Parameter]:
        """The parameters whose values are walked one after the other."""
        return {path: one for path, one in self.space.items() if one.grid}

    def canonical(self) -> str:
        """The spec as JSON, always in the same form."""
        return canonical_json(self.model_dump(mode="json"))

    def digest(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def drawn(self, number: int) -> dict[str, Any]:
        """The values of the trial of this number, from 1, as grid and random choose them.

        They depend on the seed and the number alone. Grids are walked, and begun again when they
        are through; all else is drawn.
        """
        rng = random.Random(f"{self.seed}:{number}")  # noqa: S311 - to be repeated, not secret
        walked = dict(
            zip(self.grids, grid_point(list(self.grids.values()), number - 1), strict=True)
        )
        return {
            path: walked[path] if path in walked else one.draw(rng)
            for path, one in self.space.items()
        }

    def allows(self, params: Mapping[str, Any]) -> bool:
        """Whether these are values of a trial of this sweep, whoever has written them down."""
        return params.keys() == self.space.keys() and all(
            one.allows(params[path]) for path, one in self.space.items()
        )

    def trial(
        self,
        number: int,
        params: Mapping[str, Any],
        tag: str,
        early_stopping: Mapping[str, Any] | None = None,
    ) -> TrainJob:
        """The training of one trial.

        Args:
            tag: what tells the trials of this sweep from all other jobs.
            early_stopping: in place of what the trial has.

        Raises:
            InvalidInput: such a training cannot be.
        """
        values = {
            **{"seed": self.seed, **self.train},
            "kind": "train",
            "name": f"{self.name}-{number}",
            "owner": self.owner,
            "tags": [*self.tags, tag],
        }
        for path, value in params.items():
            values = put(values, path, value)
        if early_stopping is not None:
            values["early_stopping"] = early_stopping
        return TrainJob.parse(values)

    def _between_fields(self) -> list[Mistake]:
        drawn = [path for path, one in self.space.items() if not one.grid]
        size = size_of(self.space)
        mistakes = []
        if self.sampler == "grid":
            mistakes += [
                Mistake(f"space.{path}", "a range", "a list of values, since the sampler is grid")
                for path in drawn
            ]
            if not drawn and self.trials > size:
                mistakes.append(Mistake("trials", self.trials, f"at most the grid's {size} points"))
        if self.sampler == "random" and not drawn:
            expected = "grid or optuna, since nothing is to be drawn"
            mistakes.append(Mistake("sampler", "random", expected))
        if self.promote is not None and self.model_name is None:
            mistakes.append(Mistake("model_name", None, "the name of the model that is promoted"))
        for one, other in clashes(self.space):
            mistakes.append(Mistake(f"space.{other}", other, f"nothing within space.{one}"))
        return mistakes

    def _mistakes_of_trials(self) -> list[Mistake]:
        found: dict[tuple[str, str], Mistake] = {}
        for at, params in enumerate(self._looked_at()):
            # What a training's early stopping may look at, a sweep may.
            watched = [] if at else self._mistakes_of_trial(params, {"monitor": self.metric})
            wrong = [
                Mistake("metric", self.metric, mistake.expected)
                for mistake in watched
                if mistake.where == "train.early_stopping.monitor"
            ]
            for mistake in [*self._mistakes_of_trial(params), *wrong]:
                found.setdefault((mistake.where, str(mistake.given)), mistake)
        return list(found.values())

    def _looked_at(self) -> Iterator[dict[str, Any]]:
        """All trials, where they are known; and the ends of all ranges."""
        if self.sampler != "optuna":
            for number in range(1, self.trials + 1):
                yield self.drawn(number)
        if self.sampler != "grid":
            combinations = itertools.product(*(one.ends for one in self.space.values()))
            for values in itertools.islice(combinations, MOST_COMBINATIONS):
                yield dict(zip(self.space, values, strict=True))
            # A space with more combinations than that: each value at least once.
            first = {path: one.ends[0] for path, one in self.space.items()}
            for path, one in self.space.items():
                for value in one.ends:
                    yield {**first, path: value}

    def _mistakes_of_trial(
        self, params: Mapping[str, Any], early_stopping: Mapping[str, Any] | None = None
    ) -> list[Mistake]:
        try:
            self.trial(1, params, "sweep", early_stopping)
        except InvalidInput as error:
            return [m if is_within(m, params) else in_train(m) for m in error.mistakes]
        return []


def _with_stand_ins(values: Mapping[str, Any], mistakes: Sequence[Mistake]) -> SweepSpec | None:
    """The spec with values in place of the wrong ones, so that its trials can be looked at."""
    wrong = {mistake.where.partition(".")[0].partition("[")[0] for mistake in mistakes}
    needed: dict[str, Any] = {"name": "sweep", "owner": "nobody", "trials": 1, "goal": "max"}
    kept = {
        name: values[name]
        for name in SweepSpec.model_fields
        if name in values and (name in ("train", "space") or name not in wrong)
    }
    try:
        return SweepSpec.model_validate({**needed, **kept})
    except ValidationError:
        return None
