"""Arrays by the names under which a trained model takes and learns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fitq.exchange import called
from fitq.keras_models import Fields, fields_of
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.errors import InvalidInput
from fitq_shared.specs.models import MODELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq.queue import Queue
    from fitq_shared.record import JobRecord


def fields_by_name(folder: AttemptFolder, job: str, x: Any, y: Any) -> Fields:
    """Arrays by the fields that a trained model takes and has learnt.

    Args:
        folder: what its training has published; `job` is the name of that.
        x, y: arrays of shape (n, ...), or several: as for `Client.evaluate`.

    Raises:
        InvalidInput: the arrays are not those of this model, or it does not say what it takes.
    """
    interface = _interface(folder, job)
    fields = fields_of(None, x, y)
    columns = [name for one in interface["inputs"] for name in one["columns"]]
    targets = [one["target"] for one in interface["outputs"] if one["target"]]
    return Fields(called(fields.inputs, columns), called(fields.targets, targets))


def inputs_by_name(folder: AttemptFolder, job: str, x: Any) -> dict[str, NDArray[Any]]:
    """Arrays by the inputs of a trained model; as `fields_by_name`."""
    names = [one["name"] for one in _interface(folder, job)["inputs"]]
    return called(fields_of(None, x, None).inputs, names)


def inputs_of(queue: Queue, trained: JobRecord) -> list[dict[str, Any]] | None:
    """What the model of a training takes, as its artifacts say; None if this client cannot know."""
    if trained.state == "succeeded" and queue.artifacts.has_store:
        folder = queue.artifacts.folder(trained)
        if folder.exists(AttemptFolder.interface):
            inputs: Any = folder.read_json(AttemptFolder.interface)
            return list(inputs["inputs"])
    facts = DATASETS.get(str(trained.spec["dataset"]))
    if facts is None or trained.spec["model"]["type"] not in MODELS:
        return None
    return [
        {"name": "image", "shape": facts.image_shape, "dtype": "uint8", "columns": ["image"]},
    ]


def _interface(folder: AttemptFolder, job: str) -> dict[str, Any]:
    if not folder.exists(AttemptFolder.interface):
        raise InvalidInput(
            f"{job} does not say what its model takes",
            "train it again with this release of fitq",
        )
    found: Any = folder.read_json(AttemptFolder.interface)
    return dict(found)
