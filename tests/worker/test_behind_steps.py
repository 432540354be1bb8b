"""A user's model is told from its preprocessing in what is published."""

from __future__ import annotations

import keras
import numpy as np

from fitq_worker import backend
from fitq_worker.array_examples import ArrayExamples
from fitq_worker.behind_steps import behind_steps
from fitq_worker.feeding import Fed, Feed
from fitq_worker.ports import Port, Side
from support.own_models import Subclassed


def test_the_users_model_gets_what_its_steps_make() -> None:
    # Given a class of the user's of which one input is prepared, and the other is not
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    own = Subclassed()
    given = {"left": keras.layers.Rescaling(2.0)(left), "right": right}
    published = keras.Model({"left": left, "right": right}, own(given))
    # When it is taken apart
    parts = behind_steps(published)
    # Then the model is the user's own, and its rows are prepared
    assert parts.model is own
    rows = np.arange(12.0, dtype="float32").reshape(3, 4)
    examples = ArrayExamples({"left": rows, "right": rows}, {})
    side = Side((Port("left", (4,), "float32"), Port("right", (4,), "float32")), "dict")
    fed = Fed(Feed(side, {"left": ("left",), "right": ("right",)}), examples, np.arange(3))
    [prepared] = parts.prepared(backend.batches(fed, 3).map(lambda x: (x, 0)))
    np.testing.assert_allclose(prepared[0]["left"], 2 * rows)
    np.testing.assert_allclose(prepared[0]["right"], rows)
