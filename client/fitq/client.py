"""The Python client: `model.fit` on a queue.

    from fitq import Client

    job = Client().fit(model, x, y, epochs=5, device="gpu")
    job.watch()
    trained = job.model()

Keras is never imported here: who gives a model has imported it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fitq.at_hand import STAND_IN, evaluation, prediction, upload_fields
from fitq.callbacks_at_hand import calls_of
from fitq.chains import read_chain
from fitq.client_sweeps import SweepCalls
from fitq.drafts import complete, read_toml
from fitq.exchange import (
    class_weights,
    packed,
    predictions,
    refuse,
    refuse_both,
    row_weights,
    with_code,
)
from fitq.filters import check_filters
from fitq.job import Job, jobs_before
from fitq.keras_models import SPLIT, WEIGHT, Fields, fields_of, is_model, saved, with_validation
from fitq.model_interface import fields_by_name, inputs_by_name
from fitq.model_references import find_model_after
from fitq.own_model import complete_with_files
from fitq.queue import Queue
from fitq.uploads import Upload, upload_all
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.settings import Settings
from fitq_shared.texts import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq.keras_models import Arrays
    from fitq_shared.record import JobRecord
    from fitq_shared.specs.base import JobSpec

    Model = Any
    """A Keras model; or, where one that is trained is meant, a Job, a job's name or id, or
    "name@3", "name@alias", "name" of a registered model."""


class Client(SweepCalls):
    """Submits jobs with what is at hand in Python, and finds those that there are.

    Args:
        settings: where the queue and the store are; by default from the environment
            (FITQ_REDIS_URL, FITQ_STORE) or the local stack of this folder.

    Raises:
        QueueUnreachable: from every method, when Redis does not answer.
        InvalidInput: from what submits; names every mistake at once. Nothing was submitted.
        StoreError: from what gives or reads models and arrays, when the store does not answer.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.queue = Queue(settings)

    # -- submitting -----------------------------------------------------------------------

    def fit(
        self,
        model: Model,
        x: Arrays,
        y: Arrays | None = None,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        validation_split: float = 0.0,
        validation_data: tuple[Any, Any] | None = None,
        sample_weight: NDArray[Any] | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
        callbacks: Any = (),
        after: Job | str | Sequence[Job | str] = (),
        **spec: Any,
    ) -> Job:
        """Train a Keras model on arrays, on a worker: as `Model.fit`, but returns at once.

        The model goes as it is: with its weights and, if it was compiled, with its optimizer,
        loss and metrics. One that was not compiled gets those that are given here, or that suit
        the target. It is not changed: `job.model()` is the trained one.

        Args:
            model: a Keras model. Classes, losses and metrics of yours go with it, as the source
                of what defines them, and only to workers that allow code.
            x, y: arrays of shape (n, ...); with several inputs or outputs a dict by their names,
                or a list in their order. `y` None: `x` is the target too, as for an autoencoder.
            validation_split: the share of the last rows that validate, before any shuffling.
            validation_data: (x, y) to validate with instead.
            sample_weight: of each row, shape (n,).
            class_weight: by the number of the class; or "balanced".
            callbacks: one of Keras's or of yours, or a list; each is made anew on a worker that
                allows code. `keras.callbacks.EarlyStopping` alone needs no code.
            after: jobs that have to succeed first.
            spec: what else a training takes: device, name, tags, timeout, priority, gpus, seed,
                optimizer, loss, metrics, early_stopping, model_name … (see `fitq train --help`).

        Returns:
            The job, which is queued.
        """
        calls = calls_of(callbacks or ())
        refuse(spec, model, calls)
        fields = fields_of(model, x, x if y is None else y)
        values: dict[str, Any] = {
            "kind": "train",
            "epochs": epochs,
            "batch_size": batch_size,
            "validation_split": validation_split,
            "class_weight": class_weights(class_weight),
            "early_stopping": calls.early_stopping,
            **spec,
        }
        others: dict[str, NDArray[Any]] = {}
        weight = None if sample_weight is None else row_weights(sample_weight, fields)
        if validation_data is not None:
            fields, others[SPLIT] = self._validation(model, fields, validation_data, values)
            if weight is not None:
                missing = len(others[SPLIT]) - len(weight)
                weight = np.concatenate([weight, np.ones(missing, dtype=np.float32)])
        if weight is not None:
            others[WEIGHT] = weight
            values["sample_weight"] = WEIGHT
        with saved(model, x) as path:
            # All that is wrong is told before the arrays are sent.
            values["model"], uploads = with_code(path, calls)
            complete({**values, "dataset": STAND_IN}, self.queue.settings)
            values["dataset"] = upload_fields(self.queue, model, fields, others)
            spec_ = complete(values, self.queue.settings)
            upload_all(self.queue, uploads)
        return self._submit(spec_, after)

    def train(
        self,
        *,
        folder: str | Path = ".",
        after: Job | str | Sequence[Job | str] = (),
        **spec: Any,
    ) -> Job:
        """Train by the names of model and data set, as `fitq train` does.

        Args:
            folder: what paths such as model="net.py:build" are relative to.
            after: jobs that have to succeed first.
            spec: dataset, model, epochs, optimizer … as a job file has them.
        """
        values = {"kind": "train", **spec}
        if isinstance(values.get("init_from"), str | Job):
            values["init_from"] = self._reference(values["init_from"], after)[1]
        complete_, uploads = complete_with_files(values, self.queue.settings, Path(folder))
        upload_all(self.queue, uploads)
        return self._submit(complete_, after)

    def evaluate(
        self,
        model: Model,
        x: Arrays | None = None,
        y: Arrays | None = None,
        *,
        dataset: str | None = None,
        after: Job | str | Sequence[Job | str] = (),
        **spec: Any,
    ) -> Job:
        """Measure a model on arrays, or on a data set.

        Args:
            model: a job, what names a trained model, or a compiled Keras model at hand, which goes
                with its weights, loss and metrics, as `Model.evaluate` takes them.
            x, y: arrays, as for `fit`. Without them `dataset` says on what; by default the data
                set that the model was trained on, if a job has.
            spec: split, batch_size, device, name … as for `fitq evaluate`.

        Returns:
            The job; `job.wait().metrics` has loss and metrics.
        """
        if is_model(model):
            return self._submit(evaluation(self.queue, model, x, y, dataset, spec), after)
        trained, reference = self._reference(model, after)
        values: dict[str, Any] = {"kind": "evaluate", "model": reference, **spec}
        if x is not None:
            refuse_both(dataset)
            fields = fields_by_name(self.queue.artifacts.folder(trained), trained.name, x, y)
            values |= {"dataset": upload_fields(self.queue, None, fields, {}), "split": "train"}
        else:
            values["dataset"] = dataset or trained.spec["dataset"]
        return self._submit(complete(values, self.queue.settings), after)

    def predict(
        self,
        model: Model,
        x: Arrays | None = None,
        *,
        dataset: str | None = None,
        timeout: float | None = None,
        after: Job | str | Sequence[Job | str] = (),
        **spec: Any,
    ) -> Any:
        """Predict on a worker, and wait for the predictions.

        Args:
            model: a job, what names a trained model, or a Keras model at hand.
            x: arrays, as for `fit`; or else `dataset`, of which `split` says the part: train,
                validation, test or all; by default test, or all where there is no test part.
            timeout: for how many seconds to wait; None: as long as it takes.
            after: jobs that have to succeed first.
            spec: batch_size, device, name … as for `fitq predict`.

        Returns:
            What `model.predict(x)` returns: an array of shape (n, ...), or a dict of arrays by
            output.

        Raises:
            JobFailed: the prediction has failed; says why.
            NotEnded: it has not ended in time, and goes on.
        """
        if is_model(model):
            submitted = self._submit(prediction(self.queue, model, x, spec), after)
            return predictions(submitted.wait(timeout))
        trained, reference = self._reference(model, after)
        values: dict[str, Any] = {"kind": "predict", "model": reference, **spec}
        uploads: list[Upload] = []
        if x is not None:
            refuse_both(dataset)
            folder = self.queue.artifacts.folder(trained)
            uploads.append(packed(inputs_by_name(folder, trained.name, x)))
            values["rows"] = {"type": "file", **uploads[0].values}
        else:
            values["rows"] = {
                "type": "dataset",
                "dataset": dataset or trained.spec["dataset"],
                "split": values.pop("split", None),
            }
        made = complete(values, self.queue.settings)
        upload_all(self.queue, uploads)
        job = self._submit(made, after).wait(timeout)
        return predictions(job)

    def chain(
        self, links: str | Path | Mapping[str, Any], *, folder: str | Path | None = None
    ) -> dict[str, Job]:
        """Submit several jobs of which some come after others, all or none: as `fitq chain`.

        Args:
            links: a chain file in TOML, or what such a file says.
            folder: what paths in it are relative to; by default the file's folder, or this one.

        Returns:
            The jobs by the names of their links, those before others first.
        """
        if isinstance(links, Mapping):
            values, place = links, Path()
        else:
            values, place = read_toml(Path(links)), Path(links).parent
        place = place if folder is None else Path(folder)
        with ExitStack() as until_sent:
            chain = read_chain(values, self.queue.settings, place, self.queue, until_sent)
            upload_all(self.queue, chain.uploads)
        records = self.queue.submit_all(chain.jobs)
        jobs = (Job(self.queue, record) for record in records)
        return dict(zip(chain.links, jobs, strict=True))

    # -- finding --------------------------------------------------------------------------

    def job(self, reference: str) -> Job:
        """The job that an id, the beginning of one, or a name refers to.

        Raises:
            UnknownJob: there is none, or several begin like this.
        """
        return Job(self.queue, self.queue.job(reference))

    def jobs(
        self,
        *,
        mine: bool = False,
        owner: str | None = None,
        tags: Sequence[str] = (),
        states: Sequence[str] = (),
        kind: str | None = None,
        limit: int | None = 20,
    ) -> list[Job]:
        """The jobs that match all of these, newest first.

        Args:
            mine: only those that I submitted.
            tags: those that have all of these.
            states: those in any of these.
            limit: at most so many; None: all.

        Raises:
            InvalidInput: there is no such state or kind of job.
        """
        check_filters(states, kind)
        owner = self.queue.settings.owner if mine else owner
        found = self.queue.jobs(owner=owner, tags=tags, states=states, kind=kind, limit=limit)
        return [Job(self.queue, record) for record in found]

    # -- inside ---------------------------------------------------------------------------

    def _submit(self, spec: JobSpec, after: Job | str | Sequence[Job | str]) -> Job:
        return Job(self.queue, self.queue.submit(spec, jobs_before(self.queue, after)))

    def _reference(
        self, model: Model, after: Job | str | Sequence[Job | str]
    ) -> tuple[JobRecord, dict[str, Any]]:
        if is_model(model):
            raise InvalidInput(
                "the model is one at hand, which no job has trained",
                "give the job that has trained it",
            )
        named = model.id if isinstance(model, Job) else model
        if not isinstance(named, str):
            expected = "a job, a job's name or id, or name@version of a registered model"
            raise InvalidInput([Mistake("model", shown(model), expected)])
        before = [one.id for one in jobs_before(self.queue, after)]
        record, reference = find_model_after(self.queue, named, before)
        return record, reference.model_dump()

    def _validation(
        self, model: Model, fields: Fields, given: tuple[Any, Any], values: dict[str, Any]
    ) -> tuple[Fields, NDArray[Any]]:
        if not isinstance(given, tuple) or len(given) != 2:
            raise InvalidInput([Mistake("validation_data", shown(type(given)), "a pair (x, y)")])
        values["split"] = {"by": "column", "column": SPLIT}
        values["validation_split"] = 0.0
        return with_validation(fields, fields_of(model, *given))
