"""What the commands on models check of the names that they are given."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.model_version import Alias
from fitq_shared.specs.base import Label

_LABEL: TypeAdapter[str] = TypeAdapter(Label)
_ALIAS: TypeAdapter[str] = TypeAdapter(Alias)
_EXPECTED = "1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit"


def check_names(**given: str) -> None:
    """Check the names of models and aliases, by the arguments that gave them.

    Raises:
        InvalidInput: names every one that is wrong.
    """
    wrong = []
    for where, name in given.items():
        adapter = _ALIAS if where == "ALIAS" else _LABEL
        try:
            adapter.validate_python(name)
        except ValidationError:
            no_number = ", and more than digits" if where == "ALIAS" else ""
            wrong.append(Mistake(where, name, _EXPECTED + no_number))
    if wrong:
        raise InvalidInput(wrong)
