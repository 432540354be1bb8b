"""Models that jobs have published, loaded and kept warm."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import keras

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.errors import BadJob, InvalidInput, StoreError
from fitq_shared.specs.base import AnyModel, ModelRef
from fitq_shared.specs.code import UserCode
from fitq_shared.specs.models import CodeModel
from fitq_shared.specs.train import TrainJob
from fitq_shared.store import Store
from fitq_worker.keras_files import load_keras
from fitq_worker.pending_models import published

WARM_MODELS = 4

KeepCode = Callable[[UserCode], Any]


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


def load_published(
    store: Store, reference: AnyModel, keep_code: KeepCode | None = None
) -> PublishedModel:
    """Load a published model; keeps a few warm, unless they need code of their owners'.

    Its file must be the one that the manifest names, and hold nothing but a model (see
    model_files.py); only then Keras loads it, in safe mode.

    Args:
        keep_code: `JobContext.keep_code`, for a model whose classes come from such code; None:
            such a model is refused.

    Raises:
        StoreError: an artifact is missing, damaged, or cannot be loaded safely.
        BadJob: it needs code of its owner's, and this worker does not allow that.
    """
    reference = published(reference)
    if not reference.code:
        return _load(store.url, reference)
    spec = _spec(store, reference)
    if keep_code is None or not isinstance(spec.model, CodeModel):
        return _published(store, reference, spec)
    keep_code(spec.model).module()
    return _published(store, reference, spec, own_classes=True)


@lru_cache(maxsize=WARM_MODELS)
def _load(store_url: str, reference: ModelRef) -> PublishedModel:
    store = Store(store_url)
    return _published(store, reference, _spec(store, reference))


def _folder(store: Store, reference: ModelRef) -> AttemptFolder:
    return AttemptFolder(store, reference.job, reference.attempt)


def _spec(store: Store, reference: ModelRef) -> TrainJob:
    content = _folder(store, reference).read_verified(AttemptFolder.spec, reference.manifest)
    return TrainJob.parse(json.loads(content))


def _published(
    store: Store, reference: ModelRef, spec: TrainJob, *, own_classes: bool = False
) -> PublishedModel:
    folder = _folder(store, reference)
    content = folder.read_verified(AttemptFolder.model, reference.manifest)
    name = f"{folder.path}/{AttemptFolder.model}"
    try:
        model = load_keras(content, name, own_classes=own_classes)
    except (InvalidInput, BadJob) as error:
        message = error.message.removeprefix(f"{name} cannot be loaded: ")
        raise StoreError(f"{name} cannot be loaded: {message}", "train the model again") from error
    return PublishedModel(model, DATASETS[spec.dataset].class_names, spec.one_hot)
