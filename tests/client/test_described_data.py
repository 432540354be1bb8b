"""What a worker has measured of registered data, as the command line prints it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from fitq_shared.datasets import description_path
from fitq_shared.registrations import registrations
from fitq_shared.store import Store

pytestmark = pytest.mark.services

MEASURED: dict[str, Any] = {"min": 2, "max": 4.25, "mean": 3.0, "std": 0.5, "not_finite": 0}
DESCRIPTION: dict[str, Any] = {
    "name": "houses@1",
    "title": "houses@1",
    "rows": {"train": 3},
    "columns": [
        {"name": "rooms", "faults": [], "splits": {"train": {**MEASURED, "missing": 7}}},
        {"name": "city", "faults": ["it is \x1b[2Jodd"], "splits": {"train": {"missing": 0}}},
    ],
    "counts": {"city": {"train": {f"town {at}": at for at in range(40)}}},
}


@pytest.fixture
def described(queue, fitq, nowhere: Path, store: Store) -> None:
    """A registered table that a worker has measured."""
    (nowhere / "houses.csv").write_text("rooms,city\n3,Bern\n2,Basel\n4,Bern\n")
    assert fitq("datasets", "add", "houses", "houses.csv").code == 0
    path = description_path(registrations(store, "houses")[0].manifest)
    store.write(path, json.dumps(DESCRIPTION).encode())


@pytest.mark.parametrize("command", ["show", "describe"])
def test_it_is_printed_without_a_job(described, fitq, command: str) -> None:
    # When somebody asks what is in it
    ran = fitq("datasets", command, "houses")
    # Then the figures are there, as many classes as can be read, and what is wrong
    assert ran.code == 0, ran.err
    assert ["rooms", "train", "2", "4.25", "3", "0.5", "7"] in map(str.split, ran.out.splitlines())
    assert "town 29" in ran.out
    assert "town 30" not in ran.out
    assert "and 10 more" in ran.out
    assert "city: it is \\x1b[2Jodd" in ran.out
    assert "next: fitq train --dataset houses" in ran.err


def test_json_has_all_of_it(described, fitq) -> None:
    assert fitq("datasets", "describe", "houses", "--json").json == DESCRIPTION
    assert fitq("datasets", "show", "houses", "--json").json["described"] == DESCRIPTION


def test_it_goes_with_the_data(described, fitq, store: Store) -> None:
    # Given a description whose data set is removed
    [kept] = store.files("datasets/described")
    long_ago = time.time() - 30 * 86_400
    os.utime(store.locate(f"datasets/described/{kept}"), (long_ago, long_ago))
    assert fitq("gc", "--apply").code == 0
    assert store.files("datasets/described") == [kept]
    assert fitq("datasets", "rm", "houses", "--yes").code == 0
    # When the pieces that nobody needs are removed
    assert fitq("gc", "--apply").code == 0
    # Then so is the description
    assert store.files("datasets/described") == []
