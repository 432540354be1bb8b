"""Trainings that are interrupted anywhere end as if they had not been, to the last bit."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import pytest

import support
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import StoreError
from fitq_shared.store import Store
from fitq_worker import checkpoint_writer
from fitq_worker.checkpoints import CheckpointFolder, Position
from support.trainings import (
    BATCHES_IN_CALL,
    Job,
    after_call,
    assert_same_end,
    epoch_begin,
    in_validation,
    job,
    without_pictures,
)

MODELS = {
    "cnn": {"type": "cnn", "filters": [2], "units": 4, "dropout": 0.5, "activation": "tanh"},
    "rnn": {"type": "rnn", "units": [3], "cell": "gru", "dropout": 0.2},
}

# Stops two epochs after its best one, which is not the first.
EARLY = {
    "epochs": 40,
    "early_stopping": {"monitor": "val_loss", "patience": 2},
    "loss": "categorical_crossentropy",
    "metrics": ["accuracy", "auc", "precision"],
    "seed": 2,
}

Start = Callable[..., Job]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing, and write checkpoints on leaving only, however slow this machine is."""
    without_pictures(monkeypatch.setattr)
    monkeypatch.setattr(checkpoint_writer, "EPOCH_SECONDS", 600.0)


@pytest.fixture
def each_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a checkpoint after each epoch, however short."""
    monkeypatch.setattr(checkpoint_writer, "EPOCH_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint_writer, "PAUSE", 0.0)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return lambda **changes: job(Store(str(tmp_path / "store")), **changes)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Job]:
    """The same jobs without any interruption, each run once."""
    ended: dict[str, Job] = {}

    def run(**changes: object) -> Job:
        made = job(Store(str(tmp_path_factory.mktemp("undisturbed"))), **changes)
        digest = made.spec.digest()
        if digest not in ended:
            made.run()
            ended[digest] = made
        return ended[digest]

    return run


@pytest.mark.parametrize(
    ("at", "position"),
    [
        (epoch_begin(2), Position(2, 0)),
        (after_call(2, 0), Position(2, BATCHES_IN_CALL)),
        (after_call(2, 2), Position(2, 3 * BATCHES_IN_CALL)),
        (in_validation(2), Position(2, 3 * BATCHES_IN_CALL)),
    ],
    ids=["between-epochs", "within-an-epoch", "last-batch", "validation"],
)
def test_a_drained_training_goes_on_where_it_was(
    start: Start, undisturbed: Start, at: int, position: Position
) -> None:
    # Given a training with dropout, Adam and early stopping, drained at this place
    training = start()
    training.run("drain", at)
    # Then its checkpoint is of this very place
    assert list(training.checkpoints().positions().values()) == [position]
    # When the next attempt has gone on to the end
    second = training.run()
    # Then it has trained only what was left, and has ended as if nothing had been
    assert second.epochs == list(range(position.epoch + 1, 6))
    expected = (position.epoch + 1, position.batch + BATCHES_IN_CALL)
    if position.batch < 3 * BATCHES_IN_CALL:
        assert second.places[0] == expected
    assert_same_end(training, undisturbed())


@pytest.mark.parametrize("model", ["cnn", "rnn"])
def test_each_model_goes_on_within_an_epoch(start: Start, undisturbed: Start, model: str) -> None:
    changes = {"model": MODELS[model], "epochs": 2}
    training = start(**changes)
    training.run("drain", after_call(1, 1))
    training.run()
    assert_same_end(training, undisturbed(**changes))


@pytest.mark.soak
def test_a_training_may_be_interrupted_again_and_again(start: Start, undisturbed: Start) -> None:
    # Given a training that was drained within an epoch, again within the same one, and once more
    # before it had done anything
    training = start()
    training.run("drain", after_call(1, 0))
    training.run("drain", after_call(0, 0))
    training.run("drain", epoch_begin(0))
    # When it ends at last
    training.run()
    # Then all is as if nothing had been
    assert_same_end(training, undisturbed())


def test_early_stopping_knows_its_best_weights_after_all(start: Start, undisturbed: Start) -> None:
    # Given a training that stops early, two epochs after its best one
    expected = undisturbed(**EARLY)
    epochs = len(expected.history())
    best = min(expected.history(), key=lambda row: row["val_loss"])
    assert best["epoch"] == epochs - 2 > 1
    # When it is interrupted in each of the two: the second attempt asks for orders when it begins,
    # three times in what is left of the first epoch, and twice up to the first call of the second
    training = start(**EARLY)
    training.run("drain", after_call(epochs - 2, 1))
    training.run("drain", 7)
    assert list(training.checkpoints().positions().values()) == [
        Position(epochs - 1, BATCHES_IN_CALL)
    ]
    training.run()
    # Then it stops at the same epoch, with the weights of the best one
    assert_same_end(training, expected)


@pytest.mark.usefixtures("each_epoch")
def test_a_training_that_was_done_is_not_trained_again(
    start: Start, undisturbed: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a training whose worker dies after early stopping, before anything was published
    training = start(**EARLY)
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            training.run()
    # When another attempt goes on
    second = training.run()
    # Then it trains nothing, and publishes the same
    assert second.epochs == second.places == []
    assert_same_end(training, undisturbed(**EARLY))


@pytest.mark.usefixtures("each_epoch")
def test_a_damaged_checkpoint_is_said_and_the_one_before_is_used(
    start: Start, undisturbed: Start, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a training that was killed in its fourth epoch
    training = start()
    training.run("outdated", after_call(3, 1))
    newest, before = training.checkpoints().positions().items()
    assert (newest[1], before[1]) == (Position(3), Position(2))
    # And one byte that has changed in its newest checkpoint
    path = training.folder.local(f"{AttemptFolder.checkpoints}/{newest[0]}")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    # When another attempt goes on
    with caplog.at_level(logging.INFO, "fitq.job"):
        second = training.run()
    # Then it says so, uses the one before, and ends the same
    assert f"{newest[0]} is damaged: using the one before" in caplog.text
    assert "goes on at epoch 3 (checkpoint of attempt 1)" in caplog.text
    assert second.epochs == [3, 4, 5]
    assert_same_end(training, undisturbed())


@pytest.mark.soak
def test_long_epochs_have_checkpoints_within(
    start: Start, undisturbed: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given minutes that pass between two calls of the compiled step
    monkeypatch.setattr(checkpoint_writer, "BATCH_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint_writer, "PAUSE", 0.0)
    training = start()
    # When the training is killed within an epoch
    training.run("outdated", after_call(1, 2))
    # Then it goes on within that epoch
    assert max(training.checkpoints().positions().values()) == Position(1, 2 * BATCHES_IN_CALL)
    assert training.run().places[0] == (2, 3 * BATCHES_IN_CALL)
    assert_same_end(training, undisturbed())


def test_attempts_before_the_first_one_are_not_gone_on_with(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    training = start()
    training.run("drain", epoch_begin(1))
    training.first_attempt = 2
    with caplog.at_level(logging.INFO, "fitq.job"):
        assert training.run("drain", epoch_begin(1)).epochs == [1]
    assert "begins anew" in caplog.text


@pytest.mark.usefixtures("each_epoch")
def test_a_checkpoint_that_cannot_be_written_stops_the_attempt(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = start()
    monkeypatch.setattr(CheckpointFolder, "write", full)
    with pytest.raises(StoreError, match="No space left"):
        training.run()


def test_a_drain_needs_no_room(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    training = start()
    monkeypatch.setattr(CheckpointFolder, "write", full)
    training.run("drain", after_call(1, 0))
    assert "no checkpoint at epoch 2, batch 16: No space left" in caplog.text


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def full(*_: object) -> None:
    raise StoreError("No space left on device", passing=True)


def test_another_process_goes_on_to_the_same_end(start: Start, undisturbed: Start) -> None:
    # Given a training that was drained within an epoch
    training = start()
    training.run("drain", after_call(2, 1))
    # When a fresh Python goes on with it
    code = (
        "import sys; from fitq_shared.store import Store; from support import trainings;"
        "trainings.without_pictures(setattr); job = trainings.job(Store(sys.argv[1]));"
        "job.attempt = 1; assert job.run().epochs == [3, 4, 5]"
    )
    tests = str(Path(support.__file__).parents[1])
    subprocess.run(
        [sys.executable, "-c", code, training.store.url],
        env={**os.environ, "PYTHONPATH": tests},
        check=True,
        timeout=120,
    )
    # Then the end is the same
    training.attempt = 2
    assert_same_end(training, undisturbed())
