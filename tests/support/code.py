"""Code of users' own for tests: files in a folder, and their bundle in a store."""

from __future__ import annotations

import hashlib
from pathlib import Path
from textwrap import dedent
from typing import Any

from fitq_shared.code_bundle import pack
from fitq_shared.specs.code import UserCode
from fitq_shared.store import Store

NET = """
import keras

def build(units=4):
    return keras.Sequential(
        [keras.Input((28, 28), dtype="uint8", name="image"), keras.layers.Flatten(),
         keras.layers.Dense(units, activation="relu"),
         keras.layers.Dense(10, activation="softmax", name="label")], name="mine")
"""


def write_files(folder: Path, **files: str) -> Path:
    """Write these files of Python, `folder/name` for one in a folder: the first one's path."""
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return folder / f"{next(iter(files))}.py"


def user_code(store: Store, main: Path, function: str = "build", **options: Any) -> UserCode:
    """The code of a file, its bundle uploaded."""
    bundle = pack(main)
    sum_ = hashlib.sha256(bundle.content).hexdigest()
    store.write(f"inputs/{sum_}.tar", bundle.content)
    return UserCode.model_validate(
        {
            "bundle": {"path": f"inputs/{sum_}.tar", "sha256": sum_, "file": main.name},
            "module": bundle.module,
            "function": function,
            "options": options,
        }
    )
