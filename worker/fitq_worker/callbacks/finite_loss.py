"""Stops a training whose loss is no number any more."""

from __future__ import annotations

import math
from typing import Any

import keras

from fitq_shared.errors import Diverged


class FiniteLoss(keras.callbacks.Callback):
    """Fails the job at the first batch whose loss is NaN or infinite.

    `keras.callbacks.TerminateOnNaN` stops too, but as if the training had gone well.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember the epoch, for the message."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the running mean of the loss.

        Raises:
            Diverged: it is not finite.
        """
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            raise Diverged(
                f"the loss became {float(loss)} in epoch {self._epoch + 1}, batch {batch + 1}",
                "lower the learning rate (--learning-rate), or look for odd values in the data",
            )
