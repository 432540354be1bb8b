"""`fitq sweep`: what it submits, and what it says of sweeps."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fitq.data.needs import check_unneeded_by_sweeps
from fitq.leaderboard import board
from fitq.queue import Queue
from fitq.sweeping import Sweeping
from fitq.waste import needed_inputs
from fitq_shared.errors import InvalidInput
from fitq_shared.record import Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.registrations import Registration
from fitq_shared.settings import Settings
from fitq_shared.sweeps.record import SweepRecord, Trial
from fitq_shared.sweeps.records import keep_copy
from support.sweeps import TRAIN, sweep_spec

Fitq = Callable[..., Any]

FILE = """
name = "calm-fox"
metric = "val_accuracy"
stop = "median"

[train]
dataset = "mnist"
model = "mlp"

[space]
lr = [1e-2, 1e-3]
units = { low = 64, high = 512, log = true }
"""
LR = "optimizer.learning_rate"


@pytest.fixture
def sweeping(queue: Settings) -> Sweeping:
    return Sweeping(Queue(queue))


@pytest.fixture
def ended(queue: Settings, sweeping: Sweeping) -> SweepRecord:
    """A sweep that has succeeded, with a completed, a stopped and a failed trial."""
    sweep = sweeping.submit(sweep_spec(space={"lr": [0.001, 0.01, 0.1]}))
    trials = [
        Trial(1, sweep.job_of(1), {LR: 0.001}, state="completed", value=0.75, curve=(0.5, 0.75)),
        Trial(2, sweep.job_of(2), {LR: 0.01}, state="stopped", value=0.9, reason="too bad"),
        Trial(3, sweep.job_of(3), {LR: 0.1}, state="failed", reason="NaN"),
    ]
    done = replace(sweep, state="succeeded", outcome="registered as digits@3", finished=1e9)
    sweeps = Queue(queue).sweeps
    assert sweeps.write(done, trials, unfinished=False)
    return sweeps.get(sweep.id)


def test_an_option_that_a_builder_needs_may_be_a_parameter(fitq: Fitq, nowhere: Path) -> None:
    # Given a builder with an option that has no default
    (nowhere / "net.py").write_text("def build(units): pass")
    sweep = ("sweep", "--dataset", "mnist", "--model", "net.py:build", "--dry-run")
    # When the sweep gives it its values
    ran = fitq(*sweep, "--grid", "units=4,8")
    # Then nothing is missing; but it is where the sweep has others
    assert ran.code == 0, ran.err
    assert ran.json["drawn"] == [{"model.options.units": 4}, {"model.options.units": 8}]
    without = fitq(*sweep, "--grid", "lr=1e-2,1e-3")
    assert without.code == 2
    assert "--option units is missing" in without.err


def test_flags_and_file_make_one_sweep(fitq: Fitq, nowhere: Path) -> None:
    # Given a sweep file
    (nowhere / "sweep.toml").write_text(FILE)
    # When flags are given, too
    flags = ("--trials", 3, "--seed", 7, "--epochs", 4, "--random", "dropout=0..0.5", "--dry-run")
    ran = fitq("sweep", "-f", "sweep.toml", *flags)
    # Then the spec has both, and lists the values that will be drawn
    assert ran.code == 0, ran.err
    assert ran.json["name"] == "calm-fox"
    assert ran.json["train"]["epochs"] == 4
    assert (ran.json["seed"], ran.json["sampler"]) == (7, "random")
    assert ran.json["stop"]["rule"] == "median"
    assert [set(one) for one in ran.json["drawn"]] == [{LR, "model.units", "model.dropout"}] * 3
    # And the same again, since the seed is the same
    assert fitq("sweep", "-f", "sweep.toml", *flags).json == ran.json


def test_a_grid_is_given_by_flags_alone(fitq: Fitq) -> None:
    flags = ("--dataset", "mnist", "--model", "mlp", "--grid", "lr=1e-2,1e-3", "--grid", "units=64")
    ran = fitq("sweep", *flags, "--dry-run")
    assert [one[LR] for one in ran.json["drawn"]] == [0.01, 0.001]


def test_a_value_may_be_a_list(fitq: Fitq) -> None:
    flags = ("sweep", "--dataset", "mnist", "--model", "mlp", "--dry-run")
    ran = fitq(*flags, "--grid", "units=[64,32],[16]")
    assert [one["model.units"] for one in ran.json["drawn"]] == [[64, 32], [16]]
    ran = fitq(*flags, "--grid", "units=[64,32],16]")
    assert ran.code == 2
    assert "expected lists such as units=[64,64],[16]" in ran.err


def test_all_mistakes_are_named_at_once(fitq: Fitq) -> None:
    # When a sweep has mistakes in its training, its space and its own fields
    ran = fitq(
        *("sweep", "--dataset", "mnst", "--model", "mlp", "--epochs", 0),
        *("--grid", "lr=-1", "--random", "unitz=1..9", "--trials", "many", "--stop", "medan"),
    )
    # Then all of them are said, and nothing is asked of Redis
    assert ran.code == 2
    for expected in (
        *("train.dataset = 'mnst'", "train.epochs = 0", "optimizer.learning_rate = -1"),
        *("did you mean 'units'", "trials = 'many'", "did you mean 'median'"),
    ):
        assert expected in ran.err, expected


def test_a_pair_without_a_value_is_named(fitq: Fitq) -> None:
    ran = fitq("sweep", "--dataset", "mnist", "--model", "mlp", "--grid", "lr")
    assert ran.code == 2
    assert "--grid = 'lr': expected NAME=VALUES" in ran.err


def test_a_sweep_is_submitted_and_told_that_nobody_conducts_it(fitq: Fitq, queue: Settings) -> None:
    # Given no worker
    flags = ("--dataset", "mnist", "--model", "mlp", "--grid", "lr=1e-2,1e-3", "--name", "calm-fox")
    # When a sweep is submitted
    ran = fitq("sweep", *flags, "--no-wait")
    # Then it is there, and it is said what is missing and how to return
    assert ran.code == 0, ran.err
    assert "no worker is there" in ran.err
    assert "fitq sweep watch calm-fox" in ran.err
    assert Queue(queue).sweeps.find("calm-fox").state == "running"


def test_the_best_trial_is_shown_with_what_is_different_and_what_to_do(
    fitq: Fitq, ended: SweepRecord
) -> None:
    # When the newest sweep's best trial is asked for
    ran = fitq("sweep", "best")
    # Then it is the best one that has a model
    assert ran.code == 0, ran.err
    for expected in (
        *("best: brave-otter-1  val_accuracy 0.7500", "optimizer.learning_rate = 0.001"),
        *("registered as digits@3", "fitq predict brave-otter-1"),
    ):
        assert expected in ran.out
    as_json = fitq("sweep", "best", ended.id, "--json").json
    assert (as_json["trial"], as_json["value"]) == (1, 0.75)
    assert as_json["difference"] == {LR: {"was": None, "is": 0.001}}


def test_a_sweep_is_listed_and_shown(fitq: Fitq, ended: SweepRecord) -> None:
    assert "3/3" in fitq("sweep", "list").out
    assert fitq("sweep", "list", "--json").json[0]["best"] == 1
    shown = fitq("sweep", "show", "brave-otter").out
    assert shown.index("brave-otter-1") < shown.index("brave-otter-2")
    assert "too bad" in shown
    states = {t["number"]: t["state"] for t in fitq("sweep", "show", "--json").json["trials"]}
    assert states == {1: "completed", 2: "stopped", 3: "failed"}


def test_watching_an_ended_sweep_shows_how_it_ended(fitq: Fitq, ended: SweepRecord) -> None:
    ran = fitq("sweep", "watch")
    assert ran.code == 0
    assert "brave-otter succeeded: 1 completed, 1 stopped, 1 failed of 3 trials" in ran.out
    assert "brave-otter-2  stopped  val_accuracy 0.9000  learning_rate 0.01  too bad" in ran.err


def test_without_a_completed_trial_there_is_no_best_one(
    fitq: Fitq, queue: Settings, sweeping: Sweeping
) -> None:
    # Given a sweep that has failed since no trial was completed
    sweep = sweeping.submit(sweep_spec())
    reason = Reason("no-result", "no trial was completed", "resume it")
    failed = replace(sweep, state="failed", reason=reason)
    trial = Trial(1, sweep.job_of(1), {LR: 0.001}, state="failed", reason="NaN")
    assert Queue(queue).sweeps.write(failed, [trial], unfinished=False)
    # When its best trial is asked for
    ran = fitq("sweep", "best", "brave-otter")
    # Then the answer says why there is none
    assert ran.code == 2
    assert "brave-otter has no best trial: none was completed (1 failed of 2 trials)" in ran.err
    # And whoever watches sees the reason
    ran = fitq("sweep", "watch", "brave-otter")
    assert ran.code == 1
    assert "no trial was completed" in ran.out


def test_cancelling_resuming_and_forgetting(
    fitq: Fitq, queue: Settings, sweeping: Sweeping
) -> None:
    sweeping.submit(sweep_spec())
    assert fitq("sweep", "rm", "brave-otter", "--yes").code == 2
    assert fitq("sweep", "resume", "brave-otter").code == 2
    assert "cancelled" in fitq("sweep", "cancel", "brave-otter").out
    assert "had already ended" in fitq("sweep", "cancel", "brave-otter").err
    assert fitq("sweep", "resume", "brave-otter", "--no-wait").code == 0
    assert sweeping.find("brave-otter").state == "running"
    assert fitq("sweep", "cancel", "brave-otter", "--json").json["state"] == "cancelled"


def test_whoever_cancels_a_trial_is_told_that_the_sweep_goes_on(
    fitq: Fitq, sweeping: Sweeping, redis: Redis
) -> None:
    # Given a running sweep with a trial, and another job
    sweep = sweeping.submit(sweep_spec())
    trial = sweep_spec().trial(1, {LR: 0.001}, sweep.tag)
    records = Records(redis)
    for name in ("brave-otter-1", "brave-otter-2"):
        records.create(trial.model_copy(update={"name": name}))
    records.create(trial.model_copy(update={"name": "other", "tags": ()}))
    # When they are cancelled, it is told of the sweep that would begin others in their place
    told = "the sweep brave-otter goes on with its other trials; stop it with `fitq sweep cancel"
    assert told not in fitq("cancel", "other").err
    assert told in fitq("cancel", "brave-otter-1").err
    # And not once that was cancelled, too
    sweeping.cancel(sweep)
    ran = fitq("cancel", "--all", "--yes")
    assert (ran.code, ran.err) == (0, "")


def test_an_unknown_sweep_is_told_the_nearest(fitq: Fitq, ended: SweepRecord) -> None:
    ran = fitq("sweep", "show", "brave-oter")
    assert ran.code == 2
    assert "did you mean 'brave-otter'?" in ran.err
    assert "no command 'shwo'" in fitq("sweep", "shwo").err


def test_whoever_stops_following_is_told_how_to_return(
    fitq: Fitq, sweeping: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given somebody who follows a sweep
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fitq.leaderboard.follow", interrupt)
    sweeping.submit(sweep_spec())
    # When Ctrl-C is pressed
    ran = fitq("sweep", "watch")
    # Then the sweep goes on, and it is said how to come back
    assert ran.code == 130
    assert "the sweep goes on; return with `fitq sweep watch brave-otter`" in ran.err
    assert sweeping.find("brave-otter").state == "running"


def test_a_lost_sweep_is_brought_back_by_reindex(
    fitq: Fitq, queue: Settings, ended: SweepRecord, redis: Redis
) -> None:
    # Given a sweep that only the volume still knows
    client = Queue(queue)
    keep_copy(client.artifacts.store, ended, client.sweeps.trials(ended.id))
    redis.flushall()
    # When Redis is filled again
    assert "would restore the sweep brave-otter" in fitq("reindex").out
    ran = fitq("reindex", "--apply", "--json")
    # Then it is there as it was
    assert ran.code == 0, ran.err
    assert [sweep["name"] for sweep in ran.json["sweeps"]] == ["brave-otter"]
    assert "best: brave-otter-1" in fitq("sweep", "best").out


def test_an_unknown_data_set_is_told_with_all_else(fitq: Fitq, queue: Settings) -> None:
    ran = fitq("sweep", "--dataset", "minst", "--model", "mlp", "--grid", "lr=-1")
    assert ran.code == 2
    assert "did you mean 'mnist'?" in ran.err
    assert ran.err.count("minst") == 1
    assert "optimizer.learning_rate = -1" in ran.err


def test_the_live_board_has_the_best_first(queue: Settings, ended: SweepRecord) -> None:
    # When the board of a sweep is drawn
    console = Console(width=120, file=io.StringIO())
    console.print(board(Sweeping(Queue(queue)).standing(ended.id), 200, most=2))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    # Then it has the best trials, and says how many more there are
    assert text.index("brave-otter-1") < text.index("brave-otter-2")
    assert "brave-otter-3" not in text
    assert "and 1 more" in text


def test_the_live_board_fits_into_a_narrow_terminal(queue: Settings, ended: SweepRecord) -> None:
    # When the board is drawn in a terminal that has no room for the epochs
    console = Console(width=44, file=io.StringIO())
    console.print(board(Sweeping(Queue(queue)).standing(ended.id), 44))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    # Then trials and states are whole, and what is left out is named
    assert max(map(len, text.splitlines())) <= 44
    assert "brave-otter-1" in text
    assert "completed" in text
    assert "epochs" in text.partition("and ")[2]


def test_files_of_a_sweep_that_may_go_on_are_kept(queue: Settings, sweeping: Sweeping) -> None:
    # Given a running sweep of a model of one's own
    path = f"inputs/{'0' * 64}.json"
    model = {"type": "json", "file": {"path": path, "sha256": "0" * 64, "file": "net.json"}}
    sweep = sweeping.submit(sweep_spec(train={**TRAIN, "model": model}))
    # Then its file is needed, until it has succeeded
    assert needed_inputs([], [sweep]) == {path}
    assert needed_inputs([], [replace(sweep, state="failed")]) == {path}
    assert needed_inputs([], [replace(sweep, state="succeeded")]) == set()


def test_data_of_a_sweep_that_may_go_on_is_kept(sweeping: Sweeping) -> None:
    # Given a sweep on a registered data set, which is one of two
    used, other = (
        Registration(
            name="houses",
            version=version,
            manifest=f"{version}" * 64,
            created=0.0,
            owner="ann",
            format="csv",
            files=1,
            chunks=1,
            size=1,
        )
        for version in (1, 2)
    )
    train = {"dataset": used.ref.model_dump(mode="json"), "rows": None}
    sweep = sweeping.submit(sweep_spec(train))
    # Then the one that it uses may not be removed, until the sweep has succeeded
    with pytest.raises(InvalidInput, match="houses@1 is needed by the sweep brave-otter"):
        check_unneeded_by_sweeps([used, other], [sweep])
    check_unneeded_by_sweeps([other], [sweep])
    check_unneeded_by_sweeps([used], [replace(sweep, state="succeeded")])
