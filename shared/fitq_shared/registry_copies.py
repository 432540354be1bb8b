"""What the volume keeps of the registry of models, for the day on which Redis has lost it.

A model's copy lies in `models/<name>/<life>.json`: a life begins when Redis makes the model's
first version, so what Redis begins anew after it has lost all does not replace the copy of what
was. Only `fitq reindex` reads the copies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fitq_shared.errors import StoreError
from fitq_shared.model_version import (
    AliasChange,
    ModelVersion,
    RegisteredModel,
    read_history,
    read_model,
)
from fitq_shared.record import UNREADABLE
from fitq_shared.registry import Registry
from fitq_shared.store import Store

FOLDER = "models"
_PATH = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,62})/([0-9a-f]{16})\.json")
_GONE = re.compile(r"gone:[0-9]{1,9}:[a-z0-9]{1,32}")


@dataclass(frozen=True)
class ModelCopy:
    """A model as a copy knows it; `gone` names the versions that were unregistered."""

    model: RegisteredModel
    life: str
    gone: tuple[str, ...]
    history: tuple[AliasChange, ...]


@dataclass(frozen=True)
class Written:
    """A copy to be written: where, what, and of which revision it is."""

    path: str
    content: bytes
    revision: str


def copy_of(registry: Registry, name: str) -> Written:
    """The copy of a model as it is now."""
    fields, history = registry.dump(name)
    content = json.dumps({"fields": fields, "history": history}, indent=2)
    path = f"{name}/{fields.get('life', '')}.json"
    return Written(path, content.encode(), fields.get("revision", "0"))


def keep(store: Store, copy: Written) -> None:
    """Renew the copy of a model in the volume.

    Raises:
        StoreError: the volume cannot be written.
    """
    # Who can write to Redis may have put any name there.
    if _PATH.fullmatch(copy.path):
        store.write(f"{FOLDER}/{copy.path}", copy.content)


def read_copies(store: Store) -> Iterator[ModelCopy]:
    """All copies that the volume has; what is none is passed over.

    Raises:
        StoreError: the volume cannot be read.
    """
    for path in sorted(store.files(FOLDER)):
        found = _PATH.fullmatch(path)
        if found is None:
            continue
        try:
            content: Any = json.loads(store.read(f"{FOLDER}/{path}"))
            fields = {str(key): str(value) for key, value in content["fields"].items()}
            history = read_history([str(text) for text in content["history"]])
        except StoreError as error:
            if error.passing:
                raise
            continue
        except UNREADABLE:
            continue
        yield ModelCopy(
            read_model(found[1], fields),
            found[2],
            tuple(sorted(field for field in fields if _GONE.fullmatch(field))),
            tuple(history),
        )


def lost_versions(registry: Registry, copy: ModelCopy) -> list[ModelVersion]:
    """The versions that a copy knows and Redis does not, nor has it unregistered them."""
    fields, _ = registry.dump(copy.model.name)
    return [
        version
        for version in copy.model.versions
        if f"job:{version.job}" not in fields
        and f"gone:{version.version}:{version.job}" not in fields
    ]
