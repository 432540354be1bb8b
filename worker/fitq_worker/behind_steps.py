"""A model of a user's class behind its preprocessing: one layer of the model that is published.

What is published is a plain model of Keras, which measures by the loss and metrics alone. How the
user's class measures, its `test_step` or `compute_loss`, only the class itself does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class BehindSteps:
    """A published model in two.

    Attributes:
        steps: from raw inputs to what the user's model takes.
        model: the user's.
    """

    steps: keras.Model
    model: keras.Model

    def prepared(self, rows: Any) -> Any:
        """A `tf.data.Dataset` of raw batches, (x, y) each, as the user's model takes them."""
        return rows.map(lambda x, *rest: (self.steps(x, training=False), *rest))


def behind_steps(published: keras.Model) -> BehindSteps:
    """The two parts of a published model whose interface says that it has them."""
    origin = published.outputs[0]._keras_history
    model = origin.operation
    taken = model._inbound_nodes[origin.node_index].arguments.args[0]
    return BehindSteps(keras.Model(published.input, taken), model)
