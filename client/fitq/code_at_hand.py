"""The code that a model at hand needs: its classes and functions, and a builder around it.

The modules that define them go as they are, with the local modules that they import; of a script
or a notebook only what they need (see main_source.py). The builder is written here: it registers
them with Keras, so that the model can be loaded, also once it is trained.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from fitq.callbacks_at_hand import Calls
from fitq.main_source import main_source
from fitq.own_objects import MAIN, OwnObject, is_local
from fitq.uploads import Upload, of_bytes
from fitq_shared.code_bundle import PACKAGE, gather, is_taken, seal
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.own_configs import lacks_config

BUILDER = "given_model"
_HEAD = '"""How a worker gets what `Client.fit` was given: written by fitq."""\n'


def code_of(objects: Sequence[OwnObject], callbacks: Calls) -> tuple[dict[str, Any], Upload]:
    """The values of a `UserCode` for a model at hand, and its bundle.

    Args:
        objects: the classes and functions that the model names.
        callbacks: how its callbacks are made.

    Raises:
        InvalidInput: something of it is no file's, or within a function.
    """
    every = [*objects, *callbacks.objects]
    wrong = [one for one in every if "." in one.name or one.name == "<lambda>"]
    if wrong:
        names = ", ".join(dict.fromkeys(f"{one.module}.{one.name}" for one in wrong))
        expected = "classes and functions that a module defines by name, not within another"
        raise InvalidInput([Mistake("model", names, expected)], "move them to the top of the file")
    files, main = _files(every)
    modules = {one.module: main if one.module == MAIN else one.module for one in every}
    files[f"{BUILDER}.py"] = _builder(objects, callbacks, modules).encode()
    bundle = seal(files, f"{BUILDER}.py", "model")
    upload = of_bytes(bundle.content, f"{BUILDER}.py", ".tar")
    return {"bundle": upload.values, "module": bundle.module, "function": "build"}, upload


def _files(objects: Iterable[OwnObject]) -> tuple[dict[str, bytes], str]:
    """The files of all modules, and what the session's own is called among them."""
    files: dict[str, bytes] = {}
    own: list[str] = []
    for name in dict.fromkeys(one.module for one in objects):
        if name == MAIN:
            own = [one.name for one in objects if one.module == MAIN]
        elif is_local(sys.modules[name]):
            root, file = _placed(name)
            _add(files, gather(root, {file: None}, "model"))
    if not own:
        return files, ""
    file, source = main_source(own)
    root = Path(getattr(sys.modules[MAIN], "__file__", None) or "main").absolute().parent
    module = PurePosixPath(file).stem.replace("-", "_")
    if is_taken(module) or f"{module}.py" in files:
        module = f"my_{module}"
    _add(files, gather(root, {f"{module}.py": source.encode()}, "model"))
    return files, module


def _placed(module: str) -> tuple[Path, str]:
    """The folder that a module is imported from, and its file in it."""
    path = Path(str(sys.modules[module].__file__)).absolute()
    parts = module.split(".")
    depth = len(parts) + (path.stem == PACKAGE)
    root = path.parents[depth - 1]
    return root, path.relative_to(root).as_posix()


def _add(files: dict[str, bytes], others: Mapping[str, bytes]) -> None:
    for name, content in others.items():
        if files.setdefault(name, content) != content:
            expected = "one file of this name among all folders that the model's classes are from"
            raise InvalidInput([Mistake("model", name, expected)], f"rename one {name}")


def _builder(objects: Sequence[OwnObject], callbacks: Calls, modules: Mapping[str, str]) -> str:
    """The source of the module whose `build` gives the model and its callbacks."""
    names = dict.fromkeys(["keras", "keras.callbacks", *modules.values()])
    imports = "".join(f"import {name}\n" for name in names)
    imports += "\nfrom fitq_shared.own_configs import complete\n"
    bare = [o for o in objects if isinstance(o.value, type) and lacks_config(o.value)]
    completed = "".join(f"complete({modules[o.module]}.{o.name})\n" for o in bare)
    known = "".join(f"        {o.key!r}: {modules[o.module]}.{o.name},\n" for o in objects)
    made = "".join(f"        {one.written(modules)},\n" for one in callbacks.calls)
    return (
        f"{_HEAD}{imports}\n"
        f"keras.saving.get_custom_objects().update(\n    {{\n{known}    }}\n)\n{completed}\n\n"
        f"def build(model):\n"
        f'    """The model, which is loaded already, and what `fit` gets besides."""\n'
        f'    return model, {{"callbacks": [\n{made}    ]}}\n'
    )
