"""What a sweep may be, and the trainings that it makes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.sweeps.address import label
from fitq_shared.sweeps.spec import SweepSpec


def parse(**changes: Any) -> SweepSpec:
    least: dict[str, Any] = {
        "name": "brave-otter",
        "owner": "ann",
        "train": {"dataset": "mnist", "model": "mlp", "epochs": 2},
        "space": {"lr": [1e-2, 1e-3], "units": "64..512:log"},
        "trials": 4,
    }
    return SweepSpec.parse({**least, **changes})


def refusal(**changes: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        parse(**changes)
    return caught.value.message


def test_short_names_are_written_in_full() -> None:
    assert set(parse().space) == {"optimizer.learning_rate", "model.units"}


def test_a_path_may_be_written_as_tables() -> None:
    spec = parse(space={"optimizer": {"learning_rate": [0.1, 0.2]}, "units": "1..9"})
    assert set(spec.space) == {"optimizer.learning_rate", "model.units"}


def test_grids_are_walked_while_the_rest_is_drawn() -> None:
    # Given a sweep over a grid of two and a range
    spec = parse(trials=8)
    # When its trials are listed
    trials = [spec.drawn(number) for number in range(1, 9)]
    # Then both points of the grid come in turn, and the drawn values differ
    assert [t["optimizer.learning_rate"] for t in trials] == [0.01, 0.001] * 4
    assert len({t["model.units"] for t in trials}) > 4


def test_a_seed_gives_the_same_trials_and_another_seed_others() -> None:
    first, again, other = parse(seed=1), parse(seed=1), parse(seed=2)
    assert first.drawn(3) == again.drawn(3)
    assert [first.drawn(n) for n in (1, 2, 3)] != [other.drawn(n) for n in (1, 2, 3)]


def test_a_grid_has_as_many_trials_as_points() -> None:
    spec = parse(space={"lr": [0.1, 0.2], "units": [8, 16, [8, 8]]}, trials=None)
    assert (spec.sampler, spec.trials) == ("grid", 6)


def test_a_trial_is_a_training_named_and_tagged_after_its_sweep() -> None:
    # Given a sweep with a seed and tags
    spec = parse(seed=7, tags=["digits"])
    # When the training of its third trial is made
    job = spec.trial(3, {"optimizer.learning_rate": 0.5, "model.units": 99}, "sweep-abc")
    # Then it has the trial's values, and all else of the sweep
    assert (job.name, job.owner, job.tags, job.seed) == (
        "brave-otter-3",
        "ann",
        ("digits", "sweep-abc"),
        7,
    )
    assert job.optimizer.learning_rate == 0.5
    assert job.model.model_dump()["units"] == (99,)
    assert job.epochs == 2


def test_the_optimizer_and_its_learning_rate_may_both_differ() -> None:
    spec = parse(space={"optimizer": ["adam", "sgd"], "lr": [0.1, 0.2]})
    jobs = [spec.trial(number, spec.drawn(number), "sweep") for number in (1, 2, 3, 4)]
    pairs = {(job.optimizer.name, job.optimizer.learning_rate) for job in jobs}
    assert pairs == {("adam", 0.1), ("adam", 0.2), ("sgd", 0.1), ("sgd", 0.2)}
    assert [label(path, spec.space) for path in spec.space] == ["learning_rate", "optimizer"]


def test_its_summary_names_the_model_as_the_user_does() -> None:
    code = {"path": f"inputs/{'0' * 64}.tar", "sha256": "0" * 64, "file": "net.py"}
    model = {"type": "code", "bundle": code, "module": "net", "function": "build"}
    own = parse(train={"dataset": "mnist", "model": model}, space={"lr": [0.1, 0.2]}, trials=2)
    assert own.summary == "2 trials of net.py:build on mnist, by grid, for val_accuracy"
    grid = {"model": ["mlp", "cnn"]}
    several = parse(train={"dataset": "mnist"}, space=grid, trials=1)
    assert several.summary == "1 trial of several models on mnist, by grid, for val_accuracy"


def test_a_spec_reads_its_own_form() -> None:
    spec = parse(stop="asha", model_name="digits", promote="production", parallel=2)
    again = SweepSpec.parse(json.loads(spec.canonical()))
    assert again == spec
    assert again.digest() == spec.digest()
    assert [again.drawn(n) for n in (1, 2, 3)] == [spec.drawn(n) for n in (1, 2, 3)]


def test_every_mistake_is_named_at_once() -> None:
    # When nearly everything is wrong
    message = refusal(
        train={"dataset": "mnst", "model": "mlp", "name": "mine"},
        space={"lr": [1e-2, -1], "unitz": "64..512", "units": "9..1", "epochs": {"low": 1}},
        stop="medan",
        metric="val_acc",
        promote="production",
    )
    # Then all of it is said, in the words of the file, with the nearest right ones
    for expected in (
        "train.dataset = 'mnst'",
        "train.name = 'mine': expected none",
        "optimizer.learning_rate = -1",
        "(did you mean 'units'?)",
        "space.units = '9..1'",
        "space.epochs.high is missing",
        "(did you mean 'median'?)",
        "metric = 'val_acc'",
        "model_name is missing",
    ):
        assert expected in message, expected


@pytest.mark.parametrize("sampler", ["random", "optuna"])
def test_the_ends_of_a_range_must_make_trainings(sampler: str) -> None:
    assert "model.units[0] = 0" in refusal(space={"units": "0..5"}, sampler=sampler)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"trials": None}, "trials is missing"),
        ({"trials": 1001}, "at most 1000"),
        ({"sampler": "grid"}, "space.model.units = 'a range'"),
        ({"sampler": "random", "space": {"lr": [1.0]}}, "nothing is to be drawn"),
        ({"space": {"lr": [0.1, 0.2]}, "trials": 3}, "the grid's 2 points"),
        ({"space": {"lr": [0.1], "learning_rate": [0.2]}}, "each parameter once"),
        ({"space": {"units": [8, 16], "model": ["mlp"]}}, "nothing within space.model"),
        ({"space": {"name": ["a"]}}, "the sweep gives each trial its name"),
        ({"space": {}}, "a table of what differs"),
        ({"space": 7}, "a table of what differs"),
        ({"train": None}, "train is missing"),
        ({"name": "x" * 56}, "name = "),
        ({"paralel": 2}, "did you mean 'parallel'?"),
        ({"metric": "val_accuracy", "train": {"dataset": "mnist", "model": "mlp",
          "validation_split": 0}}, "val_… needs a validation_split above 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_sweep_is_refused(changes: dict[str, Any], expected: str) -> None:
    assert expected in refusal(**changes)


def test_whether_a_metric_is_to_be_great_its_name_tells() -> None:
    assert (parse().goal, parse(metric="val_loss").goal) == ("max", "min")
    own = {"dataset": "mnist", "model": CODE}
    assert "goal is missing" in refusal(train=own, metric="charm")
    assert parse(train=own, metric="charm", goal="min").goal == "min"
    # Of a metric that is not there only that is said
    wrong = refusal(metric="val_acuracy")
    assert "did you mean 'val_accuracy'" in wrong
    assert "goal" not in wrong


def test_the_options_of_a_builder_are_its_own() -> None:
    spec = parse(train={"dataset": "mnist", "model": CODE}, space={"width": "1..9"})
    assert list(spec.space) == ["model.options.width"]
    assert (
        spec.trial(1, {"model.options.width": 3}, "t").model.model_dump()["options"]["width"] == 3
    )


CODE = {
    "type": "code",
    "bundle": {"path": f"inputs/{'0' * 64}.tar", "sha256": "0" * 64, "file": "net.tar"},
    "module": "net",
    "function": "build",
}


def test_values_that_somebody_else_wrote_are_not_the_sweeps() -> None:
    spec = parse()
    assert spec.allows({"optimizer.learning_rate": 0.01, "model.units": 64})
    assert not spec.allows({"optimizer.learning_rate": 0.02, "model.units": 64})
    assert not spec.allows({"optimizer.learning_rate": 0.01})
    assert not spec.allows({"optimizer.learning_rate": 0.01, "model.units": 64, "epochs": 9})
