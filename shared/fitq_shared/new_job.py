"""A job to be made."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from fitq_shared.schema import SCHEMA_VERSION
from fitq_shared.specs.base import JobSpec

_ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_id() -> str:
    """An id that no other job or sweep will have had."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(8))


@dataclass(frozen=True)
class NewJob:
    """A job to be made: its id (of `new_id`), its spec, and the jobs it comes after."""

    id: str
    spec: JobSpec
    after: tuple[str, ...] = ()

    def to_fields(self, proof: str | None) -> dict[str, str]:
        """What its record says that its place in Redis does not.

        Args:
            proof: the client's signature, if it signs.
        """
        spec = self.spec
        fields = {
            "id": self.id,
            "name": spec.name,
            "kind": spec.kind,
            "owner": spec.owner,
            "tags": json.dumps(spec.tags),
            "device": spec.device,
            "summary": spec.summary,
            "spec": spec.canonical(),
            "spec_hash": spec.digest(),
            "schema": str(SCHEMA_VERSION),
        }
        if spec.fixed_threads is not None:
            fields["threads"] = fields["fixed_threads"] = str(spec.fixed_threads)
        if self.after:
            fields["after"] = json.dumps(self.after)
        if proof:
            fields["proof"] = proof
        return fields
