"""Early stopping that does not wait for what is never measured."""

from __future__ import annotations

from typing import Any

import keras

from fitq_shared.errors import BadJob
from fitq_shared.specs.mistakes import unknown_choice


class EarlyStopping(keras.callbacks.EarlyStopping):
    """As Keras's, but a value to monitor that is not there fails the job at the first epoch.

    Keras only warns, and trains to the end.
    """

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look whether it has become better.

        Raises:
            BadJob: it is not measured, or nobody knows whether less or more of it is better.
        """
        if self.monitor not in (logs or {}):
            mistake = unknown_choice("early_stopping.monitor", self.monitor, logs or {})
            raise BadJob(str(mistake), "name a value of the training (--monitor)")
        try:
            super().on_epoch_end(epoch, logs)
        except ValueError as error:
            raise BadJob(
                f"early stopping cannot tell whether more or less of {self.monitor!r} is better",
                'say it in the job file: [early_stopping] mode = "min" or "max"',
            ) from error
