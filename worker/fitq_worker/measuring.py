"""A model at hand, measured on rows whose targets are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fitq_worker import backend
from fitq_worker.behind_steps import behind_steps
from fitq_worker.callbacks.progress import Progress
from fitq_worker.feeding import Fed
from fitq_worker.input_fields import check_pixels
from fitq_worker.measured import feed_published, predicted, read_targets
from fitq_worker.model_errors import layer_named
from fitq_worker.rows import batches_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_worker.held_out import Measured
    from fitq_worker.published_model import LoadedModel
    from fitq_worker.reporter import Reporter


class _ReadOnce(Fed):
    """Rows that are measured and then predicted: images would else be decoded twice."""

    def whole(self) -> tuple[Any, ...] | None:
        return self._whole

    @cached_property
    def _whole(self) -> tuple[Any, ...] | None:
        return super().whole()


@dataclass(frozen=True, eq=False)
class Measuring:
    """A model and the rows that it is measured by.

    Attributes:
        published: the model.
        fed: the rows as it takes them.
        true: their targets, by output: shape (n, ...).
        batch_size: how many rows it takes at once.
        progress: shown while it goes on.
    """

    published: LoadedModel
    fed: Fed
    true: dict[str, NDArray[Any]]
    batch_size: int
    progress: Progress

    def metrics(self) -> dict[str, float]:
        """The loss and metrics that the model was compiled with, on all rows.

        Raises:
            BadJob: the model has no loss, or cannot be called; names the layer at fault.
        """
        published = self.published
        own = behind_steps(published.model) if published.interface.behind_steps else None
        measured_by = replace(published, model=own.model) if own else published
        measured_by.compile()
        model = measured_by.model
        options: dict[str, Any] = {"callbacks": [self.progress], "verbose": 0, "return_dict": True}
        with layer_named("the model cannot be measured on the data"), backend.reading():
            whole = None if own else self.fed.whole()
            if whole is None:
                rows = backend.batches(self.fed, self.batch_size)
                rows = own.prepared(rows) if own else rows
                measured = model.evaluate(rows, **options)
            else:
                measured = model.evaluate(*whole, batch_size=self.batch_size, **options)
        return {name: float(value) for name, value in measured.items()}

    def said(self) -> dict[str, NDArray[Any]]:
        """What the model says of the rows, by output: shape (n, ...)."""
        with backend.reading():
            return predicted(self.published, self.fed, self.batch_size, [self.progress])


def measuring(
    published: LoadedModel, found: Measured, what: str, batch_size: int, reporter: Reporter
) -> Measuring:
    """Bring a model and rows together, and see that they fit.

    Args:
        what: whose rows they are, for messages.

    Raises:
        BadJob: they do not fit.
    """
    feed = feed_published(published, found.examples)
    fed = _ReadOnce(feed, found.examples, found.rows)
    check_pixels(fed, published.interface, what)
    true = read_targets(fed, reporter.obey)
    for name, target in feed.targets.items():
        target.check(true[name], what)
    progress = Progress(reporter, 1, batches_of(fed, batch_size))
    return Measuring(published, fed, true, batch_size, progress)
