from __future__ import annotations

import io
import os
import zipfile

import numpy as np
import pytest

from fitq_shared.array_files import read_array, read_npy
from fitq_shared.errors import InvalidInput
from support.hostile_files import HOSTILE_ARRAYS, Hostile

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
NOISE = np.random.default_rng(0).integers(0, 256, (20, 20)).astype(np.uint8)


def npy(array: np.ndarray, **options: object) -> bytes:
    content = io.BytesIO()
    np.save(content, array, **options)
    return content.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def compressed(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def npy_that_declares(shape: str, dtype: str = "|u1", content: bytes = b"") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def read(content: bytes, array: str | None = None) -> np.ndarray:
    return read_array(io.BytesIO(content), "images.npz", array)


def refusal(content: bytes, array: str | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(content, array)
    return caught.value.message


@pytest.mark.parametrize(
    "array",
    [
        IMAGES,
        IMAGES.astype(">f4"),
        np.asfortranarray(IMAGES),
        np.float64(3.5),
        np.zeros((0, 28, 28), np.uint8),
        np.array([True, False]),
    ],
    ids=["plain", "big endian", "fortran order", "scalar", "no rows", "booleans"],
)
@pytest.mark.parametrize("write", [npy, lambda a: npz(x=a), lambda a: compressed(x=a)])
def test_what_numpy_writes_is_read(write, array):
    found = read(write(array))
    assert found.shape == array.shape
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(version):
    content = io.BytesIO()
    np.lib.format.write_array(content, IMAGES, version=version)
    assert np.array_equal(read(content.getvalue()), IMAGES)


def test_one_of_several_arrays_is_chosen_by_name():
    content = npz(x=IMAGES, y=NOISE)
    assert np.array_equal(read(content, "x"), IMAGES)
    assert np.array_equal(read(content, "y"), NOISE)


def test_several_arrays_are_listed_to_choose_from():
    message = refusal(npz(x=IMAGES, y=NOISE))
    assert "['x', 'y']" in message
    assert "--array to choose one" in message


def test_an_array_that_is_not_in_the_file_is_met_with_the_nearest():
    message = refusal(npz(images=IMAGES, labels=NOISE), "image")
    assert "expected one of images, labels (did you mean 'images'?)" in message


def test_an_archive_without_arrays_is_refused():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("readme.txt", "no arrays here")
    assert "there is no array in it" in refusal(content.getvalue())
    assert "there is no array in it" in refusal(npz())


def test_an_empty_file_is_refused():
    assert "the file is empty" in refusal(b"")


@pytest.mark.parametrize(
    "content", [b"id,pixel\n1,2\n", b"\x89PNG\r\n\x1a\n", b"\x89HDF\r\n\x1a\n", b"P", b"\x93NUM"]
)
def test_a_file_of_another_kind_is_refused(content):
    message = refusal(content)
    assert "images.npz" in message
    assert "it does not begin like one" in message
    assert "numpy.save" in message


@pytest.mark.parametrize("content", [npy(IMAGES), npz(x=IMAGES), compressed(x=NOISE)])
def test_a_file_that_was_cut_is_refused_wherever_that_was(content):
    # Given a file cut after every number of bytes
    # When each is read
    # Then each is refused as what it is
    for length in range(1, len(content)):
        message = refusal(content[:length])
        assert "truncated" in message or "does not begin like one" in message


@pytest.mark.parametrize("content", [npy(IMAGES), npz(x=IMAGES), compressed(x=NOISE)])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_changed_byte_never_breaks_the_reader(content):
    # Given a file with one byte changed, at every place
    for place in range(len(content)):
        for byte in (0, 1, 0xFF, ord("("), content[place] ^ 1):
            changed = bytearray(content)
            changed[place] = byte
            # When it is read
            try:
                found = read(bytes(changed))
            # Then it is refused, or what was changed is not told from an array
            except InvalidInput as error:
                assert "images.npz" in error.message
            else:
                assert isinstance(found, np.ndarray)


def test_a_changed_byte_of_a_compressed_array_is_detected():
    content = compressed(x=NOISE)
    middle = len(content) // 2
    changed = content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]
    assert "truncated or damaged" in refusal(changed)


class RunsCode:
    """What a harmful pickle looks like."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("write", [npy, lambda a: npz(x=a), lambda a: compressed(x=a)])
def test_pickled_objects_are_refused_and_never_run(write, tmp_path):
    # Given a file whose pickle would make a folder
    trap = tmp_path / "trap"
    content = write(np.array([RunsCode(str(trap)), None], dtype=object))

    # When it is read
    # Then it is refused, and the folder was not made
    assert "pickled Python objects, which can run code" in refusal(content)
    assert not trap.exists()


def test_a_pickle_in_a_field_is_refused_too():
    structured = np.zeros(1, dtype=[("a", "i4"), ("b", "O")])
    assert "pickled Python objects" in refusal(npy(structured))


def test_more_than_8_gib_is_refused_before_it_is_read():
    assert "over 8 GiB" in refusal(npy_that_declares("(20000000, 28, 28)"))
    assert "over 8 GiB" in refusal(npy_that_declares(f"({2**62}, {2**62})"))


@pytest.mark.parametrize("shape", ["(100000, 28, 28)", "(-1, 28)", "(-2, -3)", "(2.5,)", "'x'"])
def test_a_shape_that_the_content_does_not_have_is_refused(shape):
    assert "truncated" in refusal(npy_that_declares(shape, content=bytes(6)))


def test_more_content_than_the_shape_says_is_refused():
    assert "truncated" in refusal(npy_that_declares("(2,)", content=bytes(3)))


@pytest.mark.parametrize("dtype", ["|S0", "|V0", "<M8[s]", "<c8"])
def test_a_type_that_is_neither_number_nor_text_is_refused(dtype):
    assert "which is neither number nor text" in refusal(npy_that_declares("(2,)", dtype))


def test_texts_are_read_and_characters_that_do_not_exist_are_refused():
    texts = np.array(["güt", "", "\U0001f600"])
    assert read(npy(texts)).tolist() == texts.tolist()
    assert read(npy(texts.astype(">U3"))).tolist() == texts.tolist()
    for code in (0x110000, 0xD800):
        content = np.array([code], np.uint32).tobytes()
        assert "characters that do not exist" in refusal(npy_that_declares("(1,)", "<U1", content))


def test_what_may_hold_numbers_alone_refuses_texts():
    with pytest.raises(InvalidInput, match="neither number nor text"):
        read_npy(io.BytesIO(npy(np.array(["a"]))), "weights")


def test_a_type_that_does_not_exist_is_refused():
    assert "truncated or damaged" in refusal(npy_that_declares("(2,)", "nonsense"))


def test_a_name_for_the_array_of_an_npy_is_refused():
    with pytest.raises(InvalidInput) as caught:
        read_array(io.BytesIO(npy_that_declares("(2,)")), "x.npy", "images")
    assert "--array" in caught.value.message


def test_an_encrypted_archive_is_refused():
    content = bytearray(npz(x=IMAGES))
    flags = content.rindex(b"PK\x01\x02") + 8
    content[flags] |= 1
    assert "encrypted" in refusal(bytes(content))


@pytest.mark.parametrize("hostile", HOSTILE_ARRAYS, ids=str)
def test_a_hostile_file_is_refused_with_its_reason(hostile: Hostile) -> None:
    message = refusal(hostile.content)
    assert hostile.words in message
    assert "images.npz" in message
    assert len(message) < 400
    assert message.isprintable()


def test_names_of_arrays_are_listed_without_harm():
    # Given an archive whose many arrays have names that a terminal would obey, once unescaped
    message = refusal(npz(**{f"a{n:03}" * 20: NOISE for n in range(100)}))
    # Then only the first are listed
    assert len(message) < 400
