"""Decides when a training writes a checkpoint."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from fitq_shared.errors import StoreError

if TYPE_CHECKING:
    from fitq_worker.checkpoints import Checkpoint, CheckpointFolder, Position

log = logging.getLogger("fitq.job")

# The least time between two checkpoints at the ends of epochs, and within an epoch, in seconds.
EPOCH_SECONDS = 1.0
BATCH_SECONDS = 300.0
# Writing takes a tenth of the time at most: large models on slow volumes write less often.
PAUSE = 9.0


class CheckpointWriter:
    """Writes checkpoints at ends of epochs, every few minutes within one, and before leaving.

    Args:
        capture: makes the checkpoint of the training as it is now, at the position given.
        begun: where the training has begun or gone on: there is nothing to save there.
    """

    def __init__(
        self,
        folder: CheckpointFolder,
        capture: Callable[[Position], Checkpoint],
        begun: Position,
    ) -> None:
        self._folder = folder
        self._capture = capture
        self._saved = begun
        self._written = time.monotonic()
        self._pause = 0.0

    def batch_ended(self, position: Position) -> None:
        """Write if the last one is minutes ago.

        Raises:
            StoreError: the volume cannot be written.
        """
        self._write_after(BATCH_SECONDS, position)

    def epoch_ended(self, position: Position) -> None:
        """Write unless that was just done.

        Raises:
            StoreError: the volume cannot be written.
        """
        self._write_after(EPOCH_SECONDS, position)

    def leave(self, position: Position) -> None:
        """Write now; where that fails, the checkpoint before this one has to do."""
        if position == self._saved:
            return
        try:
            self._write(position)
        except StoreError as error:
            log.warning("no checkpoint at %s: %s", position, error.message)
        else:
            log.info("checkpoint at %s", position)

    def _write_after(self, seconds: float, position: Position) -> None:
        if time.monotonic() - self._written >= max(seconds, self._pause):
            self._write(position)

    def _write(self, position: Position) -> None:
        begun = time.monotonic()
        self._folder.write(self._capture(position))
        self._saved = position
        self._written = time.monotonic()
        self._pause = PAUSE * (self._written - begun)
