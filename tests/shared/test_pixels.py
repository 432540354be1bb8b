from __future__ import annotations

import numpy as np
import pytest

from fitq_shared.pixels import no_pixels

PIXELS = np.arange(256).reshape(1, 16, 16)


@pytest.mark.parametrize("dtype", ["uint8", ">i2", "int64", "uint64", "float32", "float64"])
def test_pixels_of_any_type_of_number_are_fine(dtype: str) -> None:
    assert no_pixels(PIXELS.astype(dtype)) is None


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_images_that_were_scaled_are_none(dtype: str) -> None:
    # Given what a model with a scaling of its own would take for black
    found = no_pixels((PIXELS / 255).astype(dtype))
    assert found == f"fractions of dtype {dtype} from 0 to 1"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (256, "values of dtype int64 from 0 to 256"),
        (-1, "values of dtype int64 from -1 to 0"),
        (np.nan, "from nan to nan"),
        (np.inf, "from 0 to inf"),
        (254.5, "fractions of dtype float64 from 0 to 254.5"),
    ],
)
def test_one_value_that_is_no_pixel_is_enough(value: float, words: str) -> None:
    images = np.zeros((9, 2, 2), np.result_type(value))
    images[7, 1, 1] = value
    assert words in str(no_pixels(images))


@pytest.mark.parametrize("dtype", ["bool", "complex64", "<U1", "datetime64[s]"])
def test_what_is_no_number_is_named(dtype: str) -> None:
    assert no_pixels(np.zeros((1, 2), dtype)) == f"values of dtype {dtype}"
