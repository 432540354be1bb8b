"""What Keras downloaded earlier, or a person put in its place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets.dataset import Arrays
from fitq_worker.datasets.sources.source import SourceUnavailable


def keras_homes() -> list[Path]:
    """The folders where `keras.utils.get_file` may keep files, without importing Keras.

    `$KERAS_HOME`, else `~/.keras`; then the folder that Keras takes when it may not write
    there.
    """
    home = Path(os.environ.get("KERAS_HOME") or "~/.keras")
    fallback = Path(tempfile.gettempdir(), ".keras")
    try:
        return [home.expanduser(), fallback]
    except RuntimeError:  # a user without a home
        return [fallback]


@dataclass(frozen=True)
class KerasCache:
    """A file or folder below Keras's home.

    Attributes:
        place: the path below Keras's home.
        read: how to read what is there.
    """

    place: str
    read: Callable[[Path, DatasetFacts], Arrays]
    name = "Keras's local cache"

    def fetch(self, facts: DatasetFacts) -> Arrays:
        """The arrays, from the first of Keras's homes that has the place.

        Raises:
            SourceUnavailable: none has it, or it cannot be read.
            DamagedSource: what is there is no such data set.
        """
        places = [home / self.place for home in keras_homes()]
        for place in places:
            if place.exists():
                return self.read(place, facts)
        raise SourceUnavailable(f"there is no {places[0]}")
