"""Many small files as one archive."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.packed import pack, unpack


def archive(**members: bytes) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, value in members.items():
            file.writestr(name.replace("_", "/"), value)
    return content


def test_files_come_back_in_order_with_their_names(tmp_path: Path) -> None:
    # Given files of several folders, two of one name, one with a name that hides something
    names = ["b/x.png", "a/x.png", "a/\x1b[2Jred.png", "a/back\\slash.png"]
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes([number]) * (number * 1000))

    # When they are packed twice
    for target in ("one.zip", "two.zip"):
        pack([tmp_path / name for name in names], tmp_path / target)
    content = (tmp_path / "one.zip").read_bytes()

    # Then both archives are the same, and have them in their order
    assert content == (tmp_path / "two.zip").read_bytes()
    found = list(unpack(io.BytesIO(content), "4 files"))
    assert [value for _, value in found] == [bytes([n]) * (n * 1000) for n in range(4)]
    assert [name[-7:] for name, _ in found[:2]] == ["b/x.png", "a/x.png"]
    assert all(name.isprintable() and len(name) <= 150 for name, _ in found)


def test_a_way_out_of_the_folder_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "x.txt").write_text("x")
    pack([tmp_path / "a" / ".." / "x.txt"], tmp_path / "one.zip")
    with (tmp_path / "one.zip").open("rb") as file:
        [(name, _)] = unpack(file, "x.txt")
    assert ".." not in name
    assert name.endswith("x.txt")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 and then nothing",
        archive(**{"1_a.png": b"x"}).getvalue(),
        archive(**{"0_a.png": b"x", "2_b.png": b"x"}).getvalue(),
        archive(**{"a.png": b"x"}).getvalue(),
        archive(**{"0_.._a.png": b"x"}).getvalue(),
        archive(**{"0_a.png": b"x" * 9999}).getvalue()[:-50],
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"input = 'mine': expected files that fitq has packed"):
        list(unpack(io.BytesIO(content), "mine"))
