"""Images and texts to predict, as a model takes them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fitq_shared.errors import BadJob
from fitq_shared.packed import pack
from fitq_shared.specs.predict import PackedRows
from fitq_shared.specs.steps import Resize
from fitq_shared.store import Store
from fitq_worker.interface import Input, Interface
from fitq_worker.packed_rows import read_packed

Read = Callable[..., tuple[Any, tuple[str, ...]]]


def taking(shape: tuple[int, ...], dtype: str = "uint8", *more: Input) -> Interface:
    return Interface((Input("x", shape, dtype, "array", None, ("x",)), *more), ())


def image(mode: str, size: tuple[int, int], colour: Any, form: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.new(mode, size, colour).save(content, form)
    return content.getvalue()


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """What a model takes of these files, and their names."""
    store = Store(str(tmp_path / "store"))

    def run(
        files: dict[str, bytes], interface: Interface, resize: Resize | None = None
    ) -> tuple[Any, tuple[str, ...]]:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        pack([tmp_path / name for name in files], tmp_path / "rows.zip")
        sha256 = hashlib.sha256((tmp_path / "rows.zip").read_bytes()).hexdigest()
        path = f"inputs/{sha256}.zip"
        store.put(tmp_path / "rows.zip", path)
        kind = "texts" if next(iter(files)).endswith(".txt") else "images"
        rows = PackedRows.model_validate(
            {"type": kind, "path": path, "sha256": sha256, "file": "files"}
        )
        examples, names = read_packed(store, rows, interface, resize)
        values = examples.read(np.arange(len(examples)))[0]["x"]
        return values, tuple(name.rpartition("/")[2] for name in names)

    return run


def test_images_come_in_the_model_s_size_and_channels(read: Read) -> None:
    # Given images of several sizes, forms and modes
    files = {
        "b.png": image("RGB", (10, 4), (255, 0, 0)),
        "a.jpg": image("L", (3, 3), 128, "JPEG"),
        "c.png": image("RGBA", (2, 9), (0, 0, 0, 0)),
        "d.png": image("I;16", (5, 5), 65535),
    }
    # When a model takes gray images, or colours, or colours with alpha
    gray, names = read(files, taking((6, 8)))
    coloured, _ = read(files, taking((6, 8, 3)))
    clear, _ = read(files, taking((6, 8, 4)))
    # Then each has what it takes, in the order of the files
    assert names == ("b.png", "a.jpg", "c.png", "d.png")
    assert (gray.shape, coloured.shape, clear.shape) == ((4, 6, 8), (4, 6, 8, 3), (4, 6, 8, 4))
    assert gray[:, 0, 0].tolist() == [76, 128, 255, 255]
    assert coloured[:2, 0, 0].tolist() == [[255, 0, 0], [128, 128, 128]]
    # What is transparent lies on white, unless the model takes alpha
    assert coloured[2, 0, 0].tolist() == [255, 255, 255]
    assert clear[2, 0, 0].tolist() == [0, 0, 0, 0]


def test_images_are_brought_to_size_as_in_training(read: Read) -> None:
    files = {"wide.png": image("L", (20, 10), 200)}
    resize = Resize(height=10, width=10, aspect="pad")
    padded, _ = read(files, taking((10, 10)), resize)
    stretched, _ = read(files, taking((10, 10)))
    assert (padded[0, 0] == 0).all()
    assert (padded[0, 5] == 200).all()
    assert (stretched == 200).all()


def test_broken_images_are_all_named(read: Read) -> None:
    whole = image("RGB", (50, 50), (1, 2, 3))
    files = {"a.png": whole, "b.png": whole[:-40], "c.png": b"text", "d.png": b""}
    with pytest.raises(BadJob) as caught:
        read(files, taking((4, 4)))
    for name in ("b.png", "c.png", "d.png"):
        assert name in caught.value.message
    assert "a.png" not in caught.value.message


def test_a_model_without_pixels_takes_no_images(read: Read) -> None:
    files = {"a.png": image("L", (4, 4), 1)}
    with pytest.raises(BadJob, match=r"takes float32 of shape .* expected pixels"):
        read(files, taking((4, 4), "float32"))
    two = taking((4, 4), "uint8", Input("y", (), "float32", "number", None, ("y",)))
    with pytest.raises(BadJob, match="the model takes x, y, and files of images go into one"):
        read(files, two)


def test_texts_are_rows(read: Read) -> None:
    files = {"a.txt": "héllo\nworld".encode(), "b.txt": b"\xef\xbb\xbfwith a mark", "c.txt": b""}
    found, names = read(files, taking((), "str"))
    assert found.tolist() == ["héllo\nworld", "with a mark", ""]
    assert names == ("a.txt", "b.txt", "c.txt")
    with pytest.raises(BadJob, match=r"no texts in UTF-8: .*b.txt \(byte 3\)"):
        read({"a.txt": b"fine", "b.txt": b"ab\xff"}, taking((), "str"))
