"""Folders of images or texts: a folder for each class, with its files in it.

Files are looked at as far as their kind goes; to decode each image is the worker's part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from fitq.data.image_magic import broken
from fitq.data.places import Place
from fitq.data.source import Cases, LocalFile, Source, end_of, listed
from fitq_shared.dataset_manifest import MOST_CLASSES, Column
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.base import Split
from fitq_shared.texts import shown

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp"})
TEXT_SUFFIXES = frozenset({".txt"})
Progress = Callable[[int], None]


def look_through(
    places: Sequence[Place],
    kind: Literal["images", "texts"],
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
    suffixes = IMAGE_SUFFIXES if kind == "images" else TEXT_SUFFIXES
    mistakes: list[Mistake] = []
    others = Cases()
    found: list[tuple[Split | None, str, Path, Place]] = []
    names: dict[Split | None, set[str]] = {}
    for place in places:
        names[place.split] = _class_folders(place, mistakes)
        outside = Cases()
        for path in place.files:
            inner = path.relative_to(place.root)
            if path.suffix.lower() not in suffixes:
                others.add(shown(inner.as_posix()))
            elif len(inner.parts) == 1:
                outside.add(shown(inner.name))
            else:
                found.append((place.split, inner.parts[0], path, place))
        if outside.count:
            expected = f"each file in the folder of its class, such as cats/1.png; not {outside}"
            mistakes.append(Mistake("PATH", end_of(place.root), expected))
        counted = {label for split, label, _, of in found if of is place}
        if empty := sorted(names[place.split] - counted):
            expected = f"{kind} in each class's folder; none in {listed(map(shown, empty))}"
            mistakes.append(Mistake("PATH", end_of(place.root), expected))
    classes = sorted(names[places[0].split])
    mistakes += _class_mistakes(places, classes, names)
    mistakes += _broken(kind, [(place, path) for _, _, path, place in found], progress)
    if mistakes:
        raise InvalidInput(mistakes)
    numbers = {name: number for number, name in enumerate(classes)}
    files = tuple(
        LocalFile.of(path, place.name(path), split, numbers[label])
        for split, label, path, place in found
    )
    rows: dict[Split, int] = defaultdict(int)
    for file in files:
        rows[file.split or "train"] += 1
    row = (
        Column(name="image", type="image", shape=(channels,) if channels else None)
        if kind == "images"
        else Column(name="text", type="text")
    )
    return Source(
        kind,
        files,
        (
            row,
            Column(name="class", type="category", role="target", classes=tuple(classes)),
        ),
        rows=rows,
        notes=(f"left out, since they are no {kind}: {others}",) if others.count else (),
    )


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


def _class_mistakes(
    places: Sequence[Place], classes: Sequence[str], names: dict[Split | None, set[str]]
) -> list[Mistake]:
    root = end_of(places[0].root)
    if len(classes) == 1:
        found = f"folders of at least two classes; there is only {shown(classes[0])}"
        return [Mistake("PATH", root, found)]
    if len(classes) > MOST_CLASSES:
        return [Mistake("PATH", root, f"at most {MOST_CLASSES:,} classes; found {len(classes):,}")]
    return [
        Mistake(
            "--test" if place.split else "PATH",
            end_of(place.root),
            f"only classes that the training split has; not {listed(map(shown, more))}",
        )
        for place in places[1:]
        if (more := sorted(names[place.split] - {*classes}))
    ]


def _broken(
    kind: Literal["images", "texts"], paths: Sequence[tuple[Place, Path]], progress: Progress
) -> list[Mistake]:
    """A mistake for each reason why files are of no use, with the first of them."""
    reasons: dict[str, Cases] = defaultdict(Cases)
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


def _no_text(path: Path) -> str:
    try:
        path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return "not UTF-8; save it as UTF-8"
    return ""
