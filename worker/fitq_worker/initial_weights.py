"""Weights of a published model, given to another one before it is trained."""

from __future__ import annotations

import logging
from typing import Any

import keras

from fitq_shared.errors import BadJob

log = logging.getLogger("fitq.job")


def begin_from(model: keras.Model, source: keras.Model, name: str) -> None:
    """Give the model those weights of the source that have the same name and shape.

    Where both have weights of the same shapes in the same order, it takes all of them: layers that
    nobody has named are called otherwise each time.

    What is not taken is logged with both shapes.

    Args:
        name: of the job that has published the source, for messages.

    Raises:
        BadJob: none fits.
    """
    if not model.weights:
        raise BadJob(
            f"the model {model.name!r} has no weights yet, so it cannot begin from {name}",
            "call it once in your code: model(keras.ops.zeros((1, 28, 28)))",
        )
    there = _by_name(source)
    if _shapes(model) == _shapes(source):
        there = dict(zip(_by_name(model), source.weights, strict=True))
    taken, missed = [], []
    for path, weight in _by_name(model).items():
        other = there.get(path)
        if other is not None and tuple(other.shape) == tuple(weight.shape):
            taken.append((weight, other))
        else:
            found = f"there {tuple(other.shape)}" if other is not None else "not there"
            missed.append(f"{path} {tuple(weight.shape)} ({found})")
    if not taken:
        raise BadJob(
            f"no layer of the model has the name and the shape of one of {name}: "
            f"{', '.join(missed[:5])}; that one has {', '.join(list(there)[:5])}",
            "give the layers the same names, or leave out --init-from",
        )
    for weight, other in taken:
        weight.assign(other.value if hasattr(other, "value") else other)
    log.info("begins from %s: takes %s of %s weights", name, len(taken), len(taken) + len(missed))
    if missed:
        log.warning("begins anew, since they do not match %s: %s", name, ", ".join(missed))


def _shapes(model: keras.Model) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in model.weights]


def _by_name(model: keras.Model) -> dict[str, Any]:
    """The weights by their paths, without the name of the model itself."""
    return {weight.path.removeprefix(f"{model.name}/"): weight for weight in model.weights}
