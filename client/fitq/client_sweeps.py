"""What the Python client does with sweeps: submits them, and finds those that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitq.at_hand import STAND_IN, upload_fields
from fitq.exchange import refuse_both
from fitq.job import Job, jobs_before
from fitq.keras_models import fields_of, is_model
from fitq.model_references import find_model_after
from fitq.sweep import Sweep
from fitq.sweep_drafts import complete_sweep, space_of
from fitq.sweeping import Sweeping
from fitq.uploads import upload_all
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.sweeps.spec import SweepSpec

if TYPE_CHECKING:
    from fitq.keras_models import Arrays
    from fitq.queue import Queue

_OF_SWEEP = SweepSpec.model_fields.keys() - {"schema_version", "train", "space"}


class SweepCalls:
    """The part of `Client` that is about sweeps."""

    queue: Queue

    def sweep(
        self,
        *,
        grid: Mapping[str, Any] | None = None,
        random: Mapping[str, Any] | None = None,
        x: Arrays | None = None,
        y: Arrays | None = None,
        folder: str | Path = ".",
        after: Job | str | Sequence[Job | str] = (),
        **spec: Any,
    ) -> Sweep:
        """Train many variants of a model to find the best, as `fitq sweep` does.

        Args:
            grid: by name (lr, batch_size, an option of the model …) the values to walk, in every
                combination: a list, or an array of shape (n,).
            random: by name what to draw from: a pair (low, high), a list of values, or a range as
                the command line has it, such as "1e-4..1e-1:log".
            x, y: arrays of shape (n, ...) to train on instead of a `dataset`, as for `fit`, called
                x and y where they are no dicts. `y` None: `x` is the target too.
            folder: what paths such as model="net.py:build" are relative to.
            after: its trials are begun when these jobs have succeeded.
            spec: of the sweep: trials, metric, goal, sampler, stop, parallel, failures, seed, name,
                tags, model_name, promote; all else as for `train`: dataset, model, epochs …

        Returns:
            The sweep, which the workers conduct.

        Raises:
            InvalidInput: names every mistake at once. Nothing was submitted.
            UnknownJob: there is no such job to come after.
        """
        if is_model(spec.get("model")):
            expected = "a name or a builder such as net.py:build, which makes each trial's anew"
            raise InvalidInput([Mistake("model", "a model at hand", expected)])
        given = {name: value for name, value in spec.items() if value is not None}
        values = {name: value for name, value in given.items() if name in _OF_SWEEP}
        train = {name: v for name, v in given.items() if name not in _OF_SWEEP or name == "seed"}
        before = jobs_before(self.queue, after)
        if isinstance(found := train.get("init_from"), str | Job):
            named = found.id if isinstance(found, Job) else found
            waited = [record.id for record in before]
            train["init_from"] = find_model_after(self.queue, named, waited)[1].model_dump()
        values |= {"space": space_of(grid or {}, random or {}), "train": train}
        settings = self.queue.settings
        if x is not None:
            refuse_both(train.get("dataset"))
            fields = fields_of(None, x, x if y is None else y)
            # All that is wrong is told before the arrays are sent.
            tried = {**values, "train": {**train, "dataset": STAND_IN}}
            complete_sweep(tried, settings, Path(folder))
            train["dataset"] = upload_fields(self.queue, None, fields, {})
        made, uploads = complete_sweep(values, settings, Path(folder))
        upload_all(self.queue, uploads)
        return Sweep(self.queue, Sweeping(self.queue).submit(made, before))

    def get_sweep(self, reference: str) -> Sweep:
        """The sweep that an id, the beginning of one, or a name refers to.

        Raises:
            UnknownJob: there is none, or several begin like this.
        """
        return Sweep(self.queue, Sweeping(self.queue).find(reference))

    def sweeps(self, limit: int | None = 20) -> list[Sweep]:
        """The sweeps, newest first.

        Args:
            limit: at most so many; None: all.
        """
        return [Sweep(self.queue, record) for record, _ in Sweeping(self.queue).all(limit)]
