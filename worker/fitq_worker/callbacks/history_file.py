"""The history of a training, written as it happens."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING, Any

import keras

from fitq_shared.attempt_folder import AttemptFolder

if TYPE_CHECKING:
    from fitq_worker.reporter import Reporter


class HistoryFile(keras.callbacks.Callback):
    """After each epoch: a row in history.csv, history.json anew, and an event.

    A row has `epoch` (from 1), the losses and metrics, `learning_rate`, and `seconds`.
    """

    def __init__(self, folder: AttemptFolder, reporter: Reporter) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []
        self._folder = folder
        self._reporter = reporter
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the epoch's clock."""
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write and report the epoch's row."""
        row: dict[str, float] = {"epoch": epoch + 1}
        row.update({name: float(value) for name, value in (logs or {}).items()})
        row["learning_rate"] = float(self.model.optimizer.learning_rate)
        row["seconds"] = round(time.monotonic() - self._started, 3)
        self.rows.append(row)
        self._append(row)
        self._folder.write_json(AttemptFolder.history_json, self.rows)
        self._reporter.epoch(row)

    def _append(self, row: dict[str, float]) -> None:
        path = self._folder.local(AttemptFolder.history_csv)
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            if len(self.rows) == 1:
                writer.writeheader()
            writer.writerow(row)
