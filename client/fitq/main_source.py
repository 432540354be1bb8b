"""What of a script or a notebook belongs to some names in it: never the script as a whole.

A worker that imported the script itself would run it: it would submit the job once more.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from fitq_shared.errors import InvalidInput, Mistake

NOTEBOOK = "notebook.py"


def main_source(names: Collection[str]) -> tuple[str, str]:
    """The file's name, and the source that defines these names with all that they use.

    Definitions, imports and assignments only, and attempts at these, each in the line where it
    stands; of several of one name the last. What is imported from __future__ comes first.

    Raises:
        InvalidInput: the source of this session is not at hand.
    """
    name, text = _whole(sys.modules["__main__"])
    return name, _sliced(text, names)


def _whole(main: ModuleType) -> tuple[str, str]:
    cells = getattr(main, "In", None)
    if isinstance(cells, list):
        return NOTEBOOK, "\n".join(_plain(cell) for cell in cells)
    path = getattr(main, "__file__", None)
    if path and Path(path).is_file():
        return Path(path).name, Path(path).read_text(encoding="utf-8")
    raise InvalidInput(
        [Mistake("model", "classes or functions of this session", "source that can be read")],
        "define them in a file, and import them from there",
    )


def _plain(cell: str) -> str:
    """A cell without IPython's own lines, such as %time; nothing of one that is no Python."""
    lines = ["" if line.lstrip()[:1] in ("%", "!", "?") else line for line in cell.splitlines()]
    text = "\n".join(lines)
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return "\n" * (len(lines) - 1)
    return text


def _sliced(text: str, names: Collection[str]) -> str:
    """The statements that these names need; all other lines are empty."""
    defined: dict[str, list[ast.stmt]] = {}
    body = ast.parse(text).body
    for node in body:
        for name in _binds(node):
            # `import a.b` and `import a.c` both make what `a` is.
            earlier = defined.get(name, []) if isinstance(node, ast.Import) else []
            defined[name] = [*(one for one in earlier if isinstance(one, ast.Import)), node]
    needed: dict[int, ast.stmt] = {}
    waiting = [*names]
    while waiting:
        for found in defined.get(waiting.pop(), ()):
            if id(found) not in needed:
                needed[id(found)] = found
                waiting += _uses(found)
    kept: set[int] = set()
    for node in needed.values():
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        kept |= {*range(first, (node.end_lineno or first) + 1)}
    lines = _in_front(_futures(body), text.split("\n"), kept)
    return "\n".join(line if at in kept else "" for at, line in enumerate(lines, 1)).rstrip() + "\n"


def _futures(body: Sequence[ast.stmt]) -> list[str]:
    """What is imported from __future__: no name of it is used, and it changes all that follows."""
    found = [one for one in body if isinstance(one, ast.ImportFrom) and one.module == "__future__"]
    return [alias.name for one in found for alias in one.names]


def _in_front(futures: Sequence[str], lines: Sequence[str], kept: set[int]) -> Sequence[str]:
    """The lines with this import in the first: in a notebook it may stand in any cell."""
    if not futures:
        return lines
    first = f"from __future__ import {', '.join(dict.fromkeys(futures))}"
    if 1 in kept:
        first += f"; {lines[0]}"
    kept.add(1)
    return [first, *lines[1:]]


def _binds(node: ast.stmt) -> Iterator[str]:
    """The names that a statement defines, if it does nothing else."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for one in (inner for target in targets for inner in ast.walk(target)):
            if isinstance(one, ast.Name):
                yield one.id
    elif isinstance(node, ast.Try):
        parts = [*node.body, *node.orelse, *node.finalbody]
        parts += [one for handler in node.handlers for one in handler.body]
        bound = [[*_binds(one)] for one in parts if not isinstance(one, ast.Pass)]
        if all(bound):
            yield from (name for names in bound for name in names)


def _uses(node: ast.stmt) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
