from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets import idx
from fitq_worker.datasets.dataset import Arrays
from fitq_worker.datasets.sources.source import DamagedSource, SourceUnavailable

LABELS = bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 6, 7])


def test_an_idx_file_becomes_an_array() -> None:
    # When three labels are read
    array = idx.read(io.BytesIO(LABELS), (3,))

    # Then they are uint8 values that can be written to, as Keras's own are
    assert array.dtype == np.uint8
    assert array.tolist() == [5, 6, 7]
    assert array.flags.writeable


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "starts with nothing"),
        (LABELS.replace(b"\x08", b"\x0d"), "starts with 00 00 0d 01"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 4, 5, 6, 7, 8]), r"no IDX file of uint8 \(3,\)"),
        (LABELS[:-1], "an IDX file of 10 bytes, expected 11"),
        (LABELS + b"!", "an IDX file of more bytes, expected 11"),
    ],
)
def test_what_is_not_that_array_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(DamagedSource, match=reason):
        idx.read(io.BytesIO(content), (3,))


def test_a_folder_of_packed_files_becomes_the_data_set(
    facts: DatasetFacts, arrays: Arrays, write_idx: Callable[..., None], tmp_path: Path
) -> None:
    # Given the four files
    write_idx(tmp_path / "idx", packed=True)

    # When the folder is read, then the arrays are the same
    found = idx.read_folder(tmp_path / "idx", facts)
    assert list(found) == list(arrays)
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array)


def test_a_folder_without_one_of_its_files_is_unavailable(
    facts: DatasetFacts, write_idx: Callable[..., None], tmp_path: Path
) -> None:
    write_idx(tmp_path / "idx", packed=True)
    (tmp_path / "idx" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(SourceUnavailable, match=r"there is no .*t10k-labels-idx1-ubyte\.gz"):
        idx.read_folder(tmp_path / "idx", facts)


@pytest.mark.parametrize(
    "content",
    [b"not gzip", gzip.compress(LABELS)[:-9], gzip.compress(bytes(2**24))],
    ids=["no-gzip", "cut", "too-large"],
)
def test_a_damaged_file_is_named(
    facts: DatasetFacts, write_idx: Callable[..., None], tmp_path: Path, content: bytes
) -> None:
    write_idx(tmp_path / "idx", packed=True)
    (tmp_path / "idx" / "train-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(DamagedSource, match=r"train-labels-idx1-ubyte\.gz: "):
        idx.read_folder(tmp_path / "idx", facts)
