"""Code of the user's own that a job runs: which function, of which module, in which bundle."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from fitq_shared.specs.base import InputFile, Spec

MOST_OPTIONS = 100


def _is_finite(value: Any) -> Any:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, float) and not abs(item) < float("inf"):
            raise ValueError("a finite number")
        if isinstance(item, dict | list):
            waiting += item.values() if isinstance(item, dict) else item
    return value


# As it is imported: the file's name without its suffix, with the packages around it.
Module = Annotated[str, StringConstraints(pattern=r"^[\w-]+(\.[\w-]+)*$", max_length=200)]
Name = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*$", max_length=64)]
Plain = Annotated[JsonValue, AfterValidator(_is_finite)]


class UserCode(Spec):
    """A function that is called with options as keywords.

    `bundle` is a tar of its file and the local modules that it imports (see code_bundle.py).
    """

    bundle: InputFile
    module: Module
    function: Name
    options: Annotated[dict[Name, Plain], Field(max_length=MOST_OPTIONS)] = Field(
        default_factory=dict
    )

    @property
    def reference(self) -> str:
        """What the user calls it: net.py:build."""
        return f"{self.module.replace('.', '/')}.py:{self.function}"
