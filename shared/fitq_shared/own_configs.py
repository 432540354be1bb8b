"""What models of a user's class say of themselves, where the class does not.

Keras keeps for such a class what its `__init__` takes by default, not what it was given: with
anything else the model is saved, and nobody can load it.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator
from typing import Any

from fitq_shared.keras_classes import derives, is_keras

_PLAIN = (bool, int, float, str, type(None))


def lacks_config(kind: type) -> bool:
    """Whether a class is a user's model whose `get_config` is Keras's."""
    if not derives(kind, "Model"):
        return False
    definer = next(one for one in kind.__mro__ if "get_config" in vars(one))
    return not is_keras(kind) and is_keras(definer)


def complete(kind: Any) -> None:
    """Let a class say what its `__init__` takes: its attributes of the same names."""
    given = kind.get_config
    parameters = inspect.signature(kind.__init__).parameters.values()
    names = [
        one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    ]
    takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters)

    def get_config(self: Any) -> dict[str, Any]:
        config: dict[str, Any] = given(self)
        if "layers" in config:  # functional: it is known without
            return config
        own = {name: getattr(self, name) for name in names if hasattr(self, name)}
        config |= {name: one for name, one in own.items() if isinstance(one, _PLAIN)}
        return {name: one for name, one in config.items() if takes_all or name in names}

    kind.get_config = get_config


@contextlib.contextmanager
def completed(kinds: Iterable[Any]) -> Iterator[None]:
    """In this, classes that do not say it are completed; afterwards they are as before."""
    changed = [kind for kind in dict.fromkeys(kinds) if lacks_config(kind)]
    for kind in changed:
        complete(kind)
    try:
        yield
    finally:
        for kind in changed:
            del kind.get_config
