"""`file.py:function`: code of the user's own, looked at here without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from fitq.uploads import Upload, of_bytes
from fitq_shared.code_bundle import pack
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.mistakes import unknown_choice

_REFERENCE = re.compile(r"(?P<file>.+\.py)(?::(?P<function>[^:/\\]*))?")


def is_code(text: str) -> bool:
    """Whether a text names a file of Python, with a function or without."""
    return _REFERENCE.fullmatch(text) is not None


def user_code(
    text: str,
    options: Mapping[str, Any],
    folder: Path,
    where: str,
    later: Collection[str] = (),
) -> tuple[dict[str, Any], Upload]:
    """The values of a `UserCode` of a spec, and its bundle.

    Args:
        text: `file.py:function`; the file is looked for from `folder`.
        options: what the function is called with.
        where: what named it, for messages.
        later: options that the function will have, if not yet: the parameters of a sweep.

    Raises:
        InvalidInput: there is no such file or function, the function does not take these options,
            or the file's imports cannot travel. Names all mistakes of one kind at once.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None or not found["function"]:
        expected = "a file and a function of it: net.py:build"
        raise InvalidInput([Mistake(where, text, expected)])
    path = folder / Path(found["file"]).expanduser()
    bundle = pack(path, where)
    mistakes = _mistakes(path, found["function"], options, where, later)
    if mistakes:
        raise InvalidInput(mistakes)
    upload = of_bytes(bundle.content, path.name, ".tar")
    values = {
        "bundle": upload.values,
        "module": bundle.module,
        "function": found["function"],
        "options": dict(options),
    }
    return values, upload


def _mistakes(
    path: Path, name: str, options: Mapping[str, Any], where: str, later: Collection[str]
) -> list[Mistake]:
    """What is wrong with a function and its options, as far as reading the file tells."""
    defined = names_in(path)
    if name not in defined:
        if "*" in defined:
            return []
        functions = [known for known, node in defined.items() if isinstance(node, ast.FunctionDef)]
        choices = unknown_choice(where, name, functions).expected if functions else "none there"
        text = f"{path.name}:{name}"
        return [Mistake(where, text, f"a function that {path.name} defines: {choices}")]
    node = defined[name]
    if not isinstance(node, ast.FunctionDef) or node.decorator_list:
        return []
    return _option_mistakes(node, f"{path.name}:{name}", options, later)


def names_in(path: Path) -> dict[str, ast.stmt]:
    """The names that a file of Python has once it is imported, and what defines each.

    "*" is among them where it takes all names of another module.
    """
    tree = ast.parse(path.read_bytes())
    return {name: node for node in _outermost(tree) for name in _names(node)}


def _option_mistakes(
    function: ast.FunctionDef, name: str, options: Mapping[str, Any], later: Collection[str]
) -> list[Mistake]:
    parameters = function.args
    names = [one.arg for one in (*parameters.args, *parameters.kwonlyargs)]
    optional = parameters.args[len(parameters.args) - len(parameters.defaults) :]
    optional += [
        one
        for one, default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
        if default is not None
    ]
    needed = [one for one in names if one not in {other.arg for other in optional}]
    unknown = [] if parameters.kwarg else [option for option in options if option not in names]
    return [
        *(
            Mistake(
                f"--option {option}",
                options[option],
                f"an option that {name} takes: {unknown_choice('', option, names).expected}"
                if names
                else f"none, since {name} takes no options",
            )
            for option in unknown
        ),
        *(
            Mistake(f"--option {one}", None, f"a value: {name} has no default for it")
            for one in needed
            if one not in {*options, *later}
        ),
    ]


def _outermost(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that are run when the file is imported, those in `if` and `try` too."""
    waiting = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            for handler in getattr(node, "handlers", []):
                inner += handler.body
            waiting += reversed(inner)


def _names(node: ast.stmt) -> list[str]:
    """The names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [target.id for target in targets if isinstance(target, ast.Name)]
    return []
