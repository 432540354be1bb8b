"""The step for texts."""

from __future__ import annotations

from typing import Any

import keras
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_worker.preprocessing.categories import UNKNOWN, check_vocabulary
from fitq_worker.preprocessing.maker import Maker


class VectorizeMaker(Maker):
    """A text as the numbers of its words, or as a line of all words.

    Keras's own layer counts the words, so that they are cut apart as later in the model.
    """

    learns = True

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._counting = keras.layers.TextVectorization(**self._options())
        self._words: list[str] = []
        self._weights: list[float] | None = None

    def observe(self, values: NDArray[Any]) -> None:
        """Count the words of some texts."""
        self._counting.update_state(keras.ops.convert_to_tensor(values))

    def finish(self) -> None:
        """Keep the vocabulary, without what stands for "none" and "unknown"."""
        self._counting.finalize_state()
        words = self._counting.get_vocabulary(include_special_tokens=False)
        kept = [at for at, word in enumerate(words) if word not in ("", UNKNOWN)]
        self._words = [str(words[at]) for at in kept]
        if not self._words:
            raise BadJob(
                f"the input {self.input!r} has no word in any training row",
                "choose another input, or standardize=none if it has only punctuation",
            )
        if self.step.output_mode == "tf_idf":
            weights = self._counting._lookup_layer.idf_weights.numpy()[1:]
            self._weights = [float(weights[at]) for at in kept]
        check_vocabulary(self.input, self._words, "max_tokens")

    def build(self, x: Any) -> Any:
        """One layer that holds the vocabulary."""
        return keras.layers.TextVectorization(
            **self._options(),
            vocabulary=self._words,
            idf_weights=self._weights,
            name=self.layer_name(),
        )(x)

    def _options(self) -> dict[str, Any]:
        step = self.step
        return {
            "max_tokens": step.max_tokens,
            "standardize": None if step.standardize == "none" else step.standardize,
            "split": step.split,
            "output_mode": step.output_mode,
            "output_sequence_length": step.length if step.output_mode == "int" else None,
        }
