"""Where a model comes from: its job, data, code, seed and environment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.errors import StoreError
from fitq_shared.record import UNREADABLE, JobRecord
from fitq_shared.specs.base import canonical_json
from fitq_shared.specs.tables import tables_in

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


def lineage_of(record: JobRecord, folder: AttemptFolder | None) -> Lineage:
    """The lineage of a training.

    Args:
        folder: its artifacts, which hold its environment; None where they cannot be read.
    """
    spec = record.spec
    return Lineage(
        job=record.id,
        job_name=record.name,
        attempt=record.attempt,
        dataset=dataset_of(spec),
        data_hash=data_hash_of(spec),
        code_hash=code_hash_of(spec),
        spec_hash=record.spec_hash,
        seed=spec.get("seed"),
        threads=record.threads,
        device=record.device_name,
        environment=_environment(record, folder),
    )


def dataset_of(spec: Mapping[str, Any]) -> str:
    """The data set that a spec names, with its version if it has one."""
    dataset = spec.get("dataset")
    if isinstance(dataset, Mapping):
        return f"{dataset.get('name')}@{dataset.get('version')}"
    return str(dataset)


def data_hash_of(spec: Mapping[str, Any]) -> str | None:
    """The hash of what is in the data set that a spec names: that of the manifest of a registered
    one, or of the known sums of the arrays; None for others."""
    dataset = spec.get("dataset")
    if isinstance(dataset, Mapping):
        manifest = dataset.get("manifest")
        return str(manifest) if manifest else None
    facts = DATASETS.get(str(dataset))
    return (
        None if facts is None else hashlib.sha256(canonical_json(facts.sums).encode()).hexdigest()
    )


def code_hash_of(spec: Mapping[str, Any]) -> str | None:
    """The hash of the user's code that a spec names; of several bundles that of their hashes."""
    found = sorted(set(_bundles(spec)))
    if len(found) > 1:
        return hashlib.sha256("".join(found).encode()).hexdigest()
    return found[0] if found else None


def _bundles(spec: Mapping[str, Any]) -> Iterator[str]:
    for table in tables_in(spec):
        bundle = table.get("bundle")
        if isinstance(bundle, Mapping) and isinstance(bundle.get("sha256"), str):
            yield bundle["sha256"]


def _environment(record: JobRecord, folder: AttemptFolder | None) -> dict[str, str]:
    if folder is None or record.manifest is None:
        return {}
    try:
        found: Any = json.loads(folder.read_verified(AttemptFolder.environment, record.manifest))
        packages = found["packages"]
        versions = {name: packages.get(name) for name in PACKAGES}
        environment = {"python": found.get("python"), "fitq": found.get("fitq"), **versions}
    except (StoreError, *UNREADABLE):
        return {}
    return {name: str(version) for name, version in environment.items() if version}
