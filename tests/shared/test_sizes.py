from __future__ import annotations

import pytest

from fitq_shared.sizes import bytes_of, gib


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("20GiB", 20 * 2**30),
        ("20 GiB", 20 * 2**30),
        ("20gib", 20 * 2**30),
        (" 24GB ", 24 * 10**9),
        ("512MiB", 512 * 2**20),
        ("1.5GiB", 3 * 2**29),
        ("100MB", 10**8),
        ("0.000001MiB", 2),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "20", "GiB", "-1GiB", "20 Gi", "1e3GB", "20GiB!", "1" * 99])
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="such as 20GiB, 24GB or 512MiB"):
        bytes_of(text)


@pytest.mark.parametrize(
    ("size", "text"), [(20 * 2**30, "20 GiB"), (24 * 10**9, "22.4 GiB"), (2**29, "0.5 GiB")]
)
def test_sizes_are_shown_in_one_unit(size, text):
    assert gib(size) == text
