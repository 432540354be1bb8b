"""The callbacks of one training, and where in it they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from fitq_worker.checkpoints import NamedArrays, Position

if TYPE_CHECKING:
    from fitq_worker.checkpoint_writer import CheckpointWriter
    from fitq_worker.training_state import TrainingState


class Course(keras.callbacks.CallbackList):
    """Callbacks that take several calls of `fit` for one training, and its checkpoints.

    A training that goes on within an epoch fits what is left of that epoch first, and then the
    others. The callbacks see one beginning and one end, and batches by their numbers in the
    epoch. The position and the metrics are at any time those that a checkpoint needs.

    Args:
        position: where the training begins or goes on.
        metrics: the values that the metrics had there, if it is within an epoch.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        model: keras.Model,
        state: TrainingState,
        writer: CheckpointWriter,
        position: Position,
        metrics: NamedArrays,
    ) -> None:
        # Keras's own history too: `fit` returns it.
        super().__init__(list(callbacks), add_history=True, model=model)
        self.position = position
        self._state = state
        self._writer = writer
        self._metrics = metrics
        self._done = 0
        self._validating = False

    def begin(self) -> None:
        """Tell all callbacks that the training begins."""
        super().on_train_begin()

    def end(self) -> None:
        """Tell all callbacks that the training is over."""
        super().on_train_end()

    def leave(self) -> None:
        """Write a checkpoint of where the training is, if the volume allows."""
        self._writer.leave(self.position)

    def metrics(self) -> NamedArrays:
        """The metrics of the epoch's training so far; a validation measures with the same ones."""
        if self.position.batch == 0:
            return []
        return self._metrics if self._validating else self._state.metrics()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Pass over the beginning of a `fit`."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Pass over the end of a `fit`."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Give the metrics, which have just been reset, the values of an epoch that goes on."""
        self._done = self.position.batch
        if self._done:
            self._state.restore_metrics(self._metrics)
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count from the beginning of the epoch."""
        super().on_train_batch_begin(self._done + batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Know the position before any callback can stop the training."""
        batch += self._done
        self.position = Position(self.position.epoch, batch + 1)
        super().on_train_batch_end(batch, logs)
        self._writer.batch_ended(self.position)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Keep the metrics of the training before the validation resets them."""
        self._metrics = self._state.metrics()
        self._validating = True
        super().on_test_begin(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Go to the next epoch when all callbacks have done their part."""
        super().on_epoch_end(epoch, logs)
        self._validating = False
        self.position = Position(epoch + 1)
        self._writer.epoch_ended(self.position)
