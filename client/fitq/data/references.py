"""Which data set a word means: `houses`, the newest version, or `houses@2`."""

from __future__ import annotations

import re

from fitq_shared.catalogue import DATASETS
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.record import JobRecord
from fitq_shared.registrations import Registration, registrations
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.store import Store

_REFERENCE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,62})(?:@([1-9][0-9]{0,8}))?")


def named(job: JobRecord) -> str:
    """The data set of a job, as a person names it."""
    dataset = job.spec["dataset"]
    if isinstance(dataset, str):
        return dataset
    return f"{dataset['name']}@{dataset['version']}"


def find_registered(store: Store, text: str, where: str) -> Registration:
    """The version that a reference means.

    Args:
        where: what named it, for messages.

    Raises:
        InvalidInput: there is none; suggests the nearest that there is.
        StoreError: the store cannot be read.
    """
    return find_versions(store, text, where)[-1]


def find_versions(store: Store, text: str, where: str) -> list[Registration]:
    """The versions that a reference means, from the oldest: all, or the one that it names.

    Raises:
        InvalidInput: there is none; suggests the nearest that there is.
        StoreError: the store cannot be read.
    """
    found = _REFERENCE.fullmatch(text)
    if found and found[1] in DATASETS:
        expected = f"a registered data set: fitq has {found[1]} by itself, without versions"
        raise InvalidInput([Mistake(where, text, expected)])
    versions = registrations(store, found[1]) if found else []
    if found and found[2]:
        named = [one for one in versions if one.version == int(found[2])]
        if versions and not named:
            raise InvalidInput([unknown_choice(where, text, map(str, versions))])
        versions = named
    if not versions:
        names = {one.name for one in registrations(store)}
        raise InvalidInput([unknown_choice(where, text, [*DATASETS, *names])])
    return versions
