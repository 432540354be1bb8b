from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets import npz
from fitq_worker.datasets.dataset import Arrays
from fitq_worker.datasets.sources.source import DamagedSource, SourceUnavailable


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    buffer.seek(0)
    return buffer


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array)
    return buffer.getvalue()


def members(arrays: Arrays) -> dict[str, bytes]:
    return {f"{key}.npy": npy(array) for key, array in arrays.items()}


def assert_equal(found: Arrays, expected: Arrays) -> None:
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)
        assert found[key].dtype == np.uint8


def test_what_is_packed_can_be_read(facts: DatasetFacts, arrays: Arrays) -> None:
    # Given a packed data set
    content = npz.pack(arrays)

    # When it is read, then the arrays are the same, for NumPy too
    assert_equal(npz.read(io.BytesIO(content), facts), arrays)
    with np.load(io.BytesIO(content), allow_pickle=False) as loaded:
        assert_equal(dict(loaded), arrays)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_can_be_read(facts: DatasetFacts, arrays: Arrays, save) -> None:
    # Given a file by NumPy, with an array in Fortran order and one that nobody asked for
    buffer = io.BytesIO()
    save(buffer, **{**arrays, "x_test": np.asfortranarray(arrays["x_test"])}, extra=np.zeros(3))
    buffer.seek(0)

    # When it is read, then the arrays are the same
    assert_equal(npz.read(buffer, facts), arrays)


def test_pickled_arrays_are_refused_and_never_unpickled(
    facts: DatasetFacts, arrays: Arrays, tmp_path: Path
) -> None:
    # Given a file in which an array is a pickle that leaves a trace
    trace = tmp_path / "trace"
    content = zipped(members(arrays) | {"y_train.npy": npy(np.array([Trap(trace)], object))})

    # When it is read, then it is refused, and nothing happened
    with pytest.raises(DamagedSource, match="y_train is object"):
        npz.read(content, facts)
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04" + bytes(60)])
def test_what_is_no_zip_is_refused(facts: DatasetFacts, content: bytes) -> None:
    with pytest.raises(DamagedSource, match=r"not a readable \.npz"):
        npz.read(io.BytesIO(content), facts)


def test_a_cut_file_is_refused(facts: DatasetFacts, arrays: Arrays) -> None:
    content = npz.pack(arrays)
    with pytest.raises(DamagedSource):
        npz.read(io.BytesIO(content[: len(content) // 2]), facts)


def test_a_missing_array_is_named(facts: DatasetFacts, arrays: Arrays) -> None:
    del arrays["y_test"]
    with pytest.raises(DamagedSource, match=r"y_test\.npy"):
        npz.read(zipped(members(arrays)), facts)


def test_another_shape_is_named(facts: DatasetFacts, arrays: Arrays) -> None:
    arrays["x_test"] = arrays["x_test"][:2]
    with pytest.raises(DamagedSource, match=r"x_test is uint8 \(2, 2, 3\), expected uint8 \(4, "):
        npz.read(zipped(members(arrays)), facts)


def test_a_header_that_claims_far_more_than_there_is_allocates_nothing(
    facts: DatasetFacts, arrays: Arrays
) -> None:
    # Given an .npy of a few bytes whose header says 2**50 rows
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (2**50,)}
    )

    # When it is read, then the shape is refused before any memory is asked for
    with pytest.raises(DamagedSource, match="y_test is uint8"):
        npz.read(zipped(members(arrays) | {"y_test.npy": header.getvalue()}), facts)


def test_a_zip_bomb_is_refused_by_its_declared_size(facts: DatasetFacts, arrays: Arrays) -> None:
    # Given a member of 16 MB that packs to 16 KB
    bomb = zipped(members(arrays) | {"x_train.npy": bytes(2**24)})

    # When it is read, then it is refused unopened
    with pytest.raises(DamagedSource, match="x_train claims 16,777,216 bytes"):
        npz.read(bomb, facts)


def test_a_zip_bomb_with_a_false_size_is_refused(facts: DatasetFacts, arrays: Arrays) -> None:
    # Given the same bomb, which says in the zip's directory that it is small
    content = zipped(members(arrays) | {"x_train.npy": bytes(2**24)}).getvalue()
    content = content.replace(struct.pack("<L", 2**24), struct.pack("<L", 2**7))

    # When it is read, then what comes out is no array
    with pytest.raises(DamagedSource):
        npz.read(io.BytesIO(content), facts)


def test_a_packing_that_cannot_be_bounded_is_refused(facts: DatasetFacts, arrays: Arrays) -> None:
    with pytest.raises(DamagedSource, match="packed in a way"):
        npz.read(zipped(members(arrays), zipfile.ZIP_BZIP2), facts)


def test_no_more_of_a_file_is_read_than_the_data_set_could_need(facts: DatasetFacts) -> None:
    # Given a file that never ends
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            self.asked = size
            return bytes(size)

    endless = Endless()

    # When it is read, then only so much is asked for, and it is refused
    with pytest.raises(DamagedSource, match="larger than"):
        npz.read(endless, facts)  # type: ignore[arg-type]
    assert 0 < endless.asked < 200_000


def test_a_local_file_is_named_in_the_reason(facts: DatasetFacts, tmp_path: Path) -> None:
    # Given no file, a folder in its place, and a damaged one
    (tmp_path / "damaged.npz").write_bytes(b"?")

    # When they are read, then each reason names the file
    with pytest.raises(SourceUnavailable, match=r"there is no .*absent\.npz"):
        npz.read_file(tmp_path / "absent.npz", facts)
    with pytest.raises(SourceUnavailable, match="cannot read"):
        npz.read_file(tmp_path, facts)
    with pytest.raises(DamagedSource, match=r"damaged\.npz: not a readable"):
        npz.read_file(tmp_path / "damaged.npz", facts)
