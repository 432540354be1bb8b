"""`fitq datasets` on data of the user's own: added, named by jobs, shown and removed."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fitq_shared.changes import Changes
from fitq_shared.dataset_manifest import chunk_path
from fitq_shared.datasets import read_manifest
from fitq_shared.registrations import registrations
from fitq_shared.specs.train import TrainJob
from fitq_shared.store import Store
from fitq_shared.sweeps.records import Sweeps
from support.sweeps import sweep_spec
from support.webdav_server import WebdavServer

CSV = "rooms,city,price\n3,Bern,410\n2,Basel,380\n4,Bern,520\n"

pytestmark = pytest.mark.services


@pytest.fixture
def houses(nowhere: Path) -> Path:
    path = nowhere / "houses.csv"
    path.write_text(CSV)
    return path


@pytest.fixture
def added(queue, fitq, houses):
    """The data set `houses`, in two versions, the second with a row more."""
    assert fitq("datasets", "add", "houses", "houses.csv", "--target", "price").code == 0
    houses.write_text(CSV + "1,Bern,200\n")
    assert fitq("datasets", "add", "houses", "houses.csv", "--target", "price").code == 0


@pytest.fixture
def on_houses(added, store, train_job) -> Callable[..., TrainJob]:
    """A training on a version of `houses`."""

    def make(version: int = 2, **changes) -> TrainJob:
        ref = registrations(store, "houses")[version - 1].ref
        return train_job(dataset=ref.model_dump(), **changes)

    return make


def test_a_table_is_added_and_shown(queue, fitq, houses):
    # When a CSV is added
    ran = fitq("datasets", "add", "houses", "houses.csv", "--target", "price")
    # Then its columns are shown, and what to do next
    assert ran.code == 0, ran.err
    assert "registered houses@1: csv, 3 rows, 1 file" in ran.out
    assert [line.split() for line in ran.out.splitlines()[2:]] == [
        ["rooms", "number", "input"],
        ["city", "category", "input"],
        ["price", "number", "target"],
    ]
    assert "fitq train --dataset houses" in ran.err
    # And shown again when asked for
    shown = fitq("datasets", "show", "houses")
    assert "houses@1: csv" in shown.out
    assert "by ann" in shown.out
    assert set(ran.out.splitlines()[1:]) <= set(shown.out.splitlines())
    content = fitq("datasets", "show", "houses@1", "--json").json
    assert content["content"]["columns"][2]["role"] == "target"
    assert (content["owner"], content["train_rows"]) == ("ann", 3)


def test_the_same_again_is_no_new_version_and_says_so(added, fitq, store):
    ran = fitq("datasets", "add", "houses", "houses.csv", "--target", "price", "--json")
    assert (ran.json["version"], ran.json["new"], ran.json["bytes_sent"]) == (2, False, 0)
    ran = fitq("datasets", "add", "houses", "houses.csv", "--target", "price")
    assert "houses@2 is just this: nothing new was registered" in ran.out
    assert [str(one) for one in registrations(store)] == ["houses@1", "houses@2"]


def test_what_was_damaged_in_the_store_is_mended_when_all_is_sent_again(added, fitq, store, houses):
    # Given a chunk of which a letter is another by now, which its size does not show
    [chunk] = read_manifest(store, registrations(store)[1].ref).chunks
    path = chunk_path(chunk.sha256)
    store.write(path, store.read(path).replace(b"Bern", b"Rome"))
    again = ("datasets", "add", "houses", "houses.csv", "--target", "price", "--json")
    assert fitq(*again).json["bytes_sent"] == 0
    # When all is sent
    ran = fitq(*again, "--send-all")
    # Then it is whole again, and the same version
    assert (ran.json["version"], ran.json["new"]) == (2, False)
    assert ran.json["bytes_sent"] == chunk.size
    assert store.read(path) == houses.read_bytes()


def test_all_are_listed_with_their_versions(added, fitq):
    listed = {one["name"]: one for one in fitq("datasets", "--json").json}
    assert set(listed) == {"mnist", "fashion_mnist", "houses"}
    houses = listed["houses"]
    assert (houses["version"], houses["format"], houses["train_rows"]) == (2, "csv", 4)
    assert fitq("datasets", "list").out == fitq("datasets").out
    assert "houses" in fitq("datasets").out
    assert [one["version"] for one in fitq("datasets", "versions", "houses", "--json").json] == [
        2,
        1,
    ]
    assert [one["version"] for one in fitq("datasets", "versions", "houses@1", "--json").json] == [
        1
    ]
    rows = fitq("datasets", "versions", "houses").out.splitlines()
    assert [row.split()[0] for row in rows] == ["version", "2", "1"]


def test_every_mistake_is_named_and_nothing_is_registered(queue, fitq, houses, store):
    houses.write_text("\ufeffrooms,city,price\n3,Bern\n2,Basel,x\n")
    ran = fitq(
        *("datasets", "add", "houses", "houses.csv", "--target", "prise"),
        *("--type", "rooms=nummber", "--type", "price=number"),
    )
    assert ran.code == 2
    assert "(did you mean 'number'?)" in ran.err
    ran = fitq(
        *("datasets", "add", "houses", "houses.csv", "--target", "prise", "--type", "price=number")
    )
    assert ran.code == 2
    assert "line 2 has 2" in ran.err
    assert "(did you mean 'price'?)" in ran.err
    assert "'x' in line 3" in ran.err
    assert "Traceback" not in ran.err
    assert store.files("") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mnist", "houses.csv"), "fitq has a data set of this one by itself"),
        (("a b", "houses.csv"), "1 to 63 letters"),
        (("houses", "huoses.csv"), "No such file"),
        (("houses", "houses.csv", "--separator", "x"), "--separator = 'x'"),
        (("houses", "houses.csv", "--type", "price"), "COLUMN=TYPE"),
        (("houses", "houses.csv", "--type", "price=number:%d"), "a pattern for dates only"),
        (("houses", "houses.csv", "--target", "a", "--input", "a"), "no target"),
        (("houses", "houses.csv", "--option", "rows=5"), "nothing, since the data is csv"),
        (("houses", "houses.csv", "--channels", "2"), "1 (grey), 3 (colours)"),
        (("houses", "houses.csv", "--channels", "1"), "nothing, since the data is csv"),
        (("houses", "net.py"), "FILE.py:FUNCTION"),
    ],
)
def test_wrong_use_is_named(queue, fitq, houses, arguments, said):
    ran = fitq("datasets", "add", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_job_names_the_newest_version_or_the_one_that_it_says(added, fitq, store):
    first, second = (one.ref.model_dump() for one in registrations(store))
    for text, meant in (("houses", second), ("houses@1", first), ("houses@2", second)):
        ran = fitq("train", "--dataset", text, "--model", "mlp", "--dry-run")
        assert ran.json["dataset"] == meant, text
    queued = fitq("train", "--dataset", "houses", "--model", "mlp", "--no-wait", "--json").json
    assert "houses@2" in queued["summary"]


def test_one_that_is_not_there_is_met_with_the_nearest_beside_all_else(added, fitq):
    ran = fitq("train", "--dataset", "house", "--model", "mlp", "--epochs", "0", "--dry-run")
    assert ran.code == 2
    assert "dataset = 'house': expected one of fashion_mnist, houses, mnist" in ran.err
    assert "(did you mean 'houses'?)" in ran.err
    assert "epochs = 0" in ran.err
    assert "houses@2" in fitq("datasets", "show", "houses@3").err
    assert fitq("datasets", "describe", "hoses").code == 2


def test_columns_that_a_job_names_are_looked_for(added, fitq):
    ran = fitq("train", "--dataset", "houses", "--model", "mlp", "--target", "prise", "--dry-run")
    assert ran.code == 2
    assert "target = 'prise'" in ran.err
    assert "(did you mean 'price'?)" in ran.err


def test_one_that_a_job_needs_is_not_removed(on_houses, fitq, records, succeeded, store):
    # Given a job that waits for the second version, and a model of the first
    waiting = records.create(on_houses(2, name="brave-otter"))
    succeeded(on_houses(1, name="calm-heron"))
    # When all versions are to be removed
    ran = fitq("datasets", "rm", "houses", "--yes")
    # Then both are named with what to do, and nothing is removed
    assert ran.code == 2
    assert "houses@1 is needed by the model of calm-heron, which was trained on it" in ran.err
    assert "houses@2 is needed by brave-otter, which is queued" in ran.err
    assert len(registrations(store)) == 2
    # When the job has ended, that version goes
    Changes(records).cancel(waiting)
    ran = fitq("datasets", "rm", "houses@2", "--yes")
    assert (ran.code, ran.out) == (0, "houses@2  removed\n"), ran.err
    assert [str(one) for one in registrations(store)] == ["houses@1"]


def test_removal_asks_and_names_all_that_are_not_there(added, fitq, store):
    ran = fitq("datasets", "rm", "hoses", "houses@7", "--yes")
    assert ran.code == 2
    assert "(did you mean 'houses'?)" in ran.err
    assert "houses@7" in ran.err
    own = fitq("datasets", "rm", "mnist", "--yes")
    assert (own.code, own.out) == (2, "")
    assert "fitq has mnist by itself" in own.err
    assert "did you mean" not in own.err
    assert "add --yes" in fitq("datasets", "rm", "houses").err
    assert len(registrations(store)) == 2
    removed = fitq("datasets", "rm", "houses", "houses@1", "--yes", "--json").json
    assert [one["version"] for one in removed] == [1, 2]


def age(store: Store, folder: str) -> None:
    """Make the files of a folder as old as files can be."""
    for path in store.files(folder):
        os.utime(store.locate(f"{folder}/{path}"), (0, 0))


def test_gc_takes_what_no_version_has_and_is_old(added, fitq, store):
    # Given two versions of which one is removed, and a chunk of an upload in progress
    before = len(store.files("blobs"))
    assert fitq("datasets", "rm", "houses@1", "--yes").code == 0
    age(store, "blobs")
    store.write("blobs/ab/" + "ab" * 32, b"a chunk that has just arrived")
    # When gc looks
    ran = fitq("gc", "--json")
    # Then it finds manifest and content of that version
    [waste] = ran.json["waste"]
    assert waste["what"] == "2 pieces of data sets"
    assert len(waste["paths"]) == 2
    # And removes these alone
    assert fitq("gc", "--apply").code == 0
    assert len(store.files("blobs")) == before + 1 - 2
    assert read_manifest(store, registrations(store)[0].ref).size > 0


def test_gc_leaves_what_a_job_needs_though_its_version_is_gone(on_houses, fitq, records, store):
    # Given a job that was submitted as its data set was removed
    records.create(on_houses(1))
    store.remove("datasets/registered/houses/1.json")
    age(store, "blobs")
    # Then its content stays
    assert fitq("gc", "--json").json["waste"] == []


def test_gc_leaves_what_a_sweep_needs_though_its_version_is_gone(
    on_houses, queue, fitq, redis, store
):
    # Given a sweep that was submitted as its data set was removed, and has not succeeded
    sweeps = Sweeps(redis)
    train = {"dataset": on_houses(1).dataset.model_dump(mode="json"), "rows": None}
    sweep = sweeps.create(sweep_spec(train), lambda _: None)
    store.remove("datasets/registered/houses/1.json")
    age(store, "blobs")
    # Then its content stays, until it has
    assert fitq("gc", "--json").json["waste"] == []
    assert sweeps.write(replace(sweep, state="succeeded"))
    assert fitq("gc", "--json").json["waste"] != []


def test_gc_leaves_what_somebody_has_just_registered_again(added, fitq, queue, store):
    from fitq.housekeeping import Housekeeping
    from fitq.queue import Queue
    from fitq.retention import Retention

    # Given content that gc has found to be waste
    assert fitq("datasets", "rm", "houses@2", "--yes").code == 0
    age(store, "blobs")
    housekeeping = Housekeeping(Queue())
    found = housekeeping.waste(Retention()).waste
    assert found
    # When it is registered again before it is removed
    assert fitq("datasets", "add", "homes", "houses.csv", "--target", "price").code == 0
    # Then nothing of it goes
    assert housekeeping.clear(found) == []


def test_without_a_store_i_am_told_so(nowhere, fitq, houses):
    ran = fitq("datasets", "add", "houses", "houses.csv")
    assert (ran.code, ran.out) == (1, "")
    assert "set FITQ_STORE" in ran.err
    assert fitq("datasets", "show", "houses").code == 2


def test_a_data_set_that_fitq_knows_is_shown_without_a_store(nowhere, fitq):
    assert "10 classes" in fitq("datasets", "show", "mnist").out
    assert fitq("datasets", "show", "mnist", "--json").json["image_shape"] == [28, 28]


def test_a_terminal_shows_a_bar_and_nothing_else_does(queue, houses, monkeypatch):
    # Given a program whose standard error is a terminal
    fitq = Path(sys.executable).parent / "fitq"
    leader, terminal = pty.openpty()
    # When it adds a table
    done = subprocess.run(
        [fitq, "datasets", "add", "houses", "houses.csv", "--target", "price"],
        stdout=subprocess.PIPE,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        timeout=120,
        check=True,
    )
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # which is how a terminal ends
        while part := os.read(leader, 4096):
            shown += part
    os.close(leader)
    # Then a bar is seen there, and the result is not mixed with it
    assert b"uploading" in shown
    assert b"uploading" not in done.stdout
    assert b"registered houses@1" in done.stdout


def test_an_interrupted_upload_says_how_to_go_on(queue, fitq, houses, store, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "write", interrupted)
    ran = fitq("datasets", "add", "houses", "houses.csv")
    assert (ran.code, ran.out) == (130, "")
    assert "the same command sends only the rest" in ran.err


def test_an_owner_that_cannot_be_is_named(queue, fitq, houses, monkeypatch):
    monkeypatch.setenv("FITQ_OWNER", "ann of somewhere")
    ran = fitq("datasets", "add", "houses", "houses.csv")
    assert ran.code == 2
    assert "FITQ_OWNER = 'ann of somewhere'" in ran.err


@pytest.fixture
def service(nowhere: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The folder that a store service serves, which the environment names by its URL only."""
    served = tmp_path / "served"
    served.mkdir()
    server = WebdavServer(served, tmp_path)
    monkeypatch.setenv("FITQ_STORE", server.url())
    yield served
    server.stop()


def test_a_client_without_the_volume_adds_through_the_store_service(service, fitq, houses):
    # When a client that knows only the service adds a table, twice, and lists it
    ran = fitq("datasets", "add", "houses", "houses.csv", "--target", "price")
    assert ran.code == 0, ran.err
    assert (
        "nothing to send"
        in fitq("datasets", "add", "houses", "houses.csv", "--target", "price").out
    )
    assert [one["name"] for one in fitq("datasets", "--json").json][2:] == ["houses"]
    # Then whoever has the volume reads the same from its folder
    volume = Store(str(service))
    [one] = registrations(volume)
    manifest = read_manifest(volume, one.ref)
    [chunk] = manifest.chunks
    assert volume.read(f"blobs/{chunk.sha256[:2]}/{chunk.sha256}").decode() == CSV
    # And no part of a file is left behind
    assert [path for path in volume.files("") if path.endswith(".part")] == []
    # And a job names it through the service
    spec = fitq("train", "--dataset", "houses", "--model", "mlp", "--dry-run").json
    assert spec["dataset"] == json.loads(one.ref.model_dump_json())
