"""What Keras says of a model's layers, as trainings and checks keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitq_shared.attempt_folder import AttemptFolder

if TYPE_CHECKING:
    import keras


def write_summary(folder: AttemptFolder, model: keras.Model) -> None:
    """Keep the table of layers, shapes and parameters, 78 characters wide."""
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text), line_length=78)
    folder.write(AttemptFolder.summary, "\n".join(lines) + "\n")
