"""Sources of rows that never come to an end, told before their rows fill a disk."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from types import GeneratorType
from typing import Any

from fitq_worker.own_errors import own_file

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_LOOPS = (ast.While, ast.For, ast.AsyncFor)


def why_endless(source: Any) -> str | None:
    """Why a source of rows cannot come to an end; None where it may, for all that can be seen.

    A generator's code is read: one ends with an error at best if it comes to a `while True` which
    nothing leaves.
    """
    if isinstance(source, itertools.count | itertools.cycle):
        return f"itertools.{type(source).__name__} has no end"
    if isinstance(source, GeneratorType):
        return _of_generator(source)
    if hasattr(source, "element_spec") and int(source.cardinality()) == _infinite():
        return "its tf.data.Dataset repeats for ever"
    return None


def _infinite() -> int:
    import tensorflow as tf

    return int(tf.data.INFINITE_CARDINALITY)


def _of_generator(source: GeneratorType[Any, Any, Any]) -> str | None:
    code = source.gi_code
    try:
        lines, first = inspect.getsourcelines(code)
        [function] = ast.parse(textwrap.dedent("".join(lines))).body
    except (OSError, SyntaxError, ValueError):  # a generator expression, or no source
        return None
    if not isinstance(function, ast.FunctionDef):
        return None
    if any(isinstance(node, ast.Return | ast.Raise) for node in _inside(function)):
        return None
    for loop in function.body:
        if isinstance(loop, ast.While) and _is_true(loop.test) and not _is_left(loop):
            line = first + loop.lineno - 1
            return f"nothing leaves the `while True` in line {line} of {own_file(code.co_filename)}"
    return None


def _is_true(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and bool(test.value)


def _is_left(loop: ast.While) -> bool:
    """Whether a `break` ends this loop; those of the loops in it end these."""
    return any(isinstance(node, ast.Break) for node in _inside(loop, without=_LOOPS))


def _inside(node: ast.AST, without: tuple[type[ast.AST], ...] = ()) -> Iterator[ast.AST]:
    """All that a function or loop consists of, without what functions in it do."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (*_SCOPES, *without)):
            yield from _inside(child, without)
