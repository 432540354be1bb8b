"""The code of a model at hand: what goes with it, and what is said where it cannot go."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitq.callbacks_at_hand import Calls
from fitq.code_at_hand import code_of
from fitq.exchange import with_code
from fitq.keras_models import saved
from fitq.own_objects import OwnObject
from fitq_shared.code_bundle import read_bundle
from fitq_shared.errors import InvalidInput
from fitq_shared.specs.models import CodeModel
from support.code import write_files

keras = pytest.importorskip("keras")


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of a folder of the user's, with these files."""

    def make(name: str, **files: str) -> Any:
        write_files(tmp_path, **files)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return make


def test_modules_go_with_what_they_import_and_a_builder(imported: Any) -> None:
    # Given a loss in a package, which imports another module of it
    module = imported(
        "at_hand_pack.losses",
        **{
            "at_hand_pack/__init__": "",
            "at_hand_pack/losses": "from at_hand_pack import parts\ndef far(a, b): return parts.N",
            "at_hand_pack/parts": "N = 1\n",
            "at_hand_pack/other": "N = 2\n",
        },
    )
    # When their code is taken
    values, upload = code_of([OwnObject("far", module.far)], Calls())
    # Then these modules go under the names that they have here, and nothing else
    files = read_bundle(upload.content)  # type: ignore[arg-type]
    names = ["at_hand_pack/__init__.py", "at_hand_pack/losses.py", "at_hand_pack/parts.py"]
    assert sorted(files) == [*names, "given_model.py"]
    assert "'far': at_hand_pack.losses.far" in files["given_model.py"].decode()
    # And without a file of a model the spec is as workers of before know it
    spec = CodeModel.model_validate({"type": "code", **values})
    assert "file" not in spec.model_dump(mode="json")


def test_what_is_within_a_function_is_named() -> None:
    def inner(a: Any, b: Any) -> Any:
        return a - b

    for value in (inner, lambda a, b: a):
        with pytest.raises(
            InvalidInput, match=r"test_code_at_hand\..*not within another"
        ) as caught:
            code_of([OwnObject("inner", value)], Calls())
        assert "top of the file" in caught.value.hint


def test_a_model_that_cannot_be_loaded_again_is_told_before_it_is_sent(imported: Any) -> None:
    # Given a class that does not keep what it was given
    source = """
        import keras
        class Net(keras.Model):
            def __init__(self, size):
                super().__init__()
                self.label = keras.layers.Dense(size)
            def call(self, x):
                return self.label(x)
        """
    model = imported("at_hand_bad", at_hand_bad=source).Net(3)
    # When it is to be sent
    with saved(model, np.zeros((2, 2), "float32")) as path, pytest.raises(InvalidInput) as caught:
        with_code(path, Calls())
    # Then it is said what to do
    assert "Keras saves the model, but cannot load it again" in caught.value.message
    assert "self.units = units" in caught.value.hint
    # And its class is as it was
    assert "get_config" not in vars(type(model))
