"""Model files from outside: `.keras` archives and JSON configurations, looked at before Keras.

Keras's safe mode has been passed by again and again, so it is the second line here. The first:
an archive holds three members, besides them at most the vocabularies of layers, and its config
names nothing but classes of Keras that only compute. What that closes, by the numbers under
which it was found:

- CVE-2024-3660, Lambda layers with Python code: the class is refused.
- CVE-2025-1550 and CVE-2025-8747, any function of any module, or a harmful one of Keras itself
  such as `get_file`: only the listed modules, and only classes.
- CVE-2025-9906, a config that turns safe mode off: `keras.config` is not listed.
- CVE-2025-9905, `.h5` files, for which safe mode is ignored: refused by their content.
- CVE-2025-12058, look-up layers that read any file or URL: a vocabulary must not be a path.
- CVE-2026-12479, names of layers that lead out of the folder for vocabularies: refused.
- CVE-2026-1462, TFSMLayer and its kind, which load programs: the classes are refused.
- CVE-2026-0897 and CVE-2026-1669, HDF5 weights that declare a huge shape, or read other files: the
  worker's weights_files.py.
"""

from __future__ import annotations

import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any

from fitq_shared.archives import BadArchive, kind_of, open_archive, read_member
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.texts import printable, shown

LARGEST_MODEL = 8 * 2**30
LARGEST_CONFIG = 8 * 2**20
LARGEST_METADATA = 64 * 2**10
DEEPEST_CONFIG = 64

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
MEMBERS = (CONFIG, METADATA, WEIGHTS)
# What layers that have learnt words keep: a text file, a line for each.
VOCABULARY = re.compile(r"assets/.+/vocabulary\.txt")
LARGEST_VOCABULARY = 64 * 2**20

# Where classes that only compute are exported, and where the two kinds of model live.
MODULES = frozenset(
    {
        "keras.constraints",
        "keras.initializers",
        "keras.layers",
        "keras.losses",
        "keras.metrics",
        "keras.optimizers",
        "keras.optimizers.schedules",
        "keras.random",
        "keras.regularizers",
    }
)
MODELS = frozenset(
    {
        ("keras", "Model"),
        ("keras", "Sequential"),
        ("keras.models", "Model"),
        ("keras.models", "Sequential"),
        ("keras.src.models.functional", "Functional"),
    }
)
# What preprocessing is made of that is no layer: it computes numbers from numbers.
OPERATIONS = frozenset(
    {
        ("keras.src.ops.core", "Cast"),
        ("keras.src.ops.image", "RGBToGrayscale"),
        ("keras.src.ops.numpy", "Isnan"),
        ("keras.src.ops.numpy", "Where"),
    }
)
OTHER_CLASSES = MODELS | OPERATIONS | {("keras", "DTypePolicy")}
# Exported with the others, but made to run code, or to load it from somewhere.
REFUSED_CLASSES = frozenset({"FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"})
# Words that stand for values, not for classes. `__lambda__` and `__typespec__` are not among them.
VALUE_CLASSES = frozenset(
    {"__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__"}
)
_CLASS_NAME = re.compile(r"[A-Z][A-Za-z0-9]{0,63}")
_FUNCTION_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# What zipfile and its decompressor raise for content that is not what it seems.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(RuntimeError, NotImplementedError, ValueError),
)
_HINT = "use a model that `fitq train` made, or save it anew with `model.save('model.keras')`"


def check_model(file: IO[bytes], name: str, *, own_classes: bool = False) -> None:
    """Look through a model file: archive, members, config. The weights' content is not looked at.

    Args:
        name: what the user calls the file, for messages.
        own_classes: its classes may be a user's, since the user's code runs with it anyhow.

    Raises:
        InvalidInput: it is no `.keras` archive, or holds what it must not. Names what was found.
    """
    try:
        config = _read_archive(file)
        if not own_classes:
            _check_config(config)
    except BadArchive as error:
        raise refused_model(name, str(error)) from error
    except _DAMAGE as error:
        raise refused_model(name, f"it is damaged: {printable(str(error), 100)}") from error


def is_compiled(file: IO[bytes]) -> bool:
    """Whether a model file that was looked through keeps loss, optimizer and metrics."""
    return config_of(file).get("compile_config") is not None


def config_of(file: IO[bytes]) -> dict[str, Any]:
    """The configuration in a model file that was looked through."""
    return _read_archive(file)


def check_json(content: bytes, name: str) -> None:
    """Look through a model's JSON configuration, as `model.to_json()` writes it.

    Args:
        name: what the user calls the file, for messages.

    Raises:
        InvalidInput: it is none, or names what it must not.
    """
    try:
        if len(content) > LARGEST_CONFIG:
            raise BadArchive(f"it has {len(content)} bytes: at most {LARGEST_CONFIG} are read")
        if kind := kind_of(content[:8]):
            raise BadArchive(f"it is {kind}")
        config = _object(content, "content")
        if config.keys() & {"keras_version", "backend"} and "module" not in config:
            raise BadArchive("Keras 2 wrote it: load it there, and save the model with Keras 3")
        _check_config(config)
    except BadArchive as error:
        raise InvalidInput(
            [Mistake("model", name, f"a JSON configuration of Keras that is safe: {error}")],
            "write it with `model.to_json()`; a model with classes of your own is built by "
            "your own code: --model file.py:function",
        ) from error


def refused_model(name: str, found: str) -> InvalidInput:
    """The error for a model file in which this was found."""
    return InvalidInput([Mistake("model", name, f"a .keras file that is safe: {found}")], _HINT)


def _read_archive(file: IO[bytes]) -> dict[str, Any]:
    """The config of a model file all of whose members are what they should be."""
    file.seek(0)
    start = file.read(8)
    if not start:
        raise BadArchive("the file is empty")
    if not start.startswith(b"PK\x03\x04"):
        raise BadArchive(f"it is {kind_of(start) or 'no archive'}")
    with open_archive(file, LARGEST_MODEL) as archive:
        names = archive.namelist()
        if missing := [member for member in MEMBERS if member not in names]:
            raise BadArchive(f"it has no {missing[0]}")
        others = [name for name in names if name not in MEMBERS]
        if unknown := [name for name in others if VOCABULARY.fullmatch(name) is None]:
            raise BadArchive(f"it has the unknown member {shown(unknown[0])}")
        for name in others:
            read_member(archive, name, LARGEST_VOCABULARY)
        _object(read_member(archive, METADATA, LARGEST_METADATA), METADATA)
        config = _object(read_member(archive, CONFIG, LARGEST_CONFIG), CONFIG)
        with archive.open(WEIGHTS) as weights:
            # To its end: only then has zipfile compared the content with its sum and size.
            while weights.read(2**20):
                pass
    return config


def _check_config(config: dict[str, Any]) -> None:
    """Refuse a configuration that is no model's, or of classes that may do more than compute."""
    if (config.get("module"), config.get("class_name")) not in MODELS:
        raise BadArchive(f"its {CONFIG} describes {shown(config.get('class_name'))}, and no model")
    for part in _parts(config):
        _check_part(part)


def _object(content: bytes, member: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadArchive(f"its {member} is no JSON, or too deep") from error
    if not isinstance(value, dict):
        raise BadArchive(f"its {member} is {shown(value)}, and no JSON object")
    return value


def _parts(config: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every JSON object in the config, itself included."""
    waiting: list[tuple[Any, int]] = [(config, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST_CONFIG:
            raise BadArchive(f"its {CONFIG} is more than {DEEPEST_CONFIG} levels deep")
        if isinstance(value, dict):
            yield value
            waiting += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]


def _check_part(part: Mapping[str, Any]) -> None:
    """Refuse a part of the config that Keras would make an object of which it must not."""
    if not part.keys() & {"class_name", "module", "registered_name", "spec_name"}:
        return
    name, module = part.get("class_name"), part.get("module")
    if not isinstance(name, str) or not isinstance(module, str | None) or "spec_name" in part:
        raise BadArchive(f"its config has an object of the class {shown(name)}")
    if name in VALUE_CLASSES and module is None:
        return
    if name == "function":
        _check_function(part, module)
        return
    listed = module in MODULES and _CLASS_NAME.fullmatch(name) is not None
    if (module, name) not in OTHER_CLASSES and not (listed and name not in REFUSED_CLASSES):
        where = f"{module}." if module else ""
        raise BadArchive(
            f"its config names {shown(where + name)}, which is none of the classes of Keras "
            "that are allowed"
        )
    # Keras's own classes have no registered name, or their class's.
    if part.get("registered_name") not in (None, name):
        raise BadArchive(f"its config names the class {shown(part['registered_name'])} of a user")
    config = part.get("config")
    if not isinstance(config, Mapping):
        return
    if _leads_away(config.get("name")):
        raise BadArchive(f"the name {shown(config['name'])} of a layer leads to another folder")
    if isinstance(config.get("vocabulary"), str):
        raise BadArchive(
            f"its layer {shown(name)} would read the file {shown(config['vocabulary'])}"
        )


def _leads_away(name: object) -> bool:
    """Whether a layer's name would be another folder, where Keras keeps what layers have learnt."""
    return isinstance(name, str) and (name in (".", "..") or "/" in name or "\\" in name)


def _check_function(part: Mapping[str, Any], module: str | None) -> None:
    """Functions that Keras finds by their name among its activations, losses and the like."""
    name, registered = part.get("config"), part.get("registered_name")
    if (
        module != "builtins"
        or not isinstance(name, str)
        or _FUNCTION_NAME.fullmatch(name) is None
        or registered not in (None, "function", name)
    ):
        raise BadArchive(f"its config names the function {shown(name)} of {shown(module)}")
