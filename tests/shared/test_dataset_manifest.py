"""Manifests of data sets: what they say, their identity, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fitq_shared.dataset_manifest import DatasetManifest, parse_json
from fitq_shared.errors import StoreError

A, B = "a" * 64, "b" * 64


def manifest(**changes: Any) -> DatasetManifest:
    least: dict[str, Any] = {
        "format": "csv",
        "files": [{"path": "houses.csv", "size": 10}],
        "chunks": [{"sha256": A, "size": 10}],
        "columns": [{"name": "price", "type": "number", "role": "target"}],
    }
    return DatasetManifest.parse({**least, **changes})


def test_a_manifest_comes_back_from_its_canonical_form_with_the_same_identity():
    # Given a manifest with everything that is not its default
    made = manifest(
        files=[{"path": "train/a.csv", "size": 6, "split": "train"}, {"path": "b.csv", "size": 4}],
        missing=["NA", ""],
        separator=";",
        rows={"train": 3},
    )
    # When it goes through JSON
    again = DatasetManifest.parse(parse_json(made.canonical().encode()))
    # Then it is the same
    assert again == made
    assert again.digest() == made.digest()


def test_what_is_declared_is_part_of_the_identity():
    assert manifest().digest() == manifest().digest()
    assert manifest().digest() != manifest(missing=["NA"]).digest()


def test_files_are_cut_out_of_the_stream_of_chunks():
    # Given three files, one of them empty, in two chunks
    files = [{"path": name, "size": size} for name, size in (("a", 7), ("b", 0), ("c", 5))]
    made = manifest(files=files, chunks=[{"sha256": A, "size": 4}, {"sha256": B, "size": 8}])
    # When one asks for each file's pieces
    found = {
        file.path: [(piece.chunk.sha256, piece.start, piece.stop) for piece in pieces]
        for file, pieces in made.pieces()
    }
    # Then they follow each other without a gap
    assert found == {"a": [(A, 0, 4), (B, 0, 3)], "b": [], "c": [(B, 3, 8)]}


@pytest.mark.parametrize(
    ("split", "arrays", "splits"),
    [
        (None, None, ("train",)),
        ("test", None, ("test",)),
        (None, {"test": "x_test", "train": "x_train"}, ("train", "test")),
    ],
)
def test_the_splits_are_those_of_files_and_arrays(split, arrays, splits):
    files = [{"path": "a", "size": 10, "split": split}]
    columns = [{"name": "x", "type": "array", "arrays": arrays}]
    assert manifest(files=files, columns=columns).splits == splits


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"files": [{"path": "../up.csv", "size": 10}]}, "files.0.path"),
        ({"files": [{"path": "/etc/passwd", "size": 10}]}, "files.0.path"),
        ({"files": [{"path": "C:/a.csv", "size": 10}]}, "files.0.path"),
        ({"files": [{"path": "a\\b.csv", "size": 10}]}, "files.0.path"),
        ({"files": [{"path": "a\x1b[2J", "size": 10}]}, "files.0.path"),
        ({"files": []}, "files"),
        ({"files": [{"path": "a", "size": -1}]}, "files.0.size"),
        ({"files": [{"path": "a", "size": 9}]}, "as large as the files"),
        ({"files": [{"path": "a", "size": 5}] * 2}, "a path of their own"),
        ({"chunks": [{"sha256": "../../x", "size": 10}]}, "chunks.0.sha256"),
        ({"chunks": [{"sha256": A, "size": 2**40}]}, "chunks.0.size"),
        ({"columns": [{"name": "a", "type": "pickle"}]}, "columns.0.type"),
        ({"columns": [{"name": "a", "type": "text"}] * 2}, "a name of their own"),
        (
            {"columns": [{"name": "a", "type": "text", "role": "target", "may_miss": True}]},
            "targets that miss no values",
        ),
        ({"format": "images"}, "a class for each file"),
        ({"format": "code"}, "code where the format is code"),
        ({"rows": {"train": 2.5}}, "rows.train"),
        ({"nonsense": 1}, "nonsense"),
        ({"format": "pickle"}, "format"),
    ],
)
def test_what_no_client_of_ours_writes_is_refused(changes, where):
    with pytest.raises(StoreError) as caught:
        manifest(**changes)
    assert where in caught.value.message
    assert "fitq datasets add" in caught.value.hint


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(content):
    with pytest.raises(StoreError, match="no JSON"):
        parse_json(content)


def test_a_manifest_that_is_too_large_is_refused():
    with pytest.raises(StoreError, match="too large"):
        parse_json(json.dumps("x" * 100).encode(), limit=50)
