"""Tells how far the work is, and stops it when that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from fitq_worker.reporter import Reporter


class Progress(keras.callbacks.Callback):
    """Reports progress within epochs, and obeys orders between batches.

    Args:
        epochs: how many epochs the training has; 1 for an evaluation or a prediction.
        batches: how many batches an epoch has.
    """

    def __init__(self, reporter: Reporter, epochs: int, batches: int) -> None:
        super().__init__()
        self._reporter = reporter
        self._epochs = epochs
        self._batches = batches
        self._epoch = 0
        self._fitting = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """From now on test batches are those of a validation."""
        self._fitting = True

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember the epoch."""
        self._epoch = epoch
        self._reporter.obey()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Obey and report."""
        self._reporter.obey()
        self._report("training", batch, logs)

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Obey; report only where the test is the job itself."""
        self._reporter.obey()
        if not self._fitting:
            self._report("evaluating", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Obey and report."""
        self._reporter.obey()
        self._report("predicting", batch, None)

    def _report(self, phase: str, batch: int, logs: dict[str, Any] | None) -> None:
        row: dict[str, float | str] = {
            "phase": phase,
            "epoch": self._epoch + 1,
            "epochs": self._epochs,
            "batch": batch + 1,
            "batches": self._batches,
        }
        row.update({name: float(value) for name, value in (logs or {}).items()})
        self._reporter.progress(row)
