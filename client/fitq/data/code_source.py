"""`file.py:function`: data that a function of the user's makes, on workers that allow code."""

from __future__ import annotations

import ast
from pathlib import Path

from pydantic import ValidationError

from fitq.data.source import Declared, LocalFile, Source
from fitq_shared.code_bundle import pack
from fitq_shared.dataset_manifest import CodeSource
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.mistakes import from_validation, unknown_choice

BUNDLE = "code.tar"


def look_through(path: Path, function: str, declared: Declared) -> Source:
    """Bundle the file with the modules beside it that it imports.

    Raises:
        InvalidInput: there is no such file or function, or it cannot be bundled.
    """
    bundle = pack(path, "PATH")
    tree = ast.parse(path.read_bytes())
    known = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    imported = any(isinstance(node, ast.ImportFrom | ast.Assign) for node in tree.body)
    if function not in known and not (imported and function in _names(tree)):
        if not known:
            raise InvalidInput([Mistake("PATH", function, "a function; the file has none")])
        raise InvalidInput([unknown_choice("PATH", function, known)])
    try:
        code = CodeSource(module=bundle.module, function=function, options=dict(declared.options))
    except ValidationError as error:
        raise InvalidInput(from_validation(error, CodeSource)) from None
    content = bundle.content
    file = LocalFile(path, BUNDLE, len(content), 0, content=content)
    return Source("code", (file,), code=code)


def _names(tree: ast.Module) -> set[str]:
    """Names that the file makes by assigning or importing."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found
