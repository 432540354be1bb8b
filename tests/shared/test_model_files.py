"""Model files are looked through before Keras sees them, on a machine that may not have it."""

from __future__ import annotations

import io
import zipfile

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.model_files import check_model
from support.hostile_files import (
    MODELS_REFUSED_EVERYWHERE,
    Hostile,
    function,
    keras_file,
    layer,
    model_config,
)


def refusal(content: bytes, name: str = "mine.keras") -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        check_model(io.BytesIO(content), name)
    return caught.value


@pytest.mark.parametrize("hostile", MODELS_REFUSED_EVERYWHERE, ids=str)
def test_a_hostile_model_is_refused_with_its_reason(hostile: Hostile) -> None:
    error = refusal(hostile.content)
    # The message names the file, what was found, and what to do
    assert hostile.words in error.message
    assert "mine.keras" in error.message
    assert error.hint
    # And it is short, and nothing in it is obeyed by a terminal
    assert len(error.message) < 400
    assert error.message.isprintable()


@pytest.mark.parametrize(
    "config",
    [
        model_config(),
        model_config(layer("Dense", units=1, activation=function("relu", registered="relu"))),
        model_config(layer("Dense", units=1, x={"class_name": "__numpy__", "config": {}})),
        {**model_config(), "compile_config": {"optimizer": layer("Adam", "keras.optimizers")}},
        layer("Functional", "keras.src.models.functional", layers=[]),
    ],
    ids=["plain", "function", "value", "compiled", "functional"],
)
def test_what_keras_writes_is_let_through(config: dict[str, object]) -> None:
    check_model(io.BytesIO(keras_file(config)), "mine.keras")


def test_a_compressed_archive_is_let_through() -> None:
    check_model(io.BytesIO(keras_file(method=zipfile.ZIP_DEFLATED)), "mine.keras")


def test_a_changed_byte_never_breaks_the_check() -> None:
    # Given an archive with one byte changed, at every place
    content = keras_file()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        # Then it is refused, or what was changed means nothing
        try:
            check_model(io.BytesIO(bytes(changed)), "mine.keras")
        except InvalidInput as error:
            assert "mine.keras" in error.message


def test_the_name_of_the_file_cannot_do_harm_either() -> None:
    message = refusal(b"", "\x1b[2J" + "a" * 10_000).message
    assert message.isprintable()
    assert len(message) < 300
