"""`file.py:function`: data that a function of the user's makes, on workers that allow code."""

from __future__ import annotations

import ast
from pathlib import Path

from pydantic import ValidationError

from fitq.code_files import names_in
from fitq.data.source import Declared, LocalFile, Source
from fitq_shared.code_bundle import pack
from fitq_shared.dataset_manifest import CodeSource
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.mistakes import from_validation, unknown_choice

BUNDLE = "code.tar"
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def look_through(path: Path, function: str, declared: Declared) -> Source:
    """Bundle the file with the modules beside it that it imports.

    Raises:
        InvalidInput: there is no such file or function, or it cannot be bundled.
    """
    bundle = pack(path, "PATH")
    names = names_in(path)
    if function not in names and "*" not in names:
        known = [name for name, node in names.items() if isinstance(node, _DEFINITIONS)]
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
