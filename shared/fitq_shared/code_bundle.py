"""Code of a user's own: a file and the modules beside it that it imports, as one tar.

Which modules these are is read from the files' import statements, wherever in a file they stand;
nothing is run. A module belongs to the bundle if its file lies below the folder of the first file
(if that one is a part of a package and says so by `from . import …`: below the package's folder).
Python's own modules and installed packages do not travel: the worker has them, or says so.

The same files make the same tar, byte for byte, so its SHA-256 is the code's version.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fitq_shared.archives import BadArchive, kind_of
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.texts import printable, shown

MOST_FILES = 500
LARGEST_BUNDLE = 8 * 2**20
PACKAGE = "__init__"
# Installed wherever jobs run: a file of such a name could not be told from the package.
TAKEN = frozenset(
    {"celery", "fitq", "fitq_shared", "fitq_worker", "h5py", "keras", "numpy", "tensorflow"}
)
_MEMBER = re.compile(r"[\w-]+(/[\w-]+)*\.py")


@dataclass(frozen=True)
class CodeBundle:
    """The content of the tar, the name to import the first file by, and the files in it."""

    content: bytes
    module: str
    files: tuple[str, ...]


def pack(main: Path, where: str = "--model") -> CodeBundle:
    """Bundle a file and the local modules that it imports.

    Args:
        where: what named the file, for messages.

    Raises:
        InvalidInput: a file cannot be read or is no Python, has the name of a module of Python's
            own, or there are too many.
    """
    main = main.absolute()
    root = _root(main, where)
    name = main.relative_to(root).as_posix()
    return seal(gather(root, {name: None}, where), name, where)


def gather(root: Path, first: Mapping[str, bytes | None], where: str) -> dict[str, bytes]:
    """Some files, and the local modules that they import, by their names from a folder.

    Args:
        root: from which they are imported.
        first: what they hold, by their names; None for files that lie there.
        where: what named them, for messages.

    Raises:
        InvalidInput: as `pack`.
    """
    files: dict[str, bytes] = {}
    waiting = [*first.items()]
    while waiting:
        name, content = waiting.pop()
        if name in files:
            continue
        path = root / name
        files[name] = _read(path, where) if content is None else content
        _check_name(name, where)
        if len(files) > MOST_FILES:
            expected = f"a file that imports at most {MOST_FILES} others"
            raise InvalidInput(
                [Mistake(where, str(root / next(iter(first))), expected)],
                "move it to a folder that has only what the model needs",
            )
        for module in _imports(files[name], name, path, where):
            found = [path.relative_to(root).as_posix() for path in _files_of(root, module)]
            waiting += dict.fromkeys(found).items()
    return files


def seal(files: Mapping[str, bytes], main: str, where: str) -> CodeBundle:
    """A bundle of these files, of which `main` is imported first.

    Raises:
        InvalidInput: they are too large.
    """
    files = dict(files)
    for folder in {parent for name in files for parent in PurePosixPath(name).parents}:
        # A folder without one is a package in Python, but one that any other folder may add to.
        if folder.name:
            files.setdefault(f"{folder}/{PACKAGE}.py", b"")
    content = _tar(files)
    if len(content) > LARGEST_BUNDLE:
        size = f"{LARGEST_BUNDLE // 2**20} MiB of code at most, with all that it imports"
        raise InvalidInput([Mistake(where, main, size)], "leave data out of the modules")
    module = main.removesuffix(".py").removesuffix(f"/{PACKAGE}").replace("/", ".")
    return CodeBundle(content, module, tuple(sorted(files)))


def unpack(content: bytes, folder: Path) -> tuple[str, ...]:
    """Write the files of a bundle into an empty folder.

    Returns:
        The names that its modules and packages are imported by, the first parts alone.

    Raises:
        BadArchive: it is none that `pack` makes; nothing was written.
    """
    files = read_bundle(content)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return tuple(sorted({name.partition("/")[0].removesuffix(".py") for name in files}))


def read_bundle(content: bytes) -> dict[str, bytes]:
    """The files of a bundle by their names.

    Raises:
        BadArchive: it is none that `pack` makes.
    """
    if len(content) > LARGEST_BUNDLE:
        raise BadArchive(f"it has {len(content)} bytes: at most {LARGEST_BUNDLE} are read")
    if kind := kind_of(content[:8]):
        raise BadArchive(f"it is {kind}, and no tar")
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                _check_member(member, files)
                inside = archive.extractfile(member)
                files[member.name] = b"" if inside is None else inside.read()
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise BadArchive(f"it is damaged: {printable(str(error), 100)}") from error
    if not files:
        raise BadArchive("there is no file in it")
    if _tar(files) != content:
        raise BadArchive("it is not as fitq packs code")
    return files


def _check_member(member: tarfile.TarInfo, before: Mapping[str, bytes]) -> None:
    name = shown(member.name)
    if not member.isreg() or member.issparse():
        raise BadArchive(f"its member {name} is no plain file")
    if _MEMBER.fullmatch(member.name) is None or len(member.name) > 255:
        raise BadArchive(f"its member {name} is no module of Python")
    if member.name in before:
        raise BadArchive(f"two of its members are named {name}")
    if len(before) >= 2 * MOST_FILES:
        raise BadArchive(f"it has more than {2 * MOST_FILES} members")


def _tar(files: Mapping[str, bytes]) -> bytes:
    """Nothing but names and contents: no owner, no time, no order of a folder."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            archive.addfile(member, io.BytesIO(files[name]))
    return content.getvalue()


def _root(main: Path, where: str) -> Path:
    """The folder from which the file and those beside it are imported."""
    folder = main.parent
    tree = _parse(_read(main, where), main, where)
    relative = any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))
    if not relative and main.stem != PACKAGE:
        return folder
    while (folder / f"{PACKAGE}.py").is_file() and folder != folder.parent:
        folder = folder.parent
    return folder


def _read(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(
            [Mistake(where, str(path), f"a file of Python that can be read ({reason})")]
        ) from None


def _parse(content: bytes, path: Path, where: str) -> ast.Module:
    try:
        return ast.parse(content)
    except SyntaxError as error:
        version = ".".join(map(str, sys.version_info[:2]))
        line = f", line {error.lineno}" if error.lineno else ""
        expected = f"valid Python: {path.name}{line}: {error.msg} (read by Python {version})"
    except (ValueError, RecursionError) as error:
        expected = f"valid Python: {path.name}: {printable(str(error), 100)}"
    raise InvalidInput([Mistake(where, str(path), expected)])


def _check_name(name: str, where: str) -> None:
    top = name.partition("/")[0].removesuffix(".py")
    if _MEMBER.fullmatch(name) is None:
        expected = "modules named by letters, digits, '_' and '-'"
        raise InvalidInput([Mistake(where, name, expected)], f"rename {name}")
    what = "Python's own module" if top in sys.stdlib_module_names else "the installed package"
    if is_taken(top):
        expected = f"no file with the name of {what} {top}, which it would hide"
        raise InvalidInput(
            [Mistake(where, name, expected)], f"rename it, and its imports: my_{top}.py"
        )


def _imports(content: bytes, name: str, path: Path, where: str) -> Iterator[str]:
    """The modules that a file imports, by their whole names; functions among them do no harm."""
    package = name.split("/")[:-1]
    for node in ast.walk(_parse(content, path, where)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            if module:
                yield module
            yield from (f"{module}.{alias.name}".lstrip(".") for alias in node.names)


def _files_of(root: Path, module: str) -> list[Path]:
    """The file of a module and those of the packages around it; none where it is not local."""
    found: list[Path] = []
    folder = root
    parts = module.split(".")
    for at, part in enumerate(parts):
        file, package = folder / f"{part}.py", folder / part / f"{PACKAGE}.py"
        if package.is_file():
            found.append(package)
        elif file.is_file():
            return [*found, file]
        elif not (folder / part).is_dir() or (at == 0 and is_taken(part)):
            return found
        folder = folder / part
    return found


def is_taken(name: str) -> bool:
    """Whether an installed module of this name comes before a mere folder."""
    return name in sys.stdlib_module_names or name in TAKEN
