from __future__ import annotations

import pickle

import pytest

from fitq_shared import errors
from fitq_shared.errors import FitqError, InvalidInput, Mistake

ALL = [
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, FitqError)
]
CODES = {"InvalidInput": 2, "UnknownJob": 2, "UnknownModel": 2, "QueueUnreachable": 3}


@pytest.mark.parametrize("kind", ALL)
def test_every_error_has_its_exit_code(kind):
    assert kind("wrong").exit_code == CODES.get(kind.__name__, 1)


@pytest.mark.parametrize("kind", ALL)
def test_every_error_survives_the_way_between_processes(kind):
    """Billiard pickles what a task raises."""
    # Given an error with a message and a hint
    # When it is pickled and read back
    read = pickle.loads(pickle.dumps(kind("wrong", "do this")))

    # Then it says the same
    assert type(read) is kind
    assert (read.message, read.hint, str(read)) == ("wrong", "do this", "wrong")
    assert read.exit_code == kind.exit_code


def test_all_mistakes_stand_in_the_message_and_survive():
    error = InvalidInput([Mistake("a", 1, "2"), Mistake("b", "x", "y")], "see this")
    assert error.message == "a = 1: expected 2\nb = 'x': expected y"
    read = pickle.loads(pickle.dumps(error))
    assert (read.message, read.hint) == (error.message, "see this")


def test_the_tree_in_the_docstring_names_every_error():
    for kind in ALL:
        assert kind.__name__ in (errors.__doc__ or "")
