"""Where the files of a data set are: one file or a folder, with a test split or without.

Only plain files that lie below the folder are taken: a link that leaves it would publish what
nobody has meant to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fitq.data.source import LocalFile, end_of, unreadable
from fitq_shared.dataset_manifest import MOST_FILES
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.base import Split

SPLIT_FOLDERS = ("train", "test")


@dataclass(frozen=True)
class Place:
    """The files of one split, all below `root` (which is the file itself where there is one).

    `split` is None where nothing says which; `prefix` goes before their names in the data set.
    """

    root: Path
    files: tuple[Path, ...]
    split: Split | None = None
    prefix: str = ""

    def name(self, path: Path) -> str:
        """What a file is called in the data set."""
        inner = path.name if path == self.root else path.relative_to(self.root).as_posix()
        return f"{self.prefix}{inner}"


def find_places(path: Path, test: Path | None) -> tuple[Place, ...]:
    """The splits of what lies at `path`: its folders `train` and `test`, or it and `--test PATH`.

    Raises:
        InvalidInput: there is nothing, a link leaves its folder, or a name cannot be kept; names
            all of these.
    """
    mistakes: list[Mistake] = []
    places = [_place(*found, mistakes) for found in _roots(path, test)]
    for place in places:
        if not place.files and not mistakes:
            mistakes.append(Mistake("PATH", end_of(place.root), "a folder with files in it"))
        mistakes += _name_mistakes(place)
    if mistakes:
        raise InvalidInput(mistakes)
    return tuple(places)


def files_of(places: Sequence[Place]) -> list[LocalFile]:
    """The files of all splits, as they are now.

    Raises:
        OSError: one cannot be looked at.
    """
    return [
        LocalFile.of(path, place.name(path), place.split)
        for place in places
        for path in place.files
    ]


def _roots(path: Path, test: Path | None) -> list[tuple[str, Path, Split | None]]:
    try:
        inside = {p.name for p in path.iterdir() if p.is_dir()} if path.is_dir() else set()
    except OSError as error:
        raise unreadable("PATH", path, error) from None
    if "train" in inside and inside <= {*SPLIT_FOLDERS}:
        if test is not None:
            expected = "nothing, since PATH has a folder train: put it there as test"
            raise InvalidInput([Mistake("--test", end_of(test), expected)])
        roots: list[tuple[str, Path, Split | None]] = [("PATH", path / "train", "train")]
        return roots + ([("PATH", path / "test", "test")] if "test" in inside else [])
    if test is not None:
        return [("PATH", path, "train"), ("--test", test, "test")]
    return [("PATH", path, None)]


def _place(option: str, root: Path, split: Split | None, mistakes: list[Mistake]) -> Place:
    prefix = f"{split}/" if split else ""
    try:
        if not root.is_dir():
            root.stat()
            return Place(root, (root,), split, prefix)
        files = tuple(sorted(_below(root, root.resolve(), mistakes)))
    except (OSError, ValueError) as error:
        raise unreadable(option, root, error) from None
    if len(files) > MOST_FILES:
        expected = f"at most {MOST_FILES:,} files; pack them as .npz or Parquet"
        mistakes.append(Mistake(option, end_of(root), expected))
    return Place(root, files, split, prefix)


def _below(folder: Path, root: Path, mistakes: list[Mistake]) -> Iterator[Path]:
    """The files in a folder and those below; hidden ones are none of the data."""
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            expected = "files of the folder itself; it is a link to what lies elsewhere"
            mistakes.append(Mistake("PATH", end_of(path), expected))
        elif path.is_dir():
            if path.is_symlink():
                expected = "folders without links among them, which could go round in a circle"
                mistakes.append(Mistake("PATH", end_of(path), expected))
            else:
                yield from _below(path, root, mistakes)
        elif path.is_file():
            yield path
        else:
            mistakes.append(
                Mistake("PATH", end_of(path), "plain files; it is none, or a broken link")
            )


def _name_mistakes(place: Place) -> Iterator[Mistake]:
    for path in place.files:
        name = place.name(path)
        if not name.isprintable() or "\\" in name or len(name) > 1000 or ":" in name.split("/")[0]:
            expected = "a name without '\\', hidden characters, or a drive, that is not too long"
            yield Mistake("PATH", end_of(path), expected)
