"""What goes to a job from Python, and what comes back: checked, and by the names of fields."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fitq.code_at_hand import code_of
from fitq.keras_models import is_model, load_model
from fitq.own_model import own_model
from fitq.own_objects import own_objects
from fitq.uploads import Upload, of_bytes, of_file
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.model_files import config_of
from fitq_shared.texts import shown

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fitq.callbacks_at_hand import Calls
    from fitq.job import Job
    from fitq.keras_models import Fields


def model_file(path: Path) -> tuple[Any, list[Upload]]:
    """The model of a `.keras` file that was made of one at hand.

    Raises:
        InvalidInput: it holds what does not go without code.
    """
    try:
        return own_model(str(path), path.parent)
    except InvalidInput as error:
        raise InvalidInput(
            [Mistake("model", "a model at hand", one.expected) for one in error.mistakes],
            "classes and functions of your own go with `fit`, if a file or a notebook defines them "
            'by name; else with client.train(model="file.py:function", …)',
        ) from error


def with_code(path: Path, callbacks: Calls) -> tuple[Any, list[Upload]]:
    """The same, with the user's classes and functions that it or its callbacks need, if any.

    Raises:
        InvalidInput: it holds what goes neither without code nor with it, or cannot be loaded.
    """
    with path.open("rb") as file:
        objects = own_objects(config_of(file))
    if not objects and not callbacks.calls:
        return model_file(path)
    code, bundle = code_of(objects, callbacks)
    _try_loading(path)
    kept = of_file(path, "model", ".keras")
    return {"type": "code", **code, "file": kept.values}, [bundle, kept]


def _try_loading(path: Path) -> None:
    """See that a worker can load what Keras has saved: here is who can mend it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of optimizers that have not begun
        try:
            load_model(path.read_bytes(), "fit", own_classes=True)
        except InvalidInput as error:
            raise InvalidInput(
                f"Keras saves the model, but cannot load it again: {error.message}",
                "give its classes a get_config of what their __init__ takes, or keep that as "
                "attributes of the same names: self.units = units",
            ) from error


def packed(arrays: Mapping[str, NDArray[Any]]) -> Upload:
    """An .npz of arrays by their names."""
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return of_bytes(content.getvalue(), "arrays.npz", ".npz")


def label_of(model: Any) -> str:
    """The model's name, as far as it can be a part of a job's."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", str(model.name)).lstrip("._-")[:63] or "model"


def called(arrays: Mapping[str, NDArray[Any]], names: list[str]) -> dict[str, NDArray[Any]]:
    """Arrays by these names; a single one is called as the single name."""
    if len(arrays) == len(names) == 1:
        return {names[0]: next(iter(arrays.values()))}
    return dict(arrays)


def tells_classes(model: Any) -> bool:
    """Whether the outputs of a model are several numbers each, such as one for each class."""
    shape = getattr(model, "output_shape", None)
    return isinstance(shape, tuple) and len(shape) == 2 and (shape[1] or 0) > 1


def class_weights(given: Mapping[Any, float] | str | None) -> Any:
    """Weights of classes as a spec has them: by the numbers of classes as text."""
    return {str(k): v for k, v in given.items()} if isinstance(given, Mapping) else given


def row_weights(given: Any, fields: Fields) -> NDArray[np.float32]:
    """One weight for each row, of shape (n,).

    Raises:
        InvalidInput: these are no numbers, or of another shape.
    """
    rows = len(next(iter(fields.inputs.values())))
    expected = f"one number for each row: shape ({rows},)"
    try:
        weight = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError):
        raise InvalidInput([Mistake("sample_weight", shown(given, 60), expected)]) from None
    if weight.shape != (rows,):
        raise InvalidInput([Mistake("sample_weight", f"shape {weight.shape}", expected)])
    return weight


def refuse(spec: Mapping[str, Any], model: Any, callbacks: Calls) -> None:
    """Refuse what is no model, and what is said twice.

    Raises:
        InvalidInput: names each of it.
    """
    wrong = []
    if not is_model(model):
        expected = "a Keras model; train(model=…) takes names and files"
        wrong.append(Mistake("model", shown(model), expected))
    if callbacks.early_stopping and spec.get("early_stopping"):
        expected = "either keras.callbacks.EarlyStopping or this, not both"
        wrong.append(Mistake("early_stopping", shown(spec["early_stopping"]), expected))
    if wrong:
        raise InvalidInput(wrong)


def refuse_both(dataset: str | None) -> None:
    """Refuse a data set beside arrays.

    Raises:
        InvalidInput: there is one.
    """
    if dataset is not None:
        raise InvalidInput([Mistake("dataset", dataset, "either arrays or a data set")])


def refuse_not_compiled(model: Any) -> None:
    """Refuse to measure a model that has no loss.

    Raises:
        InvalidInput: it was not compiled.
    """
    if not getattr(model, "compiled", False):
        raise InvalidInput(
            "the model is not compiled, so there is nothing to measure it by",
            "first model.compile(loss=…, metrics=[…])",
        )


def predictions(job: Job) -> Any:
    """What the model said: one array, or one for each of several outputs, by name."""
    content = io.BytesIO(job.read(AttemptFolder.predictions_npz))
    with np.load(content, allow_pickle=False) as kept:
        arrays = dict(kept)
    found = {}
    for name, array in arrays.items():
        output, _, what = name.rpartition("_")
        if what in ("probabilities", "values"):
            found[output] = array
    return found[""] if [*found] == [""] else found
