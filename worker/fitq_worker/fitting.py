"""The fitting of one model, from its beginning or from a checkpoint to its end."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from fitq_worker import backend
from fitq_worker.callbacks.course import Course
from fitq_worker.callbacks.early_stopping import EarlyStopping
from fitq_worker.callbacks.finite_loss import FiniteLoss
from fitq_worker.callbacks.history_file import HistoryFile
from fitq_worker.callbacks.memory import memory_of, remind
from fitq_worker.callbacks.progress import Progress
from fitq_worker.checkpoint_writer import CheckpointWriter
from fitq_worker.checkpoints import Checkpoint, CheckpointFolder, Position, newest_first
from fitq_worker.compiling import trains_itself
from fitq_worker.model_errors import layer_named
from fitq_worker.reporter import StopJob
from fitq_worker.training_state import DoesNotFit, TrainingState

if TYPE_CHECKING:
    from fitq_shared.specs.train import TrainJob
    from fitq_worker.job_context import JobContext
    from fitq_worker.rows import Data, ShuffledRows

log = logging.getLogger("fitq.job")


class Fitting:
    """A compiled model, its rows, and what has become of them so far.

    Weights and history end the same to the last bit, however often the fitting was interrupted
    and by another worker gone on with, if that was on CPU with the same number of threads.

    Args:
        held_out: rows to validate on after each epoch, if there are any.
        callbacks: the user's own.
    """

    def __init__(
        self,
        context: JobContext,
        spec: TrainJob,
        model: keras.Model,
        rows: ShuffledRows,
        held_out: Data | None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        self._context = context
        self._spec = spec
        self._model = model
        self._rows = rows
        self._own_callbacks = callbacks
        self._validation_batch_size = max(spec.batch_size, 512)
        self._held_out = self._readable(held_out)
        self._stopping = (
            EarlyStopping(**spec.early_stopping.model_dump()) if spec.early_stopping else None
        )
        with layer_named("the model cannot learn from the data"):
            self._state = TrainingState(
                *(model, self._stopping, rows.data.read(slice(0, 1))),
                trains_itself=trains_itself(model),
            )
        backend.keep_first_batch(model)
        self._resumed = self._find_checkpoint()
        self._history = self._history_so_far()
        self._course = self._plan_course()

    @property
    def history(self) -> list[dict[str, float]]:
        """The rows of all epochs so far."""
        return self._history.rows

    @property
    def kept(self) -> int:
        """Which row of the history the model's weights belong to, once the fitting is done."""
        if self._stopping is not None and self._stopping.restore_best_weights:
            return int(self._stopping.best_epoch)
        return len(self.history) - 1

    def run(self) -> None:
        """Fit the model to its end.

        Raises:
            StopJob: the job is to stop. If it is to be handed on, its checkpoint is written.
            BadJob: the loss is no number any more.
            StoreError: history or checkpoints cannot be written.
        """
        started, before = time.monotonic(), len(self.history)
        self._course.begin()
        if self._resumed:
            self._state.restore_stopping(self._resumed.stopping, self._resumed.arrays["best"])
            remind(self._own_callbacks, self._resumed.callbacks)
        try:
            if self._resumed is None or not self._resumed.over:
                with backend.reading():
                    self._go_on()
        except StopJob as stop:
            if stop.order == "drain":
                self._course.leave()
            raise
        self._course.end()
        seconds = time.monotonic() - started
        log.info("trained %s epochs in %.1f s", len(self.history) - before, seconds)

    def _go_on(self) -> None:
        epoch, batch = self._course.position.epoch, self._course.position.batch
        if batch == self._rows.batches:
            self._end_epoch(epoch)
        elif batch:
            self._fit(epoch, epoch + 1, batch)
        following = self._course.position.epoch
        if following < self._spec.epochs and not self._model.stop_training:
            self._fit(following, self._spec.epochs)

    def _fit(self, epoch: int, end: int, batch: int = 0) -> None:
        """Fit the epochs up to this end, the first of them without its first batches."""
        self._model.fit(
            backend.stream(self._rows, epoch, batch),
            steps_per_epoch=self._rows.batches - batch,
            shuffle=False,
            initial_epoch=epoch,
            epochs=end,
            **self._validation(),
            callbacks=self._course,
            verbose=0,
        )

    def _readable(self, held_out: Data | None) -> Any:
        """Rows to validate on as `fit` takes them: arrays, or a data set that reads them."""
        if held_out is None:
            return None
        whole = held_out.whole()
        return backend.batches(held_out, self._validation_batch_size) if whole is None else whole

    def _validation(self) -> dict[str, Any]:
        if self._held_out is None:
            return {}
        size = self._validation_batch_size if isinstance(self._held_out, tuple) else None
        return {"validation_data": self._held_out, "validation_batch_size": size}

    def _measure(self) -> dict[str, float]:
        """Validate, as `fit` does at the end of an epoch."""
        options = {"callbacks": self._course, "return_dict": True, "verbose": 0}
        if not isinstance(self._held_out, tuple):
            return dict(self._model.evaluate(self._held_out, **options))
        x, y, weights = (*self._held_out, None, None)[:3]
        size = self._validation_batch_size
        return dict(self._model.evaluate(x, y, batch_size=size, sample_weight=weights, **options))

    def _end_epoch(self, epoch: int) -> None:
        """End an epoch whose batches are all done, as `fit` does."""
        self._model.reset_metrics()
        self._course.on_epoch_begin(epoch)
        logs = self._model.get_metrics_result()
        if self._held_out is not None:
            measured = self._measure()
            logs.update({f"val_{name}": value for name, value in measured.items()})
        self._course.on_epoch_end(epoch, logs)

    def _plan_course(self) -> Course:
        context, rows, resumed = self._context, self._rows, self._resumed
        # The history first: its clock must run when the progress hears of an order to stop.
        callbacks = [
            self._history,
            FiniteLoss(),
            Progress(context.reporter, self._spec.epochs, rows.batches),
            *([self._stopping] if self._stopping else []),
            *self._own_callbacks,
        ]
        folder = CheckpointFolder(context.store, context.record.id, context.record.attempt)
        position = resumed.position if resumed else Position()
        writer = CheckpointWriter(folder, self._capture, position)
        metrics = resumed.arrays["metrics"] if resumed else []
        return Course(callbacks, self._model, self._state, writer, position, metrics)

    def _history_so_far(self) -> HistoryFile:
        context, resumed = self._context, self._resumed
        rows, seconds = (resumed.history, resumed.seconds) if resumed else ([], 0.0)
        return HistoryFile(context.folder, context.reporter, rows, seconds)

    def _capture(self, position: Position) -> Checkpoint:
        return Checkpoint(
            position=position,
            spec_hash=self._context.record.spec_hash,
            threads=backend.threads(),
            over=position.epoch >= self._spec.epochs or self._model.stop_training,
            history=self.history,
            seconds=self._history.seconds() if position.batch else 0.0,
            stopping=self._state.stopping(),
            arrays={**self._state.arrays(), "metrics": self._course.metrics()},
            callbacks=memory_of(self._own_callbacks),
        )

    def _find_checkpoint(self) -> Checkpoint | None:
        """Restore model and optimizer from the newest checkpoint that is whole and fits."""
        for number, checkpoint in newest_first(self._context.store, self._context.record):
            try:
                self._check_position(checkpoint.position)
                self._state.restore(checkpoint.arrays)
            except DoesNotFit as error:
                log.warning("a checkpoint of attempt %s does not fit: %s", number, error)
                continue
            where = "at its end" if checkpoint.over else f"at {checkpoint.position}"
            log.info("goes on %s (checkpoint of attempt %s)", where, number)
            if checkpoint.threads != backend.threads():
                log.warning(
                    "the checkpoint was made with %s threads, this worker uses %s: "
                    "the last digits may differ from those of an undisturbed run",
                    checkpoint.threads,
                    backend.threads(),
                )
            return checkpoint
        if self._context.record.attempt > 1:
            log.info("begins anew: there is no checkpoint to go on from")
        return None

    def _check_position(self, position: Position) -> None:
        """See that the compiled step, which takes several batches, can begin there."""
        steps = self._model.steps_per_execution
        if position.batch % steps or position.batch > self._rows.batches:
            raise DoesNotFit(f"it stops after batch {position.batch}, expected {steps} in a call")
