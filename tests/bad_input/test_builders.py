"""Builders that fail, and models that do not fit their data."""

from __future__ import annotations

import pytest

from support.code import write_files

pytestmark = pytest.mark.services

CHECK = ("models", "check", "net.py:build")
DENSE = """
import keras
def build(): return keras.Sequential(
    [keras.Input((4,), name="x"), keras.layers.Dense(3, activation="softmax", name="y")])
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "def build():\n    raise ValueError('units = -3')",
            ("net.py line 2, in build: ValueError: units = -3", "look at net.py line 2"),
        ),
        ("def build(): return [1]", ("net.py:build returned an object of list: [1]", "return")),
        (
            "import notthere\ndef build(): pass",
            ("net.py line 1", "needs 'notthere'", "pip install notthere"),
        ),
    ],
    ids=["raises", "no model", "a missing package"],
)
def test_a_builder_that_fails_is_named_with_its_line(nowhere, failed, source, words):
    write_files(nowhere, net=source)
    said = failed(*CHECK)
    assert [word for word in words if word not in said] == [], said


def test_a_builder_that_runs_for_ever_is_interrupted(
    nowhere, fitq, failed, settings, start_worker, monkeypatch
):
    # Given a worker that lets builders take two seconds, and a builder without an end
    monkeypatch.setenv("FITQ_REDIS_URL", settings.redis_url)
    monkeypatch.setenv("FITQ_STORE", settings.store_url)
    start_worker(arguments=("--allow-code",), FITQ_BUILD_SECONDS="2").wait_until_ready()
    write_files(nowhere, net="def build():\n    while True: pass")
    # When its model is checked
    said = failed(*CHECK)
    # Then the limit is named
    assert "net.py:build was not done after 2 s" in said
    assert "FITQ_BUILD_SECONDS" in said
    assert "look for a loop without an end" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (("(4,)", "(7,)"), ("'x'", "takes (n, 7)", "has (n, 4)")),
        (("(4,)", "(2, 2)"), ("'x'", "takes (n, 2, 2)", "has (n, 4)")),
        (("Dense(3", "Dense(2"), ("'y' gives (n, 2)", "3 classes, of shape (n,)")),
    ],
    ids=["another length", "another rank", "too few classes"],
)
def test_a_model_that_does_not_fit_is_told_both_shapes(nowhere, failed, tiny, changes, words):
    write_files(nowhere, net=DENSE.replace(*changes))
    said = failed("train", "--dataset", tiny, "--model", "net.py:build", "--epochs", 1)
    assert [word for word in words if word not in said] == [], said


def test_the_layer_at_fault_is_named(nowhere, failed, tiny):
    # Given a model that takes any rows, but whose second layer wants images
    source = """
        import keras
        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.first = keras.layers.Dense(4, name="first")
                self.second = keras.layers.Conv2D(4, 3, name="second")
            def call(self, x): return self.second(self.first(x))
        def build(): return Net()
        """
    write_files(nowhere, net=source)
    said = failed(*CHECK, "--dataset", tiny)
    assert "the layer 'second' (Conv2D) cannot take (1, 4)" in said


def test_modules_named_as_parts_of_fitq_are_the_users_own(nowhere, fitq):
    # Given a builder in worker.py that imports shared.py and client.py
    main = "import client, shared, keras\ndef build(): return client.net(shared.UNITS)"
    client = "import keras\ndef net(units): return keras.Sequential("
    client += "[keras.Input((4,)), keras.layers.Dense(units)])"
    write_files(nowhere, worker=main, client=client, shared="UNITS = 5")
    # When it is checked, then it is these that are imported
    ran = fitq("models", "check", "worker.py:build", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["metrics"] == {"parameters": 4 * 5 + 5}


def test_a_module_that_would_hide_a_package_is_refused(nowhere, refused):
    write_files(nowhere, net="import keras\ndef build(): pass", keras="")
    said = refused(*CHECK)
    assert "keras.py" in said
    assert "rename it, and its imports: my_keras.py" in said
