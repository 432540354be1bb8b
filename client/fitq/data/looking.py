"""From a path to what is there: which form the data has, and its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from fitq.data import array_source, code_source, csv_source, folder_source, parquet_source
from fitq.data.places import Place, find_places
from fitq.data.source import Declared, Source, end_of, unreadable
from fitq_shared.dataset_manifest import Column, Format
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.mistakes import from_validation

_FORMS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".npz": "npz",
    ".npy": "npy",
    ".parquet": "parquet",
    ".pq": "parquet",
    **dict.fromkeys(folder_source.IMAGE_SUFFIXES, "images"),
    **dict.fromkeys(folder_source.TEXT_SUFFIXES, "texts"),
}
EXPECTED = (
    "a .csv, .tsv, .parquet, .npz or .npy file, a folder with a folder of images or .txt files "
    "for each class, or FILE.py:FUNCTION"
)


def look_through(path: str, declared: Declared, progress: Callable[[int], None]) -> Source:
    """Look through what is to be registered.

    Args:
        progress: told how many bytes were read since it was last told.

    Raises:
        InvalidInput: names every mistake.
    """
    file, separator, function = path.rpartition(":")
    if separator and file.endswith(".py"):
        _refuse(declared, "code")
        return code_source.look_through(Path(file), function, declared)
    if path.endswith(".py"):
        raise InvalidInput([Mistake("PATH", path, "FILE.py:FUNCTION, with the function's name")])
    places = find_places(Path(path), declared.test)
    form = _form(path, places)
    _refuse(declared, form)
    try:
        return _look(form, places, declared, progress)
    except OSError as error:
        raise unreadable("PATH", Path(path), error) from None
    except ValidationError as error:  # a name or a class that is too long, or hides something
        raise InvalidInput(from_validation(error, Column)) from None


def _look(
    form: Format, places: tuple[Place, ...], declared: Declared, progress: Callable[[int], None]
) -> Source:
    if form == "csv":
        return csv_source.look_through(places, declared, progress)
    if form == "parquet":
        return parquet_source.look_through(places, declared)
    if form == "images":
        return folder_source.look_through(places, "images", progress, declared.channels)
    if form == "texts":
        return folder_source.look_through(places, "texts", progress)
    return array_source.look_through(places, declared)


def _form(path: str, places: tuple[Place, ...]) -> Format:
    """The form of all files; of a folder of images or texts, that of most.

    Raises:
        InvalidInput: there is none that is known, or there are several.
    """
    files = [file for place in places for file in place.files]
    counts = Counter(_FORMS[s] for file in files if (s := file.suffix.lower()) in _FORMS)
    if not counts:
        raise InvalidInput([Mistake("PATH", path, EXPECTED)])
    [(form, _)] = counts.most_common(1)
    if form in ("images", "texts"):
        return form
    others = [str(file) for file in files if _FORMS.get(file.suffix.lower()) != form]
    if others:
        raise InvalidInput(
            [
                Mistake("PATH", end_of(other), f"nothing but {form} beside {form}")
                for other in others[:5]
            ]
        )
    return form


def _refuse(declared: Declared, form: Format) -> None:
    """Refuse what makes no sense for this form of data.

    Raises:
        InvalidInput: names each such option.
    """
    table = form in ("csv", "parquet")
    fields = table or form in ("npz", "npy")
    allowed = {
        "--target": fields,
        "--input": fields,
        "--type": fields,
        "--missing": form == "csv",
        "--may-miss": fields,
        "--separator": form == "csv",
        "--channels": form == "images",
        "--option": form == "code",
        "--test": form != "code",
    }
    given: dict[str, object] = {
        "--target": declared.targets,
        "--input": declared.inputs,
        "--type": declared.types,
        "--missing": declared.missing,
        "--may-miss": declared.may_miss,
        "--separator": declared.separator,
        "--channels": declared.channels,
        "--option": declared.options,
        "--test": declared.test,
    }
    wrong = [
        Mistake(option, _plain(value), f"nothing, since the data is {form}")
        for option, value in given.items()
        if value and not allowed[option]
    ]
    if wrong:
        raise InvalidInput(wrong)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple | dict) else str(value)
