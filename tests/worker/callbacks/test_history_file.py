from __future__ import annotations

import csv
import json
from collections.abc import Callable

import keras
import pytest

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.events import Event
from fitq_worker.callbacks.history_file import HistoryFile
from fitq_worker.reporter import Reporter

Fit = Callable[..., dict[str, list[float]]]
COLUMNS = ["epoch", "loss", "mae", "val_loss", "val_mae", "learning_rate", "seconds"]


@pytest.fixture
def history(attempt_folder: AttemptFolder, reporter: Reporter) -> HistoryFile:
    return HistoryFile(attempt_folder, reporter)


def csv_rows(folder: AttemptFolder) -> list[dict[str, float]]:
    lines = folder.read(AttemptFolder.history_csv).decode().splitlines()
    return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(lines)]


def test_each_epoch_is_one_row_of_keras_s_own_numbers(
    fit: Fit, history: HistoryFile, attempt_folder: AttemptFolder
) -> None:
    # Given a training of three epochs
    kept = fit(history, epochs=3)
    # Then there are three rows, counted from 1, with what Keras measured
    rows = json.loads(attempt_folder.read(AttemptFolder.history_json))
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert sorted(rows[0]) == sorted(COLUMNS)
    for name in ("loss", "mae", "val_loss", "val_mae"):
        assert [row[name] for row in rows] == kept[name]
    assert all(row["seconds"] >= 0 for row in rows)


def test_the_csv_has_one_head_and_the_same_numbers(
    fit: Fit, history: HistoryFile, attempt_folder: AttemptFolder
) -> None:
    fit(history, epochs=3)
    # Then both files say the same to the last digit
    assert csv_rows(attempt_folder) == json.loads(attempt_folder.read(AttemptFolder.history_json))
    assert csv_rows(attempt_folder) == history.rows
    first = attempt_folder.read(AttemptFolder.history_csv).decode().splitlines()[0]
    assert sorted(first.split(",")) == sorted(COLUMNS)


def test_what_is_done_is_written_after_each_epoch(
    fit: Fit, history: HistoryFile, attempt_folder: AttemptFolder
) -> None:
    # Given someone who reads both files after each epoch
    seen: list[tuple[int, int]] = []

    class Reader(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            in_json = json.loads(attempt_folder.read(AttemptFolder.history_json))
            seen.append((len(csv_rows(attempt_folder)), len(in_json)))

    fit(history, Reader(), epochs=3)
    # Then they find one row more each time
    assert seen == [(1, 1), (2, 2), (3, 3)]


def test_each_epoch_is_an_event(
    fit: Fit, history: HistoryFile, events: Callable[[str], list[Event]]
) -> None:
    fit(history, epochs=2)
    told = events("epoch")
    assert [event.data for event in told] == history.rows
    assert [event.attempt for event in told] == [1, 1]


def test_the_learning_rate_is_that_of_its_epoch(fit: Fit, history: HistoryFile) -> None:
    # Given a learning rate that halves after each epoch
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    fit(halve, history, epochs=3)
    assert [row["learning_rate"] for row in history.rows] == [0.25, 0.125, 0.0625]


def test_a_training_that_goes_on_has_the_rows_of_before_and_reports_only_its_own(
    fit: Fit,
    model: keras.Model,
    attempt_folder: AttemptFolder,
    reporter: Reporter,
    events: Callable[[str], list[Event]],
) -> None:
    # Given an earlier attempt of two epochs, which has spent 100 s in the third
    first = HistoryFile(attempt_folder, reporter)
    fit(first, epochs=2)
    told = len(events("epoch"))
    # When another goes on, and has not yet ended an epoch
    second = HistoryFile(attempt_folder, reporter, first.rows, 100.0)
    second.set_model(model)
    second.on_train_begin()
    # Then both files have the rows of before
    assert csv_rows(attempt_folder) == first.rows
    assert json.loads(attempt_folder.read(AttemptFolder.history_json)) == first.rows
    # And after two epochs, the first of them with the time that was spent on it before, all four
    for epoch in (2, 3):
        second.on_epoch_begin(epoch)
        second.on_epoch_end(epoch, {"loss": 1.0, "mae": 1.0, "val_loss": 1.0, "val_mae": 1.0})
    assert [row["epoch"] for row in csv_rows(attempt_folder)] == [1, 2, 3, 4]
    assert csv_rows(attempt_folder) == second.rows
    assert second.rows[2]["seconds"] >= 100 > second.rows[3]["seconds"]
    assert [event.data["epoch"] for event in events("epoch")[told:]] == [3, 4]
