"""Models that jobs have published, loaded and kept warm."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import keras

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.errors import InvalidInput, StoreError
from fitq_shared.model_files import WEIGHTS, check_model
from fitq_shared.specs.base import ModelRef
from fitq_shared.specs.train import TrainJob
from fitq_shared.store import Store
from fitq_shared.texts import printable
from fitq_worker.failures import may_pass
from fitq_worker.weights_files import check_weights

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
    """Load a published model; keeps a few warm.

    Its file must be the one that the manifest names, and hold nothing but a model (see
    model_files.py); only then Keras loads it, in safe mode.

    Raises:
        StoreError: an artifact is missing, damaged, or cannot be loaded safely.
    """
    return _load(store.url, reference)


@lru_cache(maxsize=WARM_MODELS)
def _load(store_url: str, reference: ModelRef) -> PublishedModel:
    folder = AttemptFolder(Store(store_url), reference.job, reference.attempt)
    spec = TrainJob.parse(json.loads(folder.read_verified(AttemptFolder.spec, reference.manifest)))
    content = folder.read_verified(AttemptFolder.model, reference.manifest)
    model = load_checked(content, f"{folder.path}/{AttemptFolder.model}")
    return PublishedModel(model, DATASETS[str(spec.dataset)].class_names, spec.one_hot)


def load_checked(content: bytes, name: str) -> keras.Model:
    """The model of a `.keras` file with this content, which is looked through first.

    Args:
        name: what the file is called, for messages.

    Raises:
        StoreError: it is no model, or holds more than one; or it cannot be read for now, since
            there is no room for temporary files.
    """
    try:
        check_model(io.BytesIO(content), name)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_weights(io.BytesIO(archive.read(WEIGHTS)), name)
        with _own_copy(content) as path:
            return keras.models.load_model(path, safe_mode=True)
    except InvalidInput as error:
        raise StoreError(
            f"{name} cannot be loaded: {error.message}", "train the model again"
        ) from error
    except (ValueError, TypeError, LookupError, AttributeError, OSError) as error:
        if may_pass(error):
            raise _no_copy(error) from error
        # What Keras raises for a config that does not fit together, or weights that do not fit it.
        text = printable(str(error), 300)
        raise StoreError(f"{name} cannot be loaded: {text}", "train the model again") from error


@contextlib.contextmanager
def _own_copy(content: bytes) -> Iterator[Path]:
    """Keras takes only a path. A copy that is ours alone cannot be changed after the check."""
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fitq-"))
            path = Path(folder) / AttemptFolder.model
            path.write_bytes(content)
        except OSError as error:
            raise _no_copy(error) from error
        yield path


def _no_copy(error: Exception) -> StoreError:
    return StoreError(
        f"the worker cannot keep a copy of the model: {printable(str(error), 300)}",
        "make room for temporary files on the worker's host, or name another folder in TMPDIR",
        passing=True,
    )
