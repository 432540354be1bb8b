"""Folders of images or texts: a folder for each class, with its files in it.

Files are looked at as far as their kind goes; to decode each image is the worker's part.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fitq.data.image_magic import broken
from fitq.data.places import Place
from fitq.data.source import Cases, LocalFile, Source, end_of, listed
from fitq_shared.dataset_manifest import MOST_CLASSES, Column
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.texts import shown

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp"})
TEXT_SUFFIXES = frozenset({".txt"})
Progress = Callable[[int], None]
Kind = Literal["images", "texts"]


def look_through(
    places: Sequence[Place],
    kind: Kind,
    progress: Progress,
    channels: int | None = None,
) -> Source:
    """Look at each file of each class.

    Args:
        progress: told how many bytes were read since it was last told.
        channels: into which images are to be decoded; None: three.

    Raises:
        InvalidInput: names every mistake: folders without classes, classes without files, files
            outside of a class, and those that are broken.
    """
    mistakes: list[Mistake] = []
    others = Cases()
    folders = [_look_at(place, kind, others, mistakes) for place in places]
    classes = sorted(folders[0].classes)
    mistakes += _class_mistakes(folders, classes)
    mistakes += _broken(kind, folders, progress)
    if mistakes:
        raise InvalidInput(mistakes)
    numbers = {name: number for number, name in enumerate(classes)}
    files = tuple(
        LocalFile.of(path, of.place.name(path), of.place.split, numbers[label])
        for of in folders
        for label, path in of.files
    )
    return Source(
        kind,
        files,
        (_row(kind, channels), _target(classes)),
        rows=Counter(file.split or "train" for file in files),
        notes=(f"left out, since they are no {kind}: {others}",) if others.count else (),
    )


@dataclass(frozen=True)
class _Folder:
    """The folder of a split: its classes, those without files among them, and the files of each."""

    place: Place
    classes: set[str]
    files: Sequence[tuple[str, Path]]


def _look_at(place: Place, kind: Kind, others: Cases, mistakes: list[Mistake]) -> _Folder:
    """Sort a split's files by class; those of another kind are noted in `others`."""
    classes = _class_folders(place, mistakes)
    suffixes = IMAGE_SUFFIXES if kind == "images" else TEXT_SUFFIXES
    outside = Cases()
    files = []
    for path in place.files:
        inner = path.relative_to(place.root)
        if path.suffix.lower() not in suffixes:
            others.add(shown(inner.as_posix()))
        elif len(inner.parts) == 1:
            outside.add(shown(inner.name))
        else:
            files.append((inner.parts[0], path))
    if outside.count:
        expected = f"each file in the folder of its class, such as cats/1.png; not {outside}"
        mistakes.append(Mistake("PATH", end_of(place.root), expected))
    if empty := sorted(classes - {label for label, _ in files}):
        expected = f"{kind} in each class's folder; none in {listed(map(shown, empty))}"
        mistakes.append(Mistake("PATH", end_of(place.root), expected))
    return _Folder(place, classes, files)


def _class_folders(place: Place, mistakes: list[Mistake]) -> set[str]:
    """The names of the classes, those without files among them."""
    if not place.root.is_dir():
        mistakes.append(
            Mistake("PATH", end_of(place.root), "a folder with a folder for each class")
        )
        return set()
    names = {p.name for p in place.root.iterdir() if p.is_dir() and not p.name.startswith(".")}
    if not names:
        expected = "a folder for each class, with its files, such as cats/1.png"
        mistakes.append(Mistake("PATH", end_of(place.root), expected))
    return names


def _class_mistakes(folders: Sequence[_Folder], classes: Sequence[str]) -> list[Mistake]:
    root = end_of(folders[0].place.root)
    if len(classes) == 1:
        found = f"folders of at least two classes; there is only {shown(classes[0])}"
        return [Mistake("PATH", root, found)]
    if len(classes) > MOST_CLASSES:
        return [Mistake("PATH", root, f"at most {MOST_CLASSES:,} classes; found {len(classes):,}")]
    return [
        Mistake(
            "--test" if of.place.split else "PATH",
            end_of(of.place.root),
            f"only classes that the training split has; not {listed(map(shown, more))}",
        )
        for of in folders[1:]
        if (more := sorted(of.classes - {*classes}))
    ]


def _broken(kind: Kind, folders: Sequence[_Folder], progress: Progress) -> list[Mistake]:
    """A mistake for each reason why files are of no use, with the first of them."""
    reasons: dict[str, Cases] = defaultdict(Cases)
    paths = [(of.place, path) for of in folders for _, path in of.files]
    for place, path in paths:
        try:
            reason = broken(path) if kind == "images" else _no_text(path)
            progress(path.stat().st_size)
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            reasons[reason].add(shown(place.name(path), 100))
    return [
        Mistake("PATH", end_of(paths[0][0].root), f"{kind} that can be read; {found}: {reason}")
        for reason, found in reasons.items()
    ]


def _row(kind: Kind, channels: int | None) -> Column:
    if kind == "texts":
        return Column(name="text", type="text")
    return Column(name="image", type="image", shape=(channels,) if channels else None)


def _target(classes: Sequence[str]) -> Column:
    return Column(name="class", type="category", role="target", classes=tuple(classes))


def _no_text(path: Path) -> str:
    try:
        path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return "not UTF-8; save it as UTF-8"
    return ""
