"""What must be the same in two trainings of the same spec, down to the last bit."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def of_weights(model: Path) -> str:
    """SHA-256 over the names, shapes and values of all weights in a `.keras` archive.

    The optimizer's are among them. The archive itself holds the date on which it was saved.
    """
    with zipfile.ZipFile(model) as archive:
        content = archive.read("model.weights.h5")
    digest = hashlib.sha256()

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            values = np.ascontiguousarray(item[()])
            digest.update(f"{name} {values.dtype} {values.shape}".encode())
            digest.update(values.tobytes())

    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems(add)
    return digest.hexdigest()


def history(folder: Path) -> list[dict[str, float]]:
    """The rows of history.json, without the seconds that an epoch took."""
    rows: list[dict[str, float]] = json.loads((folder / "history.json").read_text())
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def epochs_in_csv(folder: Path) -> list[int]:
    """The epochs that history.csv has, in its order."""
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]
