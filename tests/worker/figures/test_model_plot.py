from __future__ import annotations

import stat
import sys
from pathlib import Path

import keras
import pytest

from fitq_shared.errors import JobError
from fitq_worker.figures import model_plot
from fitq_worker.figures.model_plot import dot_text, plot_model


@pytest.fixture(scope="module")
def model():
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(10, name="a<b> & c"),
        ],
        name="small",
    )


def program(folder: Path, name: str, script: str) -> None:
    """Put an executable shell script into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(stat.S_IRWXU)


@pytest.fixture
def only_programs_of(monkeypatch, tmp_path):
    """A folder that is both PATH and where Python lies: no other program is found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return folder


def test_the_text_names_the_layers_and_their_shapes(model):
    # Given a model
    # When it is described
    text = dot_text(model)

    # Then its layers are there with their output shapes
    assert "(Flatten)" in text
    assert "Output shape: <b>(None, 784)</b>" in text
    assert "Output shape: <b>(None, 10)</b>" in text
    # And a name that looks like HTML is only a name
    assert "<b>a&lt;b&gt; &amp; c</b> (Dense)" in text


def test_the_wheels_program_draws_when_path_is_empty(model, tmp_path, monkeypatch, png_size):
    # Given a machine without Graphviz
    monkeypatch.setenv("PATH", "")

    # When the model is drawn
    plot_model(model, tmp_path / "model.png")

    # Then the PNG is higher than two boxes, and alone
    width, height = png_size(tmp_path / "model.png")
    assert width > 200
    assert height > 200
    assert [file.name for file in tmp_path.iterdir()] == ["model.png"]


def test_dot_comes_first(model, tmp_path, only_programs_of):
    # Given both programs
    draw = "echo {name}"
    program(only_programs_of, "dot", draw.format(name="dot"))
    program(only_programs_of, "graphviz-pure", draw.format(name="pure"))

    # When the model is drawn, Then dot did it
    plot_model(model, tmp_path / "model.png")
    assert (tmp_path / "model.png").read_text() == "dot\n"


def test_a_dot_that_fails_is_made_up_for(model, tmp_path, only_programs_of):
    # Given a dot without its PNG plugin, and graphviz-pure on PATH
    program(only_programs_of, "dot", "echo no png >&2; exit 1")
    program(only_programs_of, "graphviz-pure", "echo pure")

    # When the model is drawn, Then graphviz-pure did it
    plot_model(model, tmp_path / "model.png")
    assert (tmp_path / "model.png").read_text() == "pure\n"


def test_when_both_fail_the_error_gives_their_reasons(model, tmp_path, only_programs_of):
    # Given one that fails, one that writes nothing, and an old picture
    program(only_programs_of, "dot", "echo no png plugin >&2; exit 3")
    program(only_programs_of, "graphviz-pure", "true")
    (tmp_path / "model.png").write_text("old")

    # When the model is drawn
    with pytest.raises(JobError) as caught:
        plot_model(model, tmp_path / "model.png")

    # Then the error says what each said, and the old picture is as it was
    assert "'small'" in caught.value.message
    assert "exit code 3: no png plugin" in caught.value.message
    assert "printed no picture" in caught.value.message
    assert "graphviz-pure" in caught.value.hint
    assert (tmp_path / "model.png").read_text() == "old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bin", "model.png"]


def test_without_either_program_the_error_says_what_to_install(model, tmp_path, only_programs_of):
    # Given neither program
    # When the model is drawn, Then the error names both
    with pytest.raises(JobError, match="neither `dot` nor `graphviz-pure` is installed"):
        plot_model(model, tmp_path / "model.png")


def test_a_program_that_hangs_is_given_up(model, tmp_path, only_programs_of, monkeypatch):
    # Given a dot that does not end
    monkeypatch.setattr(model_plot, "SECONDS", 0.3)
    program(only_programs_of, "dot", "exec /bin/sleep 60")

    # When the model is drawn, Then the error says so, soon
    with pytest.raises(JobError, match=r"timed out after 0\.3 seconds"):
        plot_model(model, tmp_path / "model.png")


def test_a_model_that_is_not_built_cannot_be_drawn(tmp_path):
    # Given a model that does not know its shapes
    unbuilt = keras.Sequential([keras.layers.Dense(1)], name="unbuilt")

    # When it is drawn, Then the error gives Keras' reason
    with pytest.raises(JobError, match=r"'unbuilt' cannot be drawn: .*not yet been built"):
        plot_model(unbuilt, tmp_path / "model.png")


def test_branches_are_drawn_too(tmp_path, png_size):
    # Given a model with two branches
    start = keras.Input((4,))
    left, right = (keras.layers.Dense(3, name=name)(start) for name in ("left", "right"))
    model = keras.Model(start, keras.layers.Add()([left, right]))

    # When it is drawn, Then there is a picture as wide as two boxes
    plot_model(model, tmp_path / "model.png")
    assert png_size(tmp_path / "model.png")[0] > 600
