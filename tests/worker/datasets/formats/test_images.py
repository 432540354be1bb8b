from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fitq_shared.dataset_manifest import Column
from fitq_shared.errors import BadJob
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.specs.steps import Resize
from fitq_shared.store import Store
from fitq_worker.datasets.registered import Choice, load_registered
from fitq_worker.examples import Field
from support.registered import register

IMAGE = Column(name="image", type="image")


def png(value: int, height: int = 4, width: int = 6, mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height), value if mode == "L" else (value,) * len(mode)).save(
        buffer, "PNG"
    )
    return buffer.getvalue()


def pictures(store: Store, files: dict[str, bytes], column: Column = IMAGE) -> DatasetRef:
    classes = ["ant", "bee"]
    label = Column(name="class", type="category", role="target", classes=classes)
    return register(
        store,
        "images",
        files,
        [column, label],
        labels={path: classes.index(path.split("/")[1]) for path in files},
        splits={path: path.split("/")[0] for path in files},
        piece=50,
    )


def test_images_are_read_in_any_order_with_their_classes(store: Store) -> None:
    # Given images in grey, in colours and with alpha, in two splits
    files = {
        "train/ant/1.png": png(10),
        "test/ant/1.png": png(99),
        "train/ant/2.png": png(20, mode="RGB"),
        "train/bee/1.png": png(255, mode="RGBA"),
    }
    # When they are loaded
    examples = load_registered(pictures(store, files), store, "train")
    # Then all have three channels
    assert examples.inputs == {"image": Field((4, 6, 3), "uint8", kind="image")}
    assert examples.targets == {"class": Field((), "int32", ("ant", "bee"), "category")}
    # And come as they are asked for
    inputs, targets = examples.read(np.array([2, 0, 1]))
    assert inputs["image"].shape == (3, 4, 6, 3)
    assert inputs["image"][:, 0, 0, 0].tolist() == [255, 10, 20]
    assert targets["class"].tolist() == [1, 0, 0]
    # And those of the other split are apart
    assert len(load_registered(pictures(store, files), store, "test")) == 1


def test_declared_channels_are_given(store: Store) -> None:
    column = Column(name="image", type="image", shape=(4, 6, 1))
    ref = pictures(store, {"train/ant/1.png": png(10, mode="RGB")}, column)
    examples = load_registered(ref, store, "train")
    assert examples.inputs["image"].shape == (4, 6, 1)
    assert examples.read(np.array([0]))[0]["image"].shape == (1, 4, 6, 1)


def test_several_sizes_are_named_unless_they_are_brought_to_one(store: Store) -> None:
    # Given images of two sizes
    files = {"train/ant/1.png": png(1), "train/ant/2.png": png(1), "test/bee/3.png": png(9, 5, 5)}
    ref = pictures(store, files)
    # When they are loaded as they are
    with pytest.raises(BadJob) as failed:
        load_registered(ref, store, "train")
    # Then two files, their sizes, and what to do are named
    assert "train/ant/1.png is 4 × 6 (height × width), but test/bee/3.png is 5 × 5" in str(
        failed.value
    )
    assert "--preprocess image=resize:height=64,width=64" in failed.value.hint
    # And when a size is declared, then they have that size
    choice = Choice(resize=Resize(height=8, width=7))
    examples = load_registered(ref, store, "test", choice)
    assert examples.inputs["image"].shape == (8, 7, 3)
    assert examples.read(np.array([0]))[0]["image"].tolist() == np.full((1, 8, 7, 3), 9).tolist()


def test_all_files_that_are_no_images_are_named(store: Store) -> None:
    files = {"train/ant/1.png": b"text", "train/ant/2.png": png(1), "train/bee/3.png": b""}
    with pytest.raises(BadJob) as failed:
        load_registered(pictures(store, files), store, "train")
    assert "the image train/ant/1.png cannot be read: it is no PNG, JPEG, GIF or BMP" in str(
        failed.value
    )
    assert "the image train/bee/3.png cannot be read: the file is empty" in str(failed.value)


def test_an_image_that_is_broken_inside_is_named_when_it_is_read(store: Store) -> None:
    whole = png(1, 64, 64)
    noise = np.random.default_rng(1).integers(0, 256, (64, 64), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    ref = pictures(store, {"train/ant/1.png": whole, "train/bee/2.png": buffer.getvalue()[:-1000]})
    examples = load_registered(ref, store, "train")
    with pytest.raises(BadJob, match=r"train/bee/2.png cannot be read: it is broken"):
        examples.read(np.array([0, 1]))
