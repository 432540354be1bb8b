"""The history of a training, written as it happens."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from fitq_shared.attempt_folder import AttemptFolder

if TYPE_CHECKING:
    from fitq_worker.reporter import Reporter


class HistoryFile(keras.callbacks.Callback):
    """After each epoch: history.csv and history.json anew, and an event.

    A row has `epoch` (from 1), the losses and metrics, `learning_rate`, and `seconds`.

    Args:
        rows: those of the epochs that an earlier attempt has finished; they are written, too,
            but not reported again.
        seconds: what an earlier attempt has spent in the epoch that goes on.
    """

    def __init__(
        self,
        folder: AttemptFolder,
        reporter: Reporter,
        rows: Sequence[dict[str, float]] = (),
        seconds: float = 0.0,
    ) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = list(rows)
        self._folder = folder
        self._reporter = reporter
        self._spent = seconds
        self._started = 0.0

    def seconds(self) -> float:
        """How long the epoch that has begun has taken so far, in all attempts."""
        return round(time.monotonic() - self._started, 3)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Write what earlier attempts have done."""
        if self.rows:
            self._write()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the epoch's clock."""
        self._started = time.monotonic() - self._spent
        self._spent = 0.0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write and report the epoch's row."""
        row: dict[str, float] = {"epoch": epoch + 1}
        row.update({name: float(value) for name, value in (logs or {}).items()})
        if self.model.optimizer is not None:
            rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
            row["learning_rate"] = float(rate)
        row["seconds"] = self.seconds()
        self.rows.append(row)
        self._write()
        self._reporter.epoch(row)

    def _write(self) -> None:
        """Both files anew: each is there whole, also in a store to which nothing is appended."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        self._folder.write(AttemptFolder.history_csv, text.getvalue())
        self._folder.write_json(AttemptFolder.history_json, self.rows)
