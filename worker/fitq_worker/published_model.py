"""Models that jobs have published, loaded and kept warm."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache

import keras

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.errors import StoreError
from fitq_shared.specs.base import ModelRef
from fitq_shared.specs.train import TrainJob
from fitq_shared.store import Store

WARM_MODELS = 4


@dataclass(frozen=True)
class PublishedModel:
    """A model, its classes' names, and the form of labels that its loss takes."""

    model: keras.Model
    class_names: tuple[str, ...]
    one_hot: bool

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)


def load_published(store: Store, reference: ModelRef) -> PublishedModel:
    """Load a published model, its file checked against the manifest; keeps a few warm.

    Raises:
        StoreError: an artifact is missing, damaged, or cannot be loaded safely.
    """
    return _load(store.url, reference)


@lru_cache(maxsize=WARM_MODELS)
def _load(store_url: str, reference: ModelRef) -> PublishedModel:
    folder = AttemptFolder(Store(store_url), reference.job, reference.attempt)
    spec = TrainJob.parse(json.loads(folder.read_verified(AttemptFolder.spec, reference.manifest)))
    folder.read_verified(AttemptFolder.model, reference.manifest)
    path = folder.local(AttemptFolder.model)
    try:
        model = keras.models.load_model(path, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path} cannot be loaded: {error}", "train the model again") from error
    return PublishedModel(model, DATASETS[spec.dataset].class_names, spec.one_hot)
