"""Where a model comes from: its job, data, code, seed and environment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fitq.queue import Queue
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.errors import StoreError
from fitq_shared.record import JobRecord

PACKAGES = ("keras", "tensorflow", "numpy")


@dataclass(frozen=True)
class Lineage:
    """What a training was made of. Hashes are SHA-256 in hexadecimal; None where not known.

    `code_hash` is that of the user's own code, None where the job has none; `environment` holds
    the versions of Python, fitq and the packages.
    """

    job: str
    job_name: str
    attempt: int
    dataset: str
    data_hash: str | None
    code_hash: str | None
    spec_hash: str
    seed: int | None
    threads: int | None
    device: str | None
    environment: dict[str, str]


def lineage_of(client: Queue, record: JobRecord) -> Lineage:
    """The lineage of a training; its environment only if this client can read the store."""
    spec = record.spec
    dataset, data_hash = dataset_of(spec)
    return Lineage(
        job=record.id,
        job_name=record.name,
        attempt=record.attempt,
        dataset=dataset,
        data_hash=data_hash,
        code_hash=next(code_hashes(spec), None),
        spec_hash=record.spec_hash,
        seed=spec.get("seed"),
        threads=record.threads,
        device=record.device_name,
        environment=_environment(client, record),
    )


def dataset_of(spec: dict[str, Any]) -> tuple[str, str | None]:
    """The data set that a spec names, with its version, and the hash of what is in it."""
    dataset = spec.get("dataset")
    if isinstance(dataset, dict):
        return f"{dataset.get('name')}@{dataset.get('version')}", dataset.get("manifest")
    facts = DATASETS.get(str(dataset))
    if facts is None:
        return str(dataset), None
    sums = json.dumps(facts.sums, sort_keys=True).encode()
    return facts.name, hashlib.sha256(sums).hexdigest()


def code_hashes(value: Any) -> Iterator[str]:
    """The hashes of the bundles of code that a spec names."""
    if isinstance(value, dict):
        bundle = value.get("bundle")
        if isinstance(bundle, dict) and isinstance(bundle.get("sha256"), str):
            yield bundle["sha256"]
        for inner in value.values():
            yield from code_hashes(inner)


def _environment(client: Queue, record: JobRecord) -> dict[str, str]:
    if not client.has_store or record.manifest is None:
        return {}
    try:
        found: Any = json.loads(
            client.folder(record).read_verified(AttemptFolder.environment, record.manifest)
        )
    except StoreError:
        return {}
    packages = found.get("packages", {})
    versions = {name: packages.get(name) for name in PACKAGES}
    environment = {"python": found.get("python"), "fitq": found.get("fitq"), **versions}
    return {name: str(version) for name, version in environment.items() if version}
