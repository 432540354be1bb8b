"""Code of users' own: imported under its own names for one job, and gone after it.

A bundle's modules come before all others of their names while it is open, and nothing of them
stays in the process: the next job may bring another version of them. This hides nothing from the
code, which may do whatever the worker may: hence `--allow-code` (see docs/security.md).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import logging
import os
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import keras

from fitq_shared import code_bundle
from fitq_shared.archives import BadArchive
from fitq_shared.dataset_manifest import CodeSource
from fitq_shared.errors import BadJob
from fitq_shared.texts import printable, shown
from fitq_worker.input_files import read_input
from fitq_worker.own_errors import FOLDER, missing_option, own_errors
from fitq_worker.time_limit import TimeLimit

if TYPE_CHECKING:
    from fitq_shared.specs.code import UserCode
    from fitq_shared.store import Store
    from fitq_worker.reporter import Reporter

log = logging.getLogger("fitq.job")


class OwnCode(contextlib.AbstractContextManager["OwnCode"]):
    """The function that a job names, with its modules importable within the `with` block.

    Args:
        content: the bundle, where it is a data set's; None: it is the file that the code names.
        allowed: whether this worker runs code of users' own.

    Raises:
        BadJob: from every method: the worker does not allow code, the bundle is none, a module has
            the name of one that is installed here, or the user's code fails; in the user's words.
        StoreError: the bundle in the store is not the one that was submitted.
    """

    def __init__(
        self,
        store: Store,
        code: UserCode | CodeSource,
        reporter: Reporter,
        *,
        allowed: bool,
        content: bytes = b"",
    ) -> None:
        self.code = code
        self._content = content
        self._store = store
        self._reporter = reporter
        self._allowed = allowed
        self._open = contextlib.ExitStack()

    def __enter__(self) -> OwnCode:
        """Unpack the bundle. Its modules are imported when they are asked for."""
        if not self._allowed:
            raise BadJob(
                f"{self.name} is code of your own, and this worker does not allow that",
                "start a worker with `fitq-worker --allow-code`",
            )
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=FOLDER)))
            names = self._unpack(folder)
            stack.enter_context(_modules(folder, names))
            stack.enter_context(_keras_as_it_was())
            stack.enter_context(contextlib.redirect_stdout(_ToLog()))
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove all of it again: modules, registered classes, files."""
        self._open.close()

    @property
    def name(self) -> str:
        """What the user calls it: net.py:build."""
        return f"{self.code.module.replace('.', '/')}.py:{self.code.function}"

    def module(self) -> ModuleType:
        """The module of the function, imported."""
        with self.running():
            return importlib.import_module(self.code.module)

    def function(self) -> Callable[..., Any]:
        """The function itself."""
        module = self.module()
        found = getattr(module, self.code.function, None)
        if not callable(found):
            known = [name for name, value in vars(module).items() if _is_own(value, module)]
            raise BadJob(
                f"{self.name}: there is no function {shown(self.code.function)}",
                f"its functions are {', '.join(known)}" if known else "define it in that file",
            )
        return found  # type: ignore[no-any-return]

    def call(self, *arguments: Any) -> Any:
        """What the function gives for the job's options."""
        function = self.function()
        if found := missing_option(function, self.name, arguments, self.code.options):
            raise found
        with self.running():
            return function(*arguments, **self.code.options)

    def items(self, source: Iterable[Any]) -> Iterator[Any]:
        """What a generator of the code gives, or anything that is gone through like one.

        Orders are obeyed between two items, too: where each comes quickly, no clock ever rings.
        """
        with self.running():
            iterator = iter(source)
        while True:
            self._reporter.obey()
            with self.running():
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the user's code within the block: not for ever, and its errors in their words."""
        with own_errors(), TimeLimit(self.name, self._reporter):
            yield

    def _bundle(self) -> bytes:
        if isinstance(self.code, CodeSource):
            return self._content
        return read_input(self._store, self.code.bundle)

    def _unpack(self, folder: Path) -> Sequence[str]:
        try:
            names = code_bundle.unpack(self._bundle(), folder)
        except BadArchive as error:
            raise BadJob(f"the code of {self.name} is no bundle: {error}") from error
        if clash := [name for name in names if _is_installed(name)]:
            raise BadJob(
                f"{clash[0]}, a module of {self.name}, has the name of a package that is "
                "installed on the worker",
                f"rename it, and its imports: my_{clash[0]}",
            )
        return names


class _Finder:
    """Finds the modules of one folder, before any others of their names."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = str(folder)
        self._names = frozenset(names)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Where the import system begins with a module; what is inside a package it finds alone."""
        if path is not None or name not in self._names:
            return None
        return importlib.machinery.PathFinder.find_spec(name, [self._folder], target)


@contextlib.contextmanager
def _modules(folder: Path, names: Sequence[str]) -> Iterator[None]:
    """Let these names mean the modules of the folder. Afterwards all is as it was before.

    Modules of the same names that another bundle brought are back then, too.
    """
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if _top(name) in names}
    path, current, environ = list(sys.path), Path.cwd(), dict(os.environ)
    finder = _Finder(folder, names)
    sys.meta_path.insert(0, finder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _top(name) in names]:
            del sys.modules[name]
        sys.modules.update(hidden)
        sys.path[:] = path
        sys.path_importer_cache.pop(str(folder), None)
        os.chdir(current)
        _set_environ(environ)


def _set_environ(before: Mapping[str, str]) -> None:
    """Take back what was changed, and touch nothing else: other threads may be reading."""
    for name in [name for name in os.environ if name not in before]:
        del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


@contextlib.contextmanager
def _keras_as_it_was() -> Iterator[None]:
    """Undo what code changes for all models of this process: registered classes, and settings."""
    objects = keras.saving.get_custom_objects()
    registered = dict(objects)
    floatx, epsilon = keras.config.floatx(), keras.config.epsilon()
    layout, policy = keras.config.image_data_format(), keras.config.dtype_policy()
    try:
        yield
    finally:
        objects.clear()
        objects.update(registered)
        keras.config.set_floatx(floatx)
        keras.config.set_epsilon(epsilon)
        keras.config.set_image_data_format(layout)
        keras.config.set_dtype_policy(policy)


class _ToLog:
    """What code prints, as lines of the job's log."""

    def __init__(self) -> None:
        self._line = ""

    def write(self, text: str) -> int:
        """Log each line that is whole."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            log.info("%s", printable(line, 1000))
        return len(text)

    def flush(self) -> None:
        """Log what there is of a line."""
        if self._line:
            self.write("\n")


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_installed(name: str) -> bool:
    """Whether the worker, or a library of its, has a module of this name.

    What lies in the folder where the worker was started does not count: nobody here imports it.
    Nor does a loaded module without a file: that is a mere folder of such a name.
    """
    if name in sys.stdlib_module_names or name in code_bundle.TAKEN:
        return True
    if file := getattr(sys.modules.get(name), "__file__", None):
        return FOLDER not in str(file)
    places = [sysconfig.get_path(kind) for kind in ("purelib", "platlib")]
    return importlib.machinery.PathFinder.find_spec(name, places) is not None


def _is_own(value: object, module: ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", None) == module.__name__
