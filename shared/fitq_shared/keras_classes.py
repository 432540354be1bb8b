"""What is Keras's own, known without importing Keras."""

from __future__ import annotations

from typing import Any


def is_keras(kind: Any) -> bool:
    """Whether Keras itself defines this class or function."""
    return str(kind.__module__).startswith("keras.")


def derives(kind: type, name: str) -> bool:
    """Whether a class is, or derives from, Keras's class of this name."""
    return any(is_keras(one) and one.__name__ == name for one in kind.__mro__)
