"""Of a script or a notebook goes only what some of its names need."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from fitq.main_source import main_source
from fitq_shared.errors import InvalidInput


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    return module


def test_a_script_is_cut_to_what_is_needed(main: ModuleType, tmp_path: Path) -> None:
    # Given a script that does something, and defines a class which uses other names of it
    script = (
        "import os, keras\n"
        "from parts import scale as by\n"
        "SIZE: int = 3\n"
        "print('must not run')\n"
        "@keras.saving.register_keras_serializable()\n"
        "class Net(keras.Model):\n"
        "    size = SIZE\n"
        "    def call(self, x): return by(helped(x))\n"
        "def helped(x):\n"
        "    return x\n"
        "def other(): pass\n"
        "if True:\n"
        "    print('must not run either')\n"
    )
    (tmp_path / "run.py").write_text(script)
    main.__file__ = str(tmp_path / "run.py")
    # When it is cut
    name, text = main_source(["Net"])
    # Then these are there, in their lines, and nothing else
    assert name == "run.py"
    kept = {at for at, line in enumerate(text.split("\n"), 1) if line}
    assert kept == {1, 2, 3, 5, 6, 7, 8, 9, 10}
    assert text.split("\n")[5] == "class Net(keras.Model):"


def test_a_notebook_is_its_cells_and_the_newest_counts(main: ModuleType) -> None:
    cells = ["", "%matplotlib inline\nimport keras", "def far(): return 1", "!ls", "what is this"]
    main.In = [*cells, "def far():\n    return keras", "job = fit(far)"]  # type: ignore[attr-defined]
    name, text = main_source(["far"])
    assert name == "notebook.py"
    assert [line for line in text.split("\n") if line] == [
        "import keras",
        "def far():",
        "    return keras",
    ]


def test_what_annotations_mean_is_kept(main: ModuleType, tmp_path: Path) -> None:
    # Given a class that names itself in an annotation, which only an import from __future__ allows
    net = "class Net:\n    def twin(self) -> Net:\n        return self\n"
    future = "from __future__ import annotations\n"
    # When it stands in a script, or the import in some cell of a notebook
    (tmp_path / "run.py").write_text(f'"""Trains."""\n\n{future}\n{net}')
    main.__file__ = str(tmp_path / "run.py")
    _, script = main_source(["Net"])
    main.In = ["", "import os\nprint(1)", future + net]  # type: ignore[attr-defined]
    _, notebook = main_source(["Net"])
    # Then what is sent can be run, each definition in its line
    for text in (script, notebook):
        exec(compile(text, "run.py", "exec"), {})
        assert text.split("\n")[4] == "class Net:"


def test_an_import_that_may_fail_is_kept_and_other_attempts_are_not(main: ModuleType) -> None:
    tried = "try:\n    import quick\nexcept ImportError:\n    quick = None"
    cells = [tried, "try:\n    fit()\n    far = 1\nexcept OSError:\n    pass"]
    main.In = ["", *cells, "def far(): return quick"]  # type: ignore[attr-defined]
    _, text = main_source(["far"])
    kept = [line for line in text.split("\n") if line]
    assert kept == [*tried.split("\n"), "def far(): return quick"]


def test_all_parts_of_a_package_that_are_imported_are_kept(main: ModuleType) -> None:
    imports = ["import xml.dom", "import xml.sax"]
    main.In = ["", *imports, "def far(): return xml.dom, xml.sax"]  # type: ignore[attr-defined]
    _, text = main_source(["far"])
    assert text.split("\n")[1:3] == imports


def test_without_source_it_is_said_what_to_do(main: ModuleType) -> None:
    with pytest.raises(InvalidInput, match="source that can be read") as caught:
        main_source(["far"])
    assert "define them in a file" in caught.value.hint
