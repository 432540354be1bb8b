"""The picture of a model: its layers, their shapes, and what feeds what."""

from __future__ import annotations

import html
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fitq_shared.errors import JobError
from fitq_worker.figures._canvas import whole_file

if TYPE_CHECKING:
    import keras

DPI = 96
SECONDS = 60  # a drawing that takes longer is given up


def plot_model(model: keras.Model, path: Path) -> None:
    """Write the layers of a built model, with their shapes, as a PNG.

    Drawn by Graphviz' `dot` when it is on PATH and works, else by the `graphviz-pure`
    program of the wheel of that name, which lies beside the running Python.

    Args:
        model: any built Keras model; a subclassed one is drawn as a single box.
        path: the PNG to write.

    Raises:
        JobError: the model is not built, or neither program can draw it.
    """
    text = dot_text(model)
    reasons = []
    for program in programs():
        try:
            picture = _draw(program, text)
        except (OSError, subprocess.SubprocessError) as error:
            reasons.append(f"{program}: {error}")
        else:
            with whole_file(path) as temporary:
                temporary.write_bytes(picture)
            return
    raise JobError(
        f"the model {model.name!r} cannot be drawn: "
        + ("; ".join(reasons) or "neither `dot` nor `graphviz-pure` is installed"),
        "install Graphviz, or the graphviz-pure wheel in the worker's environment",
    )


def dot_text(model: keras.Model) -> str:
    """The model as a graph in Graphviz' language.

    Raises:
        JobError: Keras cannot describe the model: it is not built, or pydot is missing.
    """
    import keras

    try:
        graph = keras.utils.model_to_dot(model, show_shapes=True, show_layer_names=True, dpi=DPI)
    except (ValueError, ImportError) as error:
        raise JobError(f"the model {model.name!r} cannot be drawn: {error}") from error
    text = str(graph.to_string())
    for name in {model.name, *(layer.name for layer in model.layers)}:
        # Keras writes names into HTML as they are: "a<b" would be a tag.
        text = text.replace(f"<b>{name}</b>", f"<b>{html.escape(name)}</b>")
    return text


def programs() -> list[str]:
    """The programs that can draw, best first."""
    beside_python = str(Path(sys.executable).parent)
    found = (
        shutil.which("dot"),
        shutil.which("graphviz-pure", path=beside_python) or shutil.which("graphviz-pure"),
    )
    return [program for program in found if program]


def _draw(program: str, text: str) -> bytes:
    """The picture as the program prints it; it touches no volume, which may be full."""
    command = [program, "-Tpng"]
    done = subprocess.run(
        command, input=text.encode(), capture_output=True, timeout=SECONDS, check=False
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise OSError(f"exit code {done.returncode}: {said[-500:]}")
    if not done.stdout:
        raise OSError("it printed no picture")
    return done.stdout
