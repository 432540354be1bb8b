"""Files that nobody should open: each with what a refusal must say. Made small, without Keras."""

from __future__ import annotations

import io
import json
import pickle
import stat
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np


@dataclass(frozen=True)
class Hostile:
    """A file's content, and words that the refusal has. `name` is what it tries."""

    name: str
    content: bytes
    words: str

    def __str__(self) -> str:
        return self.name


def layer(class_name: str, module: str | None = "keras.layers", **config: Any) -> dict[str, Any]:
    """A part of a model's config, as Keras writes it."""
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def function(name: str, module: str = "builtins", registered: str = "function") -> dict[str, Any]:
    return {
        "module": module,
        "class_name": "function",
        "config": name,
        "registered_name": registered,
    }


def model_config(*layers: dict[str, Any]) -> dict[str, Any]:
    shape = layer("InputLayer", batch_shape=[None, 2], dtype="float32", name="input")
    parts = [shape, *(layers or [layer("Dense", units=1, name="dense")])]
    return layer("Sequential", "keras", name="sequential", layers=parts)


def weights(fill: Callable[[h5py.File], object] | None = None) -> bytes:
    """An HDF5 file of weights, as Keras writes it for one dense layer, and what `fill` adds."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        variables = file.create_group("layers/dense/vars")
        variables.create_dataset("0", data=np.zeros((2, 1), np.float32))
        variables.create_dataset("1", data=np.zeros(1, np.float32))
        if fill is not None:
            fill(file)
    return content.getvalue()


def zipped(
    members: Mapping[str | zipfile.ZipInfo, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]],
    method: int = zipfile.ZIP_STORED,
) -> bytes:
    content = io.BytesIO()
    pairs = members.items() if isinstance(members, Mapping) else members
    with warnings.catch_warnings(), zipfile.ZipFile(content, "w", method) as archive:
        warnings.simplefilter("ignore")  # zipfile warns of a second member of one name
        for name, data in pairs:
            archive.writestr(name, data)
    return content.getvalue()


def keras_file(
    config: Any = None,
    *,
    h5: bytes | None = None,
    extra: dict[str | zipfile.ZipInfo, bytes] | None = None,
    without: str | None = None,
    method: int = zipfile.ZIP_STORED,
    **replaced: bytes,
) -> bytes:
    """A `.keras` archive of a small model, changed in these ways."""
    members: dict[str | zipfile.ZipInfo, bytes] = {
        "metadata.json": replaced.get("metadata", b'{"keras_version": "3.15.1"}'),
        "config.json": replaced.get("raw_config", json.dumps(config or model_config()).encode()),
        "model.weights.h5": weights() if h5 is None else h5,
        **(extra or {}),
    }
    return zipped({k: v for k, v in members.items() if k != without}, method)


def special(name: str, mode: int) -> zipfile.ZipInfo:
    """An entry that is not a regular file."""
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = (mode | 0o777) << 16
    return member


def renamed(content: bytes, old: bytes, new: bytes) -> bytes:
    """The archive with a member's name replaced by one of the same length."""
    assert len(old) == len(new) and content.count(old) >= 2
    return content.replace(old, new)


def patched(content: bytes, at: int, value: bytes) -> bytes:
    """The archive with these bytes in the last entry of its central directory."""
    start = content.rindex(b"PK\x01\x02") + at
    return content[:start] + value + content[start + len(value) :]


def _npy(array: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    return content.getvalue()


def _npz(**arrays: Any) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def _declared(shape: tuple[int, ...]) -> bytes:
    header = repr({"descr": "|u1", "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def _nested(part: dict[str, Any]) -> dict[str, Any]:
    """A model with this part where Keras makes objects of what it finds."""
    return model_config(layer("Dense", units=1, name="dense", kernel_initializer=part))


IMAGES = np.zeros((3, 28, 28), np.uint8)
MIB = 2**20
SIZE_OF_A_BOMB = (300 * MIB).to_bytes(4, "little")

ARCHIVES_THAT_ESCAPE = [
    Hostile("parent folder", keras_file(extra={"../evil.py": b"x"}), "leave the folder"),
    Hostile("folder inside", keras_file(extra={"a/../../evil": b"x"}), "leave the folder"),
    Hostile("absolute", keras_file(extra={"/etc/passwd": b"x"}), "leave the folder"),
    Hostile("backslash", keras_file(extra={"..\\evil": b"x"}), "leave the folder"),
    Hostile("drive letter", keras_file(extra={"C:evil": b"x"}), "leave the folder"),
    Hostile("empty part", keras_file(extra={"a//b": b"x"}), "leave the folder"),
    Hostile(
        "symbolic link",
        keras_file(extra={special("assets", stat.S_IFLNK): b"/etc"}),
        "a link or a device",
    ),
    Hostile(
        "device", keras_file(extra={special("assets", stat.S_IFCHR): b""}), "a link or a device"
    ),
    Hostile(
        "two of one name",
        zipped([("config.json", b"{}"), ("config.json", b"{}")]),
        "two of its members are named 'config.json'",
    ),
    Hostile(
        "two names in other case", keras_file(extra={"CONFIG.json": b"{}"}), "two of its members"
    ),
    Hostile("long name", keras_file(extra={"a" * 10_000: b"x"}), "a member's name has 10000"),
    Hostile("terminal escape", keras_file(extra={"a\x1b[2J": b"x"}), "that hide something"),
    Hostile("turned writing", keras_file(extra={"a\u202egpj.exe": b"x"}), "that hide something"),
    Hostile(
        "name with a NUL",
        renamed(keras_file(extra={"evil0json": b"x"}), b"evil0json", b"evil\0json"),
        "that hide something",
    ),
    Hostile(
        "many members", zipped({f"m{n}": b"" for n in range(1001)}), "1001 members: at most 1000"
    ),
    Hostile("encrypted", patched(keras_file(), 8, b"\x01\x00"), "is encrypted"),
    Hostile("packed by bzip2", keras_file(method=zipfile.ZIP_BZIP2), "an unusual way"),
    Hostile(
        "overlapping",
        patched(keras_file(), 20, (50 * MIB).to_bytes(4, "little")),
        "its members overlap",
    ),
    Hostile(
        "bomb",
        patched(keras_file(method=zipfile.ZIP_DEFLATED), 24, SIZE_OF_A_BOMB),
        "as in an archive bomb",
    ),
    Hostile(
        "bomb of a header that lies",
        patched(
            keras_file(h5=bytes(2 * MIB), method=zipfile.ZIP_DEFLATED),
            24,
            (64).to_bytes(4, "little"),
        ),
        "it is damaged",
    ),
]

MODELS_THAT_RUN_CODE = [
    # CVE-2024-3660
    Hostile("Lambda", keras_file(model_config(layer("Lambda"))), "'keras.layers.Lambda'"),
    Hostile("a lambda", keras_file(_nested(layer("__lambda__", None, value="4wE="))), "__lambda__"),
    # CVE-2025-1550
    Hostile("any function", keras_file(_nested(function("system", "os"))), "the function 'system'"),
    Hostile("any class", keras_file(_nested(layer("Popen", "subprocess"))), "'subprocess.Popen'"),
    # CVE-2025-8747
    Hostile("get_file", keras_file(_nested(function("get_file", "keras.utils"))), "'get_file'"),
    Hostile(
        "get_file as a class", keras_file(_nested(layer("get_file", "keras.utils"))), "get_file"
    ),
    # CVE-2025-9906
    Hostile(
        "safe mode off",
        keras_file(_nested(layer("enable_unsafe_deserialization", "keras.config"))),
        "enable_unsafe_deserialization",
    ),
    # CVE-2025-12058
    Hostile(
        "vocabulary in a file",
        keras_file(model_config(layer("StringLookup", vocabulary="/etc/passwd"))),
        "would read the file '/etc/passwd'",
    ),
    # CVE-2026-1462
    Hostile("TFSMLayer", keras_file(model_config(layer("TFSMLayer", filepath="/x"))), "TFSMLayer"),
    Hostile(
        "TorchModuleWrapper",
        keras_file(model_config(layer("TorchModuleWrapper", module="gAJjb3MK"))),
        "TorchModuleWrapper",
    ),
    Hostile(
        "registered by a user",
        keras_file(model_config({**layer("Dense"), "registered_name": "mine>Evil"})),
        "the class 'mine>Evil' of a user",
    ),
    Hostile("class without module", keras_file(model_config(layer("Dense", None))), "'Dense'"),
    Hostile(
        "type specification",
        keras_file(_nested({**layer("__typespec__", None), "spec_name": "X"})),
        "__typespec__",
    ),
    Hostile(
        "module inside Keras",
        keras_file(_nested(layer("SerializableDict", "keras.src.saving.serialization_lib"))),
        "serialization_lib",
    ),
    Hostile("class that is a list", keras_file(_nested({"class_name": ["x"]})), "class ['x']"),
    Hostile(
        "in the compilation",
        keras_file({**model_config(), "compile_config": {"loss": layer("Popen", "subprocess")}}),
        "'subprocess.Popen'",
    ),
]

FILES_THAT_ARE_NO_MODEL = [
    Hostile("empty", b"", "the file is empty"),
    Hostile(".h5 model", weights(), "an HDF5 file (.h5)"),
    Hostile("pickle", pickle.dumps({"a": 1}), "a pickle, which can run code"),
    Hostile("text", b"not a model", "no archive"),
    Hostile("bytes before the archive", b"#!/bin/sh\n" + keras_file(), "no archive"),
    Hostile("array", _npy(IMAGES), "an .npy file"),
    Hostile("cut archive", keras_file()[:-40], "it is damaged"),
    Hostile("unknown member", keras_file(extra={"run.py": b"x"}), "unknown member 'run.py'"),
    Hostile("assets", keras_file(extra={"assets/a": b"x"}), "unknown member 'assets/a'"),
    Hostile("no config", keras_file(without="config.json"), "it has no config.json"),
    Hostile("no weights", keras_file(without="model.weights.h5"), "it has no model.weights.h5"),
    Hostile("no metadata", keras_file(without="metadata.json"), "it has no metadata.json"),
    Hostile("config of text", keras_file(raw_config=b"{"), "config.json is no JSON"),
    Hostile("config of a list", keras_file(raw_config=b"[1]"), "no JSON object"),
    Hostile("large config", keras_file(raw_config=bytes(9 * MIB)), "has more than 8388608 bytes"),
    Hostile("large metadata", keras_file(metadata=bytes(70_000)), "has more than 65536 bytes"),
    Hostile("very deep config", keras_file(raw_config=b'{"a":' + b"[" * 100_000), "too deep"),
    Hostile(
        "deep config",
        keras_file({**model_config(), "build_config": _deep(70)}),
        "more than 64 levels deep",
    ),
    Hostile("config of a layer", keras_file(layer("Dense", units=1)), "and no model"),
]

WEIGHTS_THAT_LEAVE_THE_FILE = [
    # CVE-2026-1669
    Hostile(
        "external link",
        keras_file(h5=weights(lambda f: f.__setitem__("x", h5py.ExternalLink("/etc/x.h5", "/")))),
        "a link to elsewhere, '/x'",
    ),
    Hostile(
        "soft link",
        keras_file(h5=weights(lambda f: f.__setitem__("x", h5py.SoftLink("/layers")))),
        "a link to elsewhere, '/x'",
    ),
    Hostile(
        "external storage",
        keras_file(
            h5=weights(
                lambda f: f.create_dataset("x", (8,), "u1", external=[("/etc/passwd", 0, 8)])
            )
        ),
        "'/x' lie in another file",
    ),
    Hostile(
        "virtual data set",
        keras_file(
            h5=weights(lambda f: f.create_virtual_dataset("x", h5py.VirtualLayout((4,), "u1")))
        ),
        "are made of other data sets",
    ),
    # CVE-2026-0897
    Hostile(
        "shape bomb",
        keras_file(h5=weights(lambda f: f.create_dataset("x", (2**40,), "f4", chunks=(1024,)))),
        "and 0 are there",
    ),
    Hostile(
        "filter",
        keras_file(h5=weights(lambda f: f.create_dataset("x", data=[1.0], compression="gzip"))),
        "packed by a filter",
    ),
    Hostile(
        "text",
        keras_file(h5=weights(lambda f: f.create_dataset("x", data="text"))),
        "are of the type 'object'",
    ),
    Hostile(
        "named type",
        keras_file(h5=weights(lambda f: f.__setitem__("x", np.dtype("f4")))),
        "hold a type, '/x'",
    ),
    Hostile("no HDF5", keras_file(h5=b"nothing"), "its weights are no HDF5"),
    Hostile("cut weights", keras_file(h5=weights()[:-500]), "its weights are no HDF5"),
]

# What a side without Keras and h5py can see, and what only the worker can.
MODELS_REFUSED_EVERYWHERE = [
    *ARCHIVES_THAT_ESCAPE,
    *MODELS_THAT_RUN_CODE,
    *FILES_THAT_ARE_NO_MODEL,
]

HOSTILE_ARRAYS = [
    Hostile(".h5 model", weights(), "an HDF5 file (.h5)"),
    Hostile("pickle", pickle.dumps([1]), "a pickle, which can run code"),
    Hostile("pickled array", _npy(np.array([print], dtype=object)), "pickled Python objects"),
    Hostile(
        "pickled array in an archive", _npz(x=np.array([print], dtype=object)), "pickled Python"
    ),
    Hostile("array that is a pickle", zipped({"x.npy": pickle.dumps([1])}), "damaged"),
    Hostile("archive in an archive", zipped({"x.npy": _npz(x=IMAGES)}), "damaged"),
    Hostile("parent folder", zipped({"../x.npy": _npy(IMAGES)}), "leave the folder"),
    Hostile("absolute", zipped({"/x.npy": _npy(IMAGES)}), "leave the folder"),
    Hostile("long name", zipped({"x" * 10_000 + ".npy": _npy(IMAGES)}), "name has 10004 letters"),
    Hostile("terminal escape", zipped({"\x1b[2J.npy": _npy(IMAGES)}), "that hide something"),
    Hostile("line break", zipped({"a\nb.npy": _npy(IMAGES)}), "that hide something"),
    Hostile("link", zipped({special("x.npy", stat.S_IFLNK): b"/etc/passwd"}), "a link or a device"),
    Hostile(
        "two of one name",
        zipped([("x.npy", _npy(IMAGES)), ("x.npy", _npy(IMAGES))]),
        "two of its members",
    ),
    Hostile(
        "bomb",
        patched(zipped({"x.npy": bytes(MIB)}, zipfile.ZIP_DEFLATED), 24, SIZE_OF_A_BOMB),
        "as in an archive bomb",
    ),
    Hostile(
        "header that promises more",
        zipped({"x.npy": _declared((10**9, 2)) + b"xx"}),
        "2 of 2000000000 bytes are there",
    ),
    Hostile("over 8 GiB", zipped({"x.npy": _declared((2**34,))}), "is over 8 GiB"),
    Hostile("long dtype", _npy(np.zeros(1, [("f" * 2000, "f4")])), "neither number nor text"),
]
