"""Keras models and arrays at hand, on their way to a queue and back.

Keras is imported only to load a model that a job has made. Who gives one has imported it.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fitq.own_objects import own_objects
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.keras_classes import derives
from fitq_shared.model_files import check_model, config_of
from fitq_shared.own_configs import completed
from fitq_shared.texts import printable, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = NDArray[Any] | Mapping[str, NDArray[Any]] | Sequence[NDArray[Any]]

SPLIT = "fitq_split"
WEIGHT = "fitq_weight"


def is_model(value: object) -> bool:
    """Whether this is a Keras model: known without importing Keras."""
    return derives(type(value), "Model")


@contextlib.contextmanager
def saved(model: Any, x: Any = None) -> Iterator[Path]:
    """A `.keras` file of a model, with its weights and, if it was compiled, how.

    Args:
        x: what it takes: by the first row one that has no weights yet gets them, as in `fit`.

    Raises:
        InvalidInput: Keras cannot save it.
    """
    with tempfile.TemporaryDirectory(prefix="fitq-") as folder:
        path = Path(folder) / "model.keras"
        try:
            if x is not None and not getattr(model, "built", True):
                with contextlib.suppress(NotImplementedError):
                    model(_first(x))
            with completed(type(one) for one in model._flatten_layers(include_self=True)):
                model.save(path)
        except Exception as error:
            raise InvalidInput(
                f"Keras cannot save the model: {printable(str(error), 300)}",
                "call it once on some rows, or model.build(shape), so that it has its weights",
            ) from error
        yield path


def _first(x: Any) -> Any:
    """The first row of arrays, in their structure."""
    if isinstance(x, Mapping):
        return {name: _first(one) for name, one in x.items()}
    return [_first(one) for one in x] if isinstance(x, list | tuple) else np.asarray(x)[:1]


def load_model(content: bytes, name: str, *, own_classes: bool = False) -> Any:
    """The Keras model of a `.keras` file, looked through first and loaded in safe mode.

    Args:
        name: what its job is called, for messages.
        own_classes: it may have classes of a user's, which this process has defined or imported.

    Raises:
        InvalidInput: Keras is not installed here, or cannot load it.
    """
    try:
        import keras
    except ImportError as error:
        raise InvalidInput(
            f"to load the model of {name} Keras must be installed here",
            "pip install keras tensorflow-cpu; or take the file: job.pull()",
        ) from error
    check_model(io.BytesIO(content), name, own_classes=own_classes)
    objects = own_objects(config_of(io.BytesIO(content))) if own_classes else []
    known = {one.key: one.value for one in objects}
    with tempfile.TemporaryDirectory(prefix="fitq-") as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        try:
            return keras.models.load_model(path, known, safe_mode=True)
        except (ValueError, TypeError, LookupError, AttributeError, OSError) as error:
            raise InvalidInput(
                f"Keras cannot load the model of {name}: {printable(str(error), 300)}",
                "import the module that has its own classes first; or job.pull()",
            ) from error


@dataclass(frozen=True)
class Fields:
    """Arrays by the names of fields: what a model takes, and what it learns."""

    inputs: Mapping[str, NDArray[Any]]
    targets: Mapping[str, NDArray[Any]]


def fields_of(model: Any, x: Any, y: Any) -> Fields:
    """Arrays as `Model.fit` takes them, by the names of the model's inputs and outputs.

    Args:
        model: a Keras model; None: arrays without names are called x and y.

    Raises:
        InvalidInput: names each that is no array, or of another length than the others.
    """
    inputs = _named("x", x, _names(model, "input"))
    targets = {} if y is None else _named("y", y, _names(model, "output"))
    # A target that is an input, as an autoencoder's is, needs a name of its own.
    targets = {f"{name}_target" if name in inputs else name: a for name, a in targets.items()}
    _check({**inputs, **targets})
    return Fields(inputs, targets)


def with_validation(fields: Fields, validation: Fields) -> tuple[Fields, NDArray[Any]]:
    """All rows, those for validation last, and of each which it is.

    Raises:
        InvalidInput: the validation data have other fields.
    """
    for what, ours, theirs in (
        ("x", fields.inputs, validation.inputs),
        ("y", fields.targets, validation.targets),
    ):
        if ours.keys() != theirs.keys():
            expected = f"the same arrays as {what}: {', '.join(ours)}"
            raise InvalidInput([Mistake("validation_data", ", ".join(theirs), expected)])
        for name, array in ours.items():
            if array.shape[1:] != theirs[name].shape[1:]:
                expected = f"rows of the shape {array.shape[1:]}, as {what} has"
                raise InvalidInput([Mistake("validation_data", theirs[name].shape, expected)])
    parts = np.array(["train"] * _rows(fields.inputs) + ["validation"] * _rows(validation.inputs))
    return (
        Fields(
            {n: np.concatenate([a, validation.inputs[n]]) for n, a in fields.inputs.items()},
            {n: np.concatenate([a, validation.targets[n]]) for n, a in fields.targets.items()},
        ),
        parts,
    )


def _rows(arrays: Mapping[str, NDArray[Any]]) -> int:
    return len(next(iter(arrays.values())))


def _names(model: Any, side: str) -> list[str]:
    """What a model calls its inputs or outputs; nothing if it does not know them."""
    if names := getattr(model, f"{side}_names", None):
        return list(names)
    return [str(tensor.name) for tensor in getattr(model, f"{side}s", None) or ()]


def _named(what: str, given: Any, names: list[str]) -> dict[str, NDArray[Any]]:
    if isinstance(given, Mapping):
        return {str(name): np.asarray(array) for name, array in given.items()}
    if isinstance(given, list | tuple) and len(names) > 1:
        if len(given) != len(names):
            expected = f"{len(names)} arrays, for {', '.join(names)}"
            raise InvalidInput([Mistake(what, f"{len(given)} arrays", expected)])
        return {name: np.asarray(array) for name, array in zip(names, given, strict=True)}
    if len(names) > 1:
        raise InvalidInput(
            [Mistake(what, "one array", f"a dict or a list of arrays, for {', '.join(names)}")]
        )
    return {what: np.asarray(given)}


def _check(arrays: Mapping[str, NDArray[Any]]) -> None:
    wrong = [
        Mistake(name, _what(array), "an array of numbers or texts with at least one row")
        for name, array in arrays.items()
        if array.ndim == 0 or len(array) == 0 or array.dtype.kind not in "biufU"
    ]
    if wrong:
        raise InvalidInput(wrong, "give NumPy arrays: other data with `fitq datasets add`")
    lengths = {name: len(array) for name, array in arrays.items()}
    if len({*lengths.values()}) > 1:
        found = ", ".join(f"{name} has {count:,}" for name, count in lengths.items())
        raise InvalidInput([Mistake("rows", found, "as many in each array")])


def _what(array: NDArray[Any]) -> str:
    return shown(f"array of shape {array.shape} and dtype {array.dtype}")
