from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fitq_worker.figures._canvas import DPI, new_figure, save_figure, whole_file

MODULES = ("confusion", "heat_map", "history", "model_plot", "predictions", "samples")


def test_a_saved_figure_has_its_size_in_pixels_and_leaves_nothing_else(tmp_path, png_size):
    # Given a figure of 3 by 2 inches
    figure = new_figure(3, 2)

    # When it is saved
    save_figure(figure, tmp_path / "picture.png")

    # Then the file is a PNG of that size, alone in its folder
    assert png_size(tmp_path / "picture.png") == (3 * DPI, 2 * DPI)
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    # Given an old picture
    path = tmp_path / "picture.png"
    path.write_text("old")

    # When a new one is half written
    with whole_file(path) as temporary:
        temporary.write_text("ne")
        # Then readers still see the old one, and the half lies beside it
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
        temporary.write_text("new")
        inode = temporary.stat().st_ino

    # And the new one at the end: that very file renamed, not a copy made bit by bit
    assert path.read_text() == "new"
    assert path.stat().st_ino == inode


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(tmp_path):
    # Given an old picture
    path = tmp_path / "picture.png"
    path.write_text("old")

    # When writing the new one fails half-way
    def write() -> None:
        with whole_file(path) as temporary:
            temporary.write_text("ne")
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="disk is full"):
        write()

    # Then the old one is there, alone
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_pictures_need_neither_pyplot_nor_keras_to_be_imported():
    # Given a fresh Python
    code = "; ".join(f"import fitq_worker.figures.{module}" for module in MODULES)
    code += "; import sys; print({'matplotlib.pyplot', 'keras'} & set(sys.modules))"
    folders = [str(Path(entry).resolve()) for entry in sys.path if entry]

    # When all the modules are imported
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {folders!r}; {code}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    # Then neither came along
    assert done.stdout.strip() == "set()"
