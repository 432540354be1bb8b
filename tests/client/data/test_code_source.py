"""Data that a function makes: its file travels as a bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fitq_shared.code_bundle import read_bundle


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Path]:
    def make(text: str) -> Path:
        (tmp_path / "helper.py").write_text("ROWS = 5\n")
        path = tmp_path / "spirals.py"
        path.write_text(text)
        return path

    return make


def test_the_file_and_what_it_imports_are_bundled_with_its_options(script, look):
    path = script("import helper\n\ndef make(rows=1):\n    return rows\n")
    source = look(f"{path}:make", options={"rows": 3})
    [file] = source.files
    assert set(read_bundle(file.open().read())) == {"spirals.py", "helper.py"}
    assert (source.code.module, source.code.function) == ("spirals", "make")
    assert source.code.options == {"rows": 3}
    # And the same code is the same data set
    again = look(f"{path}:make", options={"rows": 3})
    assert again.manifest([{"sha256": "a" * 64, "size": file.size}]) == source.manifest(
        [{"sha256": "a" * 64, "size": file.size}]
    )


@pytest.mark.parametrize(
    ("text", "function", "said"),
    [
        ("def make(): ...\n", "maek", "did you mean 'make'?"),
        ("x = 1\n", "make", "a function; the file has none"),
        ("def make(:\n", "make", "spirals.py, line 1"),
    ],
)
def test_a_function_that_is_not_there_is_named(script, mistakes, text, function, said):
    assert said in mistakes(f"{script(text)}:{function}")[0]


def test_a_file_of_python_needs_the_name_of_a_function(script, mistakes):
    assert "FILE.py:FUNCTION" in mistakes(script("def make(): ...\n"))[0]
    path = script("def make(): ...\n")
    assert "--target" in mistakes(f"{path}:make", targets=("y",))[0]
