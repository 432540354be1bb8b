"""Arrays by the names under which a trained model takes and learns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fitq.exchange import called
from fitq.keras_models import Fields, fields_of
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


def _interface(folder: AttemptFolder, job: str) -> dict[str, Any]:
    if not folder.exists(AttemptFolder.interface):
        raise InvalidInput(
            f"{job} does not say what its model takes",
            "train it again with this release of fitq",
        )
    found: Any = folder.read_json(AttemptFolder.interface)
    return dict(found)
