"""What each kind of step has in common: it may have to learn, then it makes layers."""

from __future__ import annotations

import re
from typing import Any

from numpy.typing import NDArray

from fitq_worker.examples import Field

# A `.keras` file keeps vocabularies in its config, which is read whole before anything else.
LARGEST_VOCABULARY = 4 * 2**20


class Maker:
    """One step of one input.

    Args:
        step: as the job declares it.
        name: of the input.
        field: what the input is before this step.
    """

    learns = False

    def __init__(self, step: Any, name: str, field: Field) -> None:
        self.step = step
        self.input = name
        self.field = field

    def observe(self, values: NDArray[Any]) -> None:
        """Learn from some training rows, as the steps before leave them: of shape (n, ...)."""

    def finish(self) -> None:
        """All training rows were observed.

        Raises:
            BadJob: there is nothing to learn from them.
        """

    def build(self, x: Any) -> Any:
        """What the step makes of a symbolic tensor of shape (None, ...)."""
        raise NotImplementedError

    def layer_name(self, what: str | None = None) -> str:
        """A name for a layer, of letters that Keras takes."""
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", self.input) or "input"
        return f"{plain}_{what or self.step.type}"
