"""From pydantic's findings to the user's words."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fitq_shared.errors import Mistake
from fitq_shared.texts import printable, shown

LONGEST_GUESS = 100


def unknown_choice(where: str, given: object, choices: Iterable[str]) -> Mistake:
    """A value that is none of the choices; suggests the nearest."""
    names = sorted({*choices})
    near = get_close_matches(given[:LONGEST_GUESS], names, 1) if isinstance(given, str) else []
    guess = f" (did you mean {shown(near[0])}?)" if near else ""
    return Mistake(where, given, f"one of {', '.join(printable(n, 60) for n in names[:50])}{guess}")


def from_validation(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """One mistake for each field that pydantic finds wrong."""
    found: dict[str, Mistake] = {}
    entries = error.errors(include_url=False)
    for entry in entries:
        where = _where(entry["loc"])
        # Pydantic counts only the items that are right: one that is wrong is then missing too.
        if entry["type"] == "too_short" and any(e["loc"][:-1] == entry["loc"] for e in entries):
            continue
        found.setdefault(where, _mistake(where, entry, model))
    return list(found.values())


def _where(location: tuple[int | str, ...]) -> str:
    """The path of a field as a job file would write it; union tags are left out."""
    tag = _tag_place(location)
    known = _UNION_TAGS if tag == 1 else ()
    parts = [
        part
        for at, part in enumerate(location)
        if part not in _NESTED_TAGS and (at != tag or (known and part not in known))
    ]
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _tag_place(location: tuple[int | str, ...]) -> int:
    """Where pydantic puts the branch of a union: steps are in a list in a table."""
    return 3 if location[0] == "preprocessing" else 1


# Pydantic puts the branch of a union after the field; a user never wrote those words.
_UNION_TAGS = {
    "mlp",
    "cnn",
    "rnn",
    "json",
    "keras",
    "code",
    "dataset",
    "file",
    "table",
    "images",
    "texts",
}
_NESTED_TAGS = {
    *("a named data set", "a registered data set", "of all", "by output"),
    *("cosine_decay", "exponential_decay", "piecewise_constant", "polynomial"),
    *("a published model", "a pending model", "a trained model", "a model file"),
}


def _mistake(where: str, entry: Any, model: type[BaseModel]) -> Mistake:
    kind, given, context = entry["type"], entry["input"], entry.get("ctx", {})
    expected = str(entry["msg"])
    if kind == "missing":
        return Mistake(where, None, "a value")
    if kind == "union_tag_not_found":
        return Mistake(f"{where}.type", None, "a value")
    if kind == "extra_forbidden":
        return Mistake(where, given, _known_fields(entry["loc"], model))
    if kind == "literal_error":
        choices = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        return unknown_choice(where, given, choices)
    if kind == "union_tag_invalid":
        choices = str(context["expected_tags"]).replace("'", "").split(", ")
        return unknown_choice(f"{where}.type", context["tag"], choices)
    if kind == "value_error":
        expected = str(context["error"])
    elif kind in ("too_short", "too_long"):
        expected = _length(kind, context)
    elif kind == "string_pattern_mismatch":
        expected = _PATTERNS.get(where.partition("[")[0], f"text like {context['pattern']}")
    elif kind.startswith(("greater_than", "less_than")):
        expected = expected.removeprefix("Input should be ").replace("equal to", "at the limit of")
        expected = "a number " + _bound(kind, context)
    else:
        expected = expected.removeprefix("Input should be ")
    return Mistake(where, given, expected)


def _length(kind: str, context: dict[str, Any]) -> str:
    if kind == "too_short":
        return f"at least {context['min_length']} values"
    return f"at most {context['max_length']} values"


def _bound(kind: str, context: dict[str, Any]) -> str:
    words = {
        "greater_than": ("gt", "above"),
        "greater_than_equal": ("ge", "of at least"),
        "less_than": ("lt", "below"),
        "less_than_equal": ("le", "of at most"),
    }
    key, word = words[kind]
    return f"{word} {context[key]}"


_PATTERNS = {
    "owner": "1 to 64 characters without spaces and '/'",
    "name": "1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit",
    "model_name": "1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit",
    "alias": "1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit",
    "tags": "1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit",
}


def _known_fields(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Which fields would be known at this place, the nearest one last."""
    here = [model]
    for at, part in enumerate(location[:-1]):
        if part in _NESTED_TAGS:
            continue
        if len(here) > 1 and at == _tag_place(location):
            here = [branch for branch in here if branch.model_fields["type"].default == part]
        elif len(here) == 1 and part in here[0].model_fields:
            here = _models_in(here[0].model_fields[str(part)].annotation)
    names = sorted(here[0].model_fields)
    near = get_close_matches(str(location[-1]), names, 1)
    guess = f" (did you mean {near[0]!r}?)" if near else ""
    return f"no such field; known are {', '.join(names)}{guess}"


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The model classes that an annotation names: one, or the branches of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
