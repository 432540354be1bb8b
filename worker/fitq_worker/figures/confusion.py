"""The picture of a classifier's mistakes: which class it takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fitq_worker.figures._canvas import new_figure, save_figure
from fitq_worker.figures._text import fit, shorten

_NAME_LIMIT = 24  # characters of a class name along an axis


def confusion_matrix(
    true: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]], classes: int
) -> NDArray[np.int64]:
    """Count how often each class was taken for each.

    Example:
        >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
        array([[1, 1],
               [0, 1]])

    Args:
        true: shape (n,), values 0 to classes - 1.
        predicted: shape (n,), values 0 to classes - 1.
        classes: how many there are.

    Returns:
        int64 of shape (classes, classes): rows are the true classes, columns the predicted.

    Raises:
        ValueError: the two do not have one shape (n,), or a value is no class.
    """
    if true.ndim != 1 or true.shape != predicted.shape:
        raise ValueError(
            f"Invalid labels. Expected: two arrays of one shape (n,). "
            f"Received: true of shape {true.shape}, predicted of shape {predicted.shape}"
        )
    for name, labels in (("true", true), ("predicted", predicted)):
        strange = labels[(labels < 0) | (labels >= classes)]
        if strange.size:
            raise ValueError(
                f"Invalid label in {name}. Expected: 0 to {classes - 1}. Received: {strange[0]}"
            )
    cells = true.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(cells, minlength=classes**2).astype(np.int64).reshape(classes, classes)


def plot_confusion(
    true: NDArray[np.integer[Any]],
    predicted: NDArray[np.integer[Any]],
    class_names: Sequence[str],
    path: Path,
    title: str,
) -> None:
    """Write the confusion matrix as a PNG, its counts written in the cells.

    A cell is the darker the larger its share of its row.

    Args:
        true: shape (n,), indices into `class_names`.
        predicted: shape (n,), indices into `class_names`.
        class_names: one name a class.
        path: the PNG to write.
        title: above the matrix.
    """
    save_figure(draw_confusion(true, predicted, class_names, title), path)


def draw_confusion(
    true: NDArray[np.integer[Any]],
    predicted: NDArray[np.integer[Any]],
    class_names: Sequence[str],
    title: str,
) -> Figure:
    """The figure that `plot_confusion` writes."""
    classes = len(class_names)
    counts = confusion_matrix(true, predicted, classes)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    side = min(18.0, max(3.5, 0.62 * classes))  # inches that the cells take, about

    width = side + 2.8
    figure = new_figure(width, side + 1.9)
    fit(figure.suptitle(title, fontsize=14), width - 0.4, smallest=9)
    axes = figure.add_subplot()
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, origin="upper")
    points = min(10.0, 72 * side / max(1, classes) * 0.25)
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if shares[row, column] > 0.5 else "black" if count else "#999999"
        cell = axes.text(column, row, str(count), color=ink, fontsize=points)
        cell.set(horizontalalignment="center", verticalalignment="center", in_layout=False)

    names = [shorten(name, _NAME_LIMIT) for name in class_names]
    axes.set_yticks(range(classes), names, parse_math=False)
    axes.set_xticks(range(classes), names, parse_math=False)
    for label in axes.get_xticklabels():
        label.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    figure.colorbar(drawn, ax=axes, label="share of the true class", shrink=0.85, pad=0.02)
    return figure
