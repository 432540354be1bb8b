"""Code of users' own: imported under its own names, run in its own words, and gone afterwards."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import pytest

from fitq_shared.errors import BadJob, InvalidInput, StoreError
from fitq_shared.store import Store
from fitq_worker.own_code import OwnCode
from fitq_worker.reporter import StopJob
from support.code import user_code, write_files


class Orders:
    """A reporter that gives an order once it has been asked so often."""

    def __init__(self, at: int | None = None) -> None:
        self._at = at
        self.asked = 0

    def obey(self) -> None:
        self.asked += 1
        if self.asked == self._at:
            raise StopJob("cancel")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "volume").mkdir()
    return Store(str(tmp_path / "volume"))


@pytest.fixture
def own(store: Store, tmp_path: Path) -> Callable[..., OwnCode]:
    """Code of these files; `build` of the first one, with these options."""

    def make(
        options: dict[str, Any] | None = None,
        *,
        function: str = "build",
        allowed: bool = True,
        reporter: Any = None,
        folder: str = "home",
        **files: str,
    ) -> OwnCode:
        main = write_files(tmp_path / folder, **files)
        code = user_code(store, main, function, **(options or {}))
        return OwnCode(store, code, reporter or Orders(), allowed=allowed)

    return make


def failure(code: OwnCode) -> BadJob:
    with pytest.raises(BadJob) as caught, code:
        code.call()
    return caught.value


@pytest.mark.parametrize("name", ["shared", "client", "worker", "net", "data", "utils", "models"])
def test_a_module_of_any_name_is_the_users(
    own: Callable[..., OwnCode], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a user's module of this name, and a worker that was started beside such folders
    for folder in ("shared", "client", "worker"):
        (tmp_path / "repository" / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repository")
    monkeypatch.syspath_prepend(str(tmp_path / "repository"))
    source = f"import {name}\ndef build(): return {name}.WORD"
    # And a folder of its name that was imported as one, as pytest does with its own
    folder = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, folder)
    # When it is imported
    with own(main_file=source, **{name: "WORD = 'mine'"}) as code:
        # Then it is the user's
        assert code.call() == "mine"
    # And nothing of it stays
    assert "main_file" not in sys.modules
    assert sys.modules[name] is folder


@pytest.mark.parametrize("name", ["shared", "client", "worker"])
def test_a_package_of_such_a_name_is_the_users_too(own: Callable[..., OwnCode], name: str) -> None:
    files = {f"{name}/deep/words": "WORD = 'mine'"}
    source = f"def build():\n    from {name}.deep import words\n    return words.WORD"
    before = {**sys.modules}
    with own(main_file=source, **files) as code:
        assert code.call() == "mine"
    for module in {one for one in sys.modules if one.partition(".")[0] == name}:
        assert sys.modules[module] is before.get(module)


def test_the_next_job_sees_its_own_version(own: Callable[..., OwnCode]) -> None:
    # Given two versions of one file and of what it imports
    main = "import helper\ndef build(): return helper.VERSION"
    for version in (1, 2):
        # When each runs in the same process
        with own(net=main, helper=f"VERSION = {version}", folder=f"home-{version}") as code:
            # Then it is that version
            assert code.call() == version


def test_one_within_another_comes_back(own: Callable[..., OwnCode]) -> None:
    # Given data by code, made while a model's code with modules of the same names is open
    outer = own(
        net="import helper\ndef build():\n    import helper\n    return helper.A", helper="A = 1"
    )
    with outer:
        assert outer.call() == 1
        with own(
            net="import helper\ndef build(): return helper.A", helper="A = 2", folder="b"
        ) as inner:
            assert inner.call() == 2
        # Then the model's are there again
        assert outer.call() == 1
        assert sys.modules["helper"].A == 1


def test_the_process_is_as_before(own: Callable[..., OwnCode]) -> None:
    source = """
        import os, sys, keras
        sys.path.insert(0, "/nowhere")
        os.chdir("/")
        os.environ["ONE_JOB_S"] = "1"
        del os.environ["PATH"]
        keras.config.set_dtype_policy("float64")

        @keras.saving.register_keras_serializable("mine")
        class Own(keras.layers.Layer):
            pass

        def build(): return keras.saving.get_registered_object("mine>Own")
        """
    before = list(sys.path), Path.cwd(), keras.config.dtype_policy().name, list(sys.meta_path)
    environ = dict(os.environ)
    with own(net=source) as code:
        assert code.call().__name__ == "Own"
    assert keras.saving.get_registered_object("mine>Own") is None
    assert dict(os.environ) == environ
    after = list(sys.path), Path.cwd(), keras.config.dtype_policy().name, list(sys.meta_path)
    assert after == before


def test_an_error_is_told_by_the_users_line(
    own: Callable[..., OwnCode], caplog: pytest.LogCaptureFixture
) -> None:
    source = """
        from layers import deep

        def build(units=3):
            return deep(units)
        """
    deep = "def deep(units):\n    raise ValueError(f'units must be even, not {units}')\n"
    error = failure(own(net=source, layers=deep))
    # Then the message has the innermost line that is the user's, and the user's words
    assert error.message == "layers.py line 2, in deep: ValueError: units must be even, not 3"
    # And the log has the user's lines, and no others
    assert 'File "net.py", line 5, in build' in caplog.text
    assert "own_code.py" not in caplog.text
    assert "/tmp" not in caplog.text


def test_a_layer_that_does_not_fit_is_told_by_the_users_line(own: Callable[..., OwnCode]) -> None:
    source = """
        import keras
        def build():
            image = keras.Input((28, 28))
            return keras.Model(image, keras.layers.Conv2D(4, 3, name="first")(image))
        """
    error = failure(own(net=source))
    assert error.message.startswith("net.py line 5, in build: ValueError: Input 0")
    assert "'first'" in error.message
    assert "(None, 28, 28)" in error.message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "import not_here_at_all\ndef build(): pass",
            "net.py line 1, in <module>: needs 'not_here_at_all'",
        ),
        (
            "def build():\n    import keras_extra.layers",
            "net.py line 2, in build: needs 'keras_extra'",
        ),
        ("def build(): raise SystemExit(3)", "ended the program (3)"),
        (
            "import keras\nkeras.layers.Dence(1)\ndef build(): pass",
            "net.py line 2, in <module>: AttributeError",
        ),
        ("def other(): pass", "there is no function 'build'"),
        ("build = 3", "there is no function 'build'"),
    ],
    ids=["missing package", "inside a function", "exit", "at import", "no function", "a number"],
)
def test_what_is_wrong_is_said(own: Callable[..., OwnCode], source: str, words: str) -> None:
    assert words in failure(own(net=source)).message


def test_a_missing_package_is_to_be_installed_on_the_workers(own: Callable[..., OwnCode]) -> None:
    error = failure(own(net="import keras_extra.layers\ndef build(): pass"))
    assert "install it on the workers (pip install keras_extra)" in error.hint


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"unitz": 3}, "net.py:build has no option 'unitz' (did you mean 'units'?)"),
        ({}, "missing a required argument: 'units'"),
    ],
)
def test_a_wrong_option_is_named(
    own: Callable[..., OwnCode], options: dict[str, Any], words: str
) -> None:
    error = failure(own(options, net="def build(units, *, dropout=0.5): pass"))
    assert words in error.message
    assert error.hint == "it takes units, dropout=0.5"


@pytest.mark.parametrize(
    "loop",
    [
        "while True: pass",
        "import time\n    while True: time.sleep(60)",
        "while True:\n        try:\n            while True: pass\n        except Exception: pass",
    ],
    ids=["busy", "asleep", "catches all"],
)
def test_code_that_runs_for_ever_is_ended(
    own: Callable[..., OwnCode], loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FITQ_BUILD_SECONDS", "1")
    error = failure(own(net=f"def build():\n    {loop}"))
    assert "net.py:build was not done after 1 s" in error.message
    assert "FITQ_BUILD_SECONDS" in error.message


def test_a_module_that_runs_for_ever_is_ended_too(
    own: Callable[..., OwnCode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FITQ_BUILD_SECONDS", "1")
    assert "was not done after 1 s" in failure(own(net="while True: pass\nbuild = print")).message


@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan"])
def test_a_limit_that_is_no_number_is_named(
    own: Callable[..., OwnCode], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("FITQ_BUILD_SECONDS", text)
    with pytest.raises(InvalidInput, match="FITQ_BUILD_SECONDS"), own(net="A = 1") as code:
        code.module()


def test_an_order_ends_it_as_well(own: Callable[..., OwnCode]) -> None:
    # Given a builder that would not end, and an order to cancel the job
    code = own(net="def build():\n    while True: pass", reporter=Orders(at=1))
    # Then it is obeyed
    with pytest.raises(StopJob), code:
        code.call()


def test_an_order_ends_a_generator_however_quick_it_is(own: Callable[..., OwnCode]) -> None:
    # Given a generator without an end, each item of which comes at once
    source = "import itertools\ndef build(): return itertools.count()"
    # When an order comes
    taken = []
    with own(net=source, reporter=Orders(at=5)) as code, pytest.raises(StopJob):
        for item in code.items(code.call()):
            taken.append(item)
            assert item < 1000
    # Then it is obeyed before the next item
    assert taken == [0, 1, 2, 3]


def test_elsewhere_than_in_the_main_thread_nothing_is_limited(own: Callable[..., OwnCode]) -> None:
    found: list[object] = []

    def run() -> None:
        with own(net="def build(): return 5") as code:
            found.append(code.call())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [5]


def test_a_worker_that_does_not_allow_code_runs_none(own: Callable[..., OwnCode]) -> None:
    error = failure(own(net="raise AssertionError('it ran')\ndef build(): pass", allowed=False))
    assert "does not allow" in error.message
    assert "--allow-code" in error.hint


def test_a_module_named_like_an_installed_package_is_refused(own: Callable[..., OwnCode]) -> None:
    error = failure(own(net="import pydantic\ndef build(): pass", pydantic="A = 1"))
    assert "pydantic" in error.message
    assert "installed on the worker" in error.message
    assert "rename it" in error.hint


def test_a_changed_bundle_does_not_run(own: Callable[..., OwnCode], store: Store) -> None:
    code = own(net="def build(): pass")
    store.write(code.code.bundle.path, b"something else")
    with pytest.raises(StoreError, match="not the file that was submitted"), code:
        code.call()


def test_what_it_prints_is_in_the_log(
    own: Callable[..., OwnCode], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "fitq.job")
    with own(net="def build(): print('layers:', 3); print('a\\x1b[2J'); return 1") as code:
        code.call()
    assert [record.getMessage() for record in caplog.records] == ["layers: 3", "a\\x1b[2J"]
