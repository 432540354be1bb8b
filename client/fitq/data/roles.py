"""Which columns are inputs, which are targets, and which values they may miss."""

from __future__ import annotations

from collections.abc import Sequence

from fitq.data.source import Declared
from fitq_shared.dataset_manifest import Role


def role_of(name: str, declared: Declared, targets: Sequence[str]) -> Role:
    """The role of a column, where these are the targets."""
    if name in targets:
        return "target"
    return "input" if not declared.inputs or name in declared.inputs else "unused"
