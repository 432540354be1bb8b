"""Folders of images and texts by class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 30 + b"IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 30


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder of these files, with these folders that stay empty."""

    def make(files: dict[str, bytes], empty: tuple[str, ...] = ()) -> Path:
        root = tmp_path / "pets"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name in empty:
            (root / name).mkdir(parents=True)
        return root

    return make


def test_each_folder_is_a_class(tree, look):
    # Given images in two folders, one of them deeper, and what is no image
    root = tree(
        {
            "dogs/b.jpg": JPEG,
            "cats/a.png": PNG,
            "cats/more/c.PNG": PNG,
            "README.md": b"",
            ".DS_Store": b"",
        }
    )
    # When it is looked at
    source = look(root)
    # Then each is a row of its class, in an order that does not depend on the disk
    assert source.format == "images"
    assert [(file.name, file.label) for file in source.files] == [
        ("cats/a.png", 0),
        ("cats/more/c.PNG", 0),
        ("dogs/b.jpg", 1),
    ]
    assert source.columns[1].classes == ("cats", "dogs")
    assert source.rows == {"train": 3}
    assert source.notes == ("left out, since they are no images: 'README.md'",)


def test_folders_train_and_test_are_splits(tree, look):
    texts = {f"{split}/{label}/1.txt": b"text" for split in ("train", "test") for label in "ab"}
    source = look(tree({**texts, "train/a/2.txt": "ü".encode()}))
    assert source.format == "texts"
    assert source.rows == {"train": 3, "test": 2}
    assert {(file.name, file.split, file.label) for file in source.files} >= {
        ("train/b/1.txt", "train", 1),
        ("test/b/1.txt", "test", 1),
    }


def test_all_that_is_wrong_is_named_at_once(tree, mistakes):
    root = tree(
        {
            "cats/a.png": PNG,
            "cats/cut.png": PNG[:20],
            "cats/nothing.png": b"",
            "dogs/page.jpg": b"<html>",
            "outside.png": PNG,
        },
        empty=("birds",),
    )
    found = "\n".join(mistakes(root))
    assert "not 'outside.png'" in found
    assert "none in 'birds'" in found
    assert "cut.png" in found
    assert "a PNG whose end is missing" in found
    assert "nothing.png" in found
    assert "neither PNG, JPEG, GIF nor BMP" in found


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.png": PNG, "b.png": PNG}, "a folder for each class"),
        ({"cats/a.png": PNG}, "there is only 'cats'"),
        ({"cats/a.md": b""}, "a .csv, .tsv"),
        ({"a/1.txt": b"\xff\xfe", "b/1.txt": b""}, "not UTF-8"),
        (
            {"train/a/1.png": PNG, "train/b/1.png": PNG, "test/c/1.png": PNG},
            "only classes that the training split has; not 'c'",
        ),
    ],
)
def test_folders_that_are_no_classes_are_named(tree, mistakes, files, said):
    assert any(said in line for line in mistakes(tree(files)))


def test_an_empty_folder_or_none_is_named(tree, tmp_path, mistakes):
    assert "a folder with files in it" in mistakes(tree({}, empty=("cats",)))[0]
    assert "No such file" in mistakes(tmp_path / "nowhere")[0]


def test_links_that_leave_the_folder_are_refused(tree, tmp_path, mistakes, look):
    # Given a link to a file elsewhere, one to a file inside, and a broken one
    secret = tmp_path / "secret.png"
    secret.write_bytes(PNG)
    root = tree({"cats/a.png": PNG, "dogs/b.png": PNG})
    (root / "cats/inside.png").symlink_to(root / "cats/a.png")
    assert len(look(root).files) == 3
    (root / "cats/link.png").symlink_to(secret)
    (root / "dogs/broken.png").symlink_to(root / "gone.png")
    # Then the first and the last are named
    found = mistakes(root)
    assert len(found) == 2
    assert "it is a link to what lies elsewhere" in "\n".join(found)


def test_options_for_tables_make_no_sense_for_images(tree, mistakes):
    root = tree({"cats/a.png": PNG, "dogs/b.png": PNG})
    found = mistakes(root, targets=("class",), missing=("NA",))
    assert [line.partition(" =")[0] for line in found] == ["--target", "--missing"]
