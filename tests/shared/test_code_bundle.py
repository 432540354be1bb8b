"""What travels with a file of Python: the local modules that it imports, as one tar."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from fitq_shared.archives import BadArchive
from fitq_shared.code_bundle import LARGEST_BUNDLE, MOST_FILES, pack, read_bundle, unpack
from fitq_shared.errors import InvalidInput
from support.code import write_files


def refusal(path: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        pack(path)
    return caught.value.message


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for member, text in members:
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return content.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def test_what_is_imported_travels_and_nothing_else(tmp_path: Path) -> None:
    # Given a file with imports of all sorts, and others beside it
    main = write_files(
        tmp_path,
        net="""
            import os
            import keras, helper
            from blocks import deep
            from blocks.wide import Wide
            def build():
                import inside_a_function
                try:
                    from parts import missing
                except ImportError:
                    pass
            """,
        **{
            "helper": "import helper_of_helper",
            "helper_of_helper": "",
            "blocks/__init__": "from . import shared_words",
            "blocks/deep": "from .narrow import Narrow\nfrom .. import nothing",
            "blocks/narrow": "from . import shared_words",
            "blocks/shared_words": "",
            "blocks/wide": "",
            "blocks/not_imported": "",
            "inside_a_function": "",
            "parts/other": "",
            "not_imported": "",
        },
    )
    # When it is packed
    bundle = pack(main)
    # Then the modules that can be reached are in it, wherever the import stands
    assert set(bundle.files) == {
        *("net.py", "helper.py", "helper_of_helper.py", "inside_a_function.py"),
        *("blocks/__init__.py", "blocks/deep.py", "blocks/narrow.py"),
        *("blocks/shared_words.py", "blocks/wide.py"),
    }
    assert bundle.module == "net"


def test_the_same_files_make_the_same_bundle(tmp_path: Path) -> None:
    # Given the same two files in two folders, written in another order, at another time
    one = write_files(tmp_path / "a", net="import helper", helper="A = 1")
    write_files(tmp_path / "b", helper="A = 1")
    other = write_files(tmp_path / "b", net="import helper")
    os.utime(other, (1, 1))
    other.chmod(0o600)
    # Then their bundles are the same, to the last byte
    assert pack(one).content == pack(other).content
    # And this hash stays what it is from release to release
    assert hashlib.sha256(pack(one).content).hexdigest() == (
        "3f5c44e5f8649e943ac8cde566dfe2d8a1a8f74b3e94d9875bab67c2789937d2"
    )
    # And one letter makes another
    write_files(tmp_path / "b", helper="A = 2")
    assert pack(one).content != pack(other).content


@pytest.mark.parametrize("name", ["shared", "client", "worker", "größe", "my-net"])
def test_a_file_of_any_name_can_be_the_first(tmp_path: Path, name: str) -> None:
    bundle = pack(write_files(tmp_path, **{name: "def build(): pass"}))
    assert bundle.module == name
    assert unpack(bundle.content, tmp_path / "there") == (name,)
    assert (tmp_path / "there" / f"{name}.py").read_text() == "def build(): pass"


def test_a_part_of_a_package_travels_with_it(tmp_path: Path) -> None:
    main = write_files(
        tmp_path,
        **{"nets/wide": "from .parts import A", "nets/__init__": "", "nets/parts": "A = 1"},
    )
    bundle = pack(main)
    assert bundle.module == "nets.wide"
    assert set(bundle.files) == {"nets/__init__.py", "nets/parts.py", "nets/wide.py"}


def test_a_folder_without_init_is_a_package_all_the_same(tmp_path: Path) -> None:
    bundle = pack(write_files(tmp_path, net="import shared.words", **{"shared/words": ""}))
    assert set(bundle.files) == {"net.py", "shared/__init__.py", "shared/words.py"}


def test_a_folder_named_like_an_installed_package_does_not_travel(tmp_path: Path) -> None:
    # Given a folder of data that is called keras, which Python would not take either
    main = write_files(tmp_path, net="import keras.layers", **{"keras/layers": ""})
    assert pack(main).files == ("net.py",)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"net": "import random", "random": ""}, "Python's own module random"),
        ({"net": "import keras", "keras": ""}, "the installed package keras"),
        ({"net": "def build(:\n"}, "net.py, line 1: invalid syntax"),
        ({"net": "import helper", "helper": "\n1 +"}, "helper.py, line 2"),
        ({"net": "import fitq_shared", "fitq_shared/__init__": ""}, "fitq_shared"),
    ],
    ids=["stdlib", "installed", "syntax", "syntax of a helper", "fitq's own"],
)
def test_what_cannot_travel_is_said(tmp_path: Path, files: dict[str, str], words: str) -> None:
    assert words in refusal(write_files(tmp_path, **files))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "net.py")


def test_too_much_is_refused(tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(MOST_FILES)]
    many = write_files(tmp_path / "a", net=f"import {', '.join(names)}", **dict.fromkeys(names, ""))
    assert f"at most {MOST_FILES} others" in refusal(many)
    large = write_files(tmp_path / "b", net=f"A = '{'x' * LARGEST_BUNDLE}'")
    assert "8 MiB of code at most" in refusal(large)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tar((member("../net.py"), b"")), "no module of Python"),
        (tar((member("/net.py"), b"")), "no module of Python"),
        (tar((member("a\\b.py"), b"")), "no module of Python"),
        (tar((member("net.so"), b"")), "no module of Python"),
        (tar((member("net\n.py"), b"")), "no module of Python"),
        (tar((member("net.py", tarfile.SYMTYPE, "/etc/passwd"), b"")), "no plain file"),
        (tar((member("net.py", tarfile.LNKTYPE, "/etc/passwd"), b"")), "no plain file"),
        (tar((member("net", tarfile.DIRTYPE), b"")), "no plain file"),
        (tar((member("net.py", tarfile.FIFOTYPE), b"")), "no plain file"),
        (tar((member("net.py", tarfile.CHRTYPE), b"")), "no plain file"),
        (tar((member("a.py"), b"1"), (member("a.py"), b"2")), "two of its members"),
        (tar((member("b.py"), b""), (member("a.py"), b"")), "not as fitq packs"),
        (tar(), "no file in it"),
        (b"", "damaged"),
        (b"PK\x03\x04" + bytes(600), "a zip archive"),
        (b"\x1f\x8b" + bytes(600), "a gzip file"),
        (bytes(LARGEST_BUNDLE + 1), "at most"),
        (tar((member("net.py"), b"x" * 3000))[:1200], "damaged"),
    ],
    ids=[
        *("parent", "absolute", "backslash", "no Python", "line break", "link", "hard link"),
        *("folder", "pipe", "device", "twice", "other order", "nothing", "empty", "zip", "gzip"),
        *("large", "cut"),
    ],
)
def test_a_tar_that_is_no_bundle_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(BadArchive, match=words):
        unpack(content, tmp_path / "there")
    # And nothing was written
    assert not (tmp_path / "there").exists()


def test_a_changed_byte_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    # Given a bundle with each byte of its headers changed in turn
    content = pack(write_files(tmp_path, net="import helper", helper="A = 1")).content
    whole = read_bundle(content)
    for at in range(0, 600, 3):
        changed = bytearray(content)
        changed[at] ^= 0x41
        # Then it is refused, or still the same names
        try:
            found = read_bundle(bytes(changed))
        except BadArchive:
            continue
        assert all(".." not in name and not name.startswith("/") for name in found)
    assert read_bundle(content) == whole
