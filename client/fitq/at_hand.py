"""Jobs on Keras models and arrays at hand: complete specs, and what these need in the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fitq.array_upload import class_numbers, upload_arrays
from fitq.data.progress import showing_progress
from fitq.drafts import complete
from fitq.exchange import (
    label_of,
    model_file,
    packed,
    refuse_both,
    refuse_not_compiled,
    tells_classes,
)
from fitq.keras_models import fields_of, saved
from fitq.uploads import upload_all
from fitq_shared.errors import InvalidInput, Mistake

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq.keras_models import Fields
    from fitq.queue import Queue
    from fitq_shared.specs.base import JobSpec

# Stands for the data while the rest of a job is looked at.
STAND_IN = {"name": "arrays", "version": 1, "manifest": "0" * 64}


def upload_fields(
    queue: Queue, model: Any, fields: Fields, others: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """Put arrays into the store: what a spec names them by.

    Args:
        model: a Keras model that says whether whole numbers to learn are classes; None: they are.
        others: of each row, and nothing that a model takes.

    Raises:
        StoreError: the store cannot be written.
    """
    classes = {
        name: found
        for name, array in fields.targets.items()
        if (found := class_numbers(array)) and (model is None or tells_classes(model))
    }
    with showing_progress() as progress:
        store = queue.artifacts.store
        ref = upload_arrays(store, fields.inputs, fields.targets, others, classes, progress)
    return ref.model_dump(mode="json")


def evaluation(
    queue: Queue, model: Any, x: Any, y: Any, dataset: str | None, spec: Mapping[str, Any]
) -> JobSpec:
    """An evaluation of a Keras model; the model and its arrays are then in the store.

    Args:
        x, y: as for `Client.fit`; or `dataset`, its name.
        spec: what else an evaluation takes.

    Raises:
        InvalidInput: names every mistake at once; nothing was sent.
        StoreError: the store cannot be written.
    """
    refuse_not_compiled(model)
    fields = None
    if x is not None:
        refuse_both(dataset)
        fields = fields_of(model, x, x if y is None else y)
    elif dataset is None:
        raise InvalidInput([Mistake("x", None, "arrays or a data set, for a model at hand")])
    with saved(model, x) as path:
        kept, uploads = model_file(path)
        given = {"file": kept["file"], "name": label_of(model)}
        values: dict[str, Any] = {"kind": "evaluate", "model": given, "dataset": dataset, **spec}
        if fields is not None:
            values |= {"dataset": STAND_IN, "split": "train"}
        made = complete(values, queue.settings)
        if fields is not None:
            values["dataset"] = upload_fields(queue, model, fields, {})
            made = complete(values, queue.settings)
        upload_all(queue, uploads)
    return made


def prediction(queue: Queue, model: Any, x: Any, spec: Mapping[str, Any]) -> JobSpec:
    """A prediction with a Keras model; as `evaluation`."""
    if x is None:
        raise InvalidInput([Mistake("x", None, "arrays, for a model at hand")])
    rows = packed(fields_of(model, x, None).inputs)
    with saved(model) as path:
        kept, uploads = model_file(path)
        values = {
            "kind": "predict",
            "model": {"file": kept["file"], "name": label_of(model)},
            "rows": {"type": "file", **rows.values},
            **spec,
        }
        made = complete(values, queue.settings)
        upload_all(queue, [*uploads, rows])
    return made
