"""A model of the user's own, given by a file: what the spec says of it, and what to upload."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from fitq.code_files import is_code, user_code
from fitq.drafts import complete
from fitq.uploads import Upload, of_file
from fitq_shared.archives import kind_of
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.model_files import LARGEST_CONFIG, check_json, check_model, is_compiled
from fitq_shared.settings import Settings
from fitq_shared.specs.base import JobSpec
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.specs.models import MODELS

OWN = ("json", "keras", "code")
# Other files that people have models in; what they are is told better than "no such model".
OTHER_SUFFIXES = frozenset(
    {".h5", ".hdf5", ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".onnx", ".pb"}
)
_FORMS = "a model of fitq's (fitq models zoo), net.py:build, model.keras or model.json"
# Stand for a model that is wrong itself while the rest of a job is looked at.
_ANY_NAME = "mlp"
_ANY_FILE = {
    "type": "json",
    "file": {"path": f"inputs/{'0' * 64}.json", "sha256": "0" * 64, "file": "model.json"},
}


def complete_with_files(
    values: Mapping[str, Any], settings: Settings, folder: Path
) -> tuple[JobSpec, list[Upload]]:
    """As `complete`, with the files that the job names.

    Args:
        folder: what paths in the job are relative to.

    Raises:
        InvalidInput: names every mistake at once, those of the files included.
    """
    try:
        model, uploads = own_model(values.get("model"), folder)
    except InvalidInput as error:
        raise _with_the_rest(error, values, settings) from None
    return complete({**values, "model": model}, settings), uploads


def own_model(given: Any, folder: Path, later: Collection[str] = ()) -> tuple[Any, list[Upload]]:
    """The model of a job as a spec has it, and the files that it comes from.

    What names no file is left as it is.

    Args:
        given: a name, a path, or a table with the one or the other as its `type` beside options.
        folder: what a path is relative to.
        later: options of a builder that it will have, if not yet.

    Raises:
        InvalidInput: a file that is none of a model, or code that cannot be sent.
    """
    values = dict(given) if isinstance(given, Mapping) else {"type": given}
    name = values.pop("type", None)
    if not isinstance(name, str) or name in MODELS or name in OWN:
        return given, []
    if is_code(name):
        code, upload = user_code(name, values, folder, "model", later)
        return {"type": "code", **code}, [upload]
    path = folder / Path(name).expanduser()
    if path.suffix == ".keras":
        return _keras_file(path, values)
    if path.suffix == ".json":
        return _json_file(path, values)
    if path.suffix.lower() in OTHER_SUFFIXES or "/" in name or "\\" in name:
        raise InvalidInput([Mistake("model", name, f"{_FORMS}{_found(path)}")])
    choices = unknown_choice("model", name, MODELS).expected
    raise InvalidInput(
        [Mistake("model", name, f"{choices}; or a file: net.py:build, model.keras or model.json")]
    )


def _keras_file(path: Path, options: dict[str, Any]) -> tuple[dict[str, Any], list[Upload]]:
    upload = of_file(path, "model", ".keras")
    with path.open("rb") as file:
        check_model(file, str(path))
        has_state = is_compiled(file)
    compiled = options.pop("compiled", has_state)
    _no_options(options, "a .keras file", "compiled")
    if compiled and not has_state:
        expected = f"false: {path.name} was saved without a loss, an optimizer and metrics"
        raise InvalidInput([Mistake("--option compiled", compiled, expected)])
    return {"type": "keras", "file": upload.values, "compiled": compiled}, [upload]


def _json_file(path: Path, options: dict[str, Any]) -> tuple[dict[str, Any], list[Upload]]:
    upload = of_file(path, "model", ".json")
    with path.open("rb") as file:
        check_json(file.read(LARGEST_CONFIG + 1), str(path))
    _no_options(options, "a JSON configuration")
    return {"type": "json", "file": upload.values}, [upload]


def _no_options(options: Mapping[str, Any], what: str, *known: str) -> None:
    expected = f"no option: {what} takes {known[0] if known else 'none'}"
    if wrong := [Mistake(f"--option {name}", options[name], expected) for name in options]:
        raise InvalidInput(wrong)


def _found(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        kind = kind_of(file.read(8))
    return f"; this is {kind}" if kind else ""


def _with_the_rest(
    error: InvalidInput, values: Mapping[str, Any], settings: Settings
) -> InvalidInput:
    """The mistake in the model, and all others of the job."""
    model = values.get("model")
    name = str(model.get("type") if isinstance(model, Mapping) else model)
    stand_in = _ANY_FILE if is_code(name) or Path(name).suffix else _ANY_NAME
    try:
        complete({**values, "model": stand_in}, settings)
    except InvalidInput as others:
        return InvalidInput([*error.mistakes, *others.mistakes], error.hint or others.hint)
    return error
