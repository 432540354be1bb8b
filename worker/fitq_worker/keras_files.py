"""`.keras` files and JSON configurations, looked through and then loaded by Keras."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from fitq_shared.errors import BadJob, InvalidInput, StoreError
from fitq_shared.model_files import CONFIG, WEIGHTS, check_json, check_model
from fitq_shared.texts import printable
from fitq_worker.failures import may_pass
from fitq_worker.weights_files import check_weights

# What Keras raises for a config that does not fit together, or weights that do not fit it.
_MISFITS = (ValueError, TypeError, LookupError, AttributeError, OSError)


def load_keras(
    content: bytes, name: str, *, compiled: bool = True, own_classes: bool = False
) -> keras.Model:
    """The model of a `.keras` file with this content, which is looked through first.

    Args:
        name: what the file is called, for messages.
        compiled: with the loss, optimizer and metrics that it was saved with, if it has them.
        own_classes: it has classes of a user's, whose modules are imported; then nothing that it
            could run is more than these may do.

    Raises:
        InvalidInput: it is no model, or holds more than one.
        BadJob: Keras cannot make a model of it.
        StoreError: it cannot be read for now, since there is no room for temporary files.
    """
    check_model(io.BytesIO(content), name, own_classes=own_classes)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        check_weights(io.BytesIO(archive.read(WEIGHTS)), name)
    with _misfits(name), _own_copy(content) as path:
        return keras.models.load_model(path, compile=compiled, safe_mode=not own_classes)


def compile_config(content: bytes) -> dict[str, Any] | None:
    """Loss, metrics and optimizer of a `.keras` file that `load_keras` has loaded, if it has any.

    To load them with the model would tell of the optimizer's variables, which it cannot fill.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        config = json.loads(archive.read(CONFIG))
    found: dict[str, Any] | None = config.get("compile_config")
    return found


def load_json(content: bytes, name: str) -> keras.Model:
    """The model of a JSON configuration, not compiled and with new weights.

    Raises:
        InvalidInput: it is no configuration of a model, or names more than classes of Keras.
        BadJob: Keras cannot make a model of it.
    """
    check_json(content, name)
    config = json.loads(content)
    with _misfits(name):
        return keras.models.model_from_json(json.dumps({**config, "compile_config": None}))


@contextlib.contextmanager
def _misfits(name: str) -> Iterator[None]:
    try:
        yield
    except (BadJob, InvalidInput, StoreError):
        raise
    except _MISFITS as error:
        if may_pass(error):
            raise _no_copy(error) from error
        text = printable(" ".join(str(error).split()), 300)
        raise BadJob(
            f"{name} cannot be loaded: {text}",
            f"load it with Keras {keras.__version__}, and save it anew: model.save('model.keras')",
        ) from error


@contextlib.contextmanager
def _own_copy(content: bytes) -> Iterator[Path]:
    """Keras takes only a path. A copy that is ours alone cannot be changed after the check."""
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fitq-"))
            path = Path(folder) / "model.keras"
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
