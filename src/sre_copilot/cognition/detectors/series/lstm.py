"""LSTM: how far a value is from what a small recurrent network, trained on the past, predicts one step ahead (extra `lstm`)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from sre_copilot.cognition.detectors.series.blocks import recent, schedule
from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.one_step import score_errors
from sre_copilot.errors import MethodError


@dataclass(frozen=True, slots=True)
class Lstm:
    """One-step errors of an LSTM, trained once a week on the past.

    Parameters
    ----------
    width : values that it sees at once; 30, half an hour of minutes
    units : of its one layer; 16: a metric of operations has few regimes
    epochs : passes over the past; 10: some hundred steps of the optimiser on a week of ten minutes
    seed : of weights and shuffling

    References
    ----------
    Malhotra, Vig, Shroff and Agarwal, Long Short Term Memory Networks for Anomaly Detection in Time Series, ESANN 2015, sec. 2.
    """

    width: int = 30
    units: int = 16
    epochs: int = 10
    seed: int = 0

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value; 0.7 at three robust standard deviations of the errors on the past."""
        plan = schedule(step_seconds, every_days=7, memory_days=7, fewest=4 * self.width)
        return score_errors(values, plan, self._predict)

    def _predict(self, past: Series, stretch: Series) -> Series:
        level, spread = float(np.median(past)), float(np.std(past)) or 1.0
        scaled = (stretch - level) / spread
        seen = recent(scaled, self.width + 1)
        model = self._network(_keras())
        learnt = seen[self.width : len(past)]
        model.fit(learnt[:, :-1, None], learnt[:, -1], epochs=self.epochs, batch_size=64, verbose=0)
        predicted = np.full(len(stretch), np.nan)
        predicted[self.width :] = model.predict(seen[self.width :, :-1, None], verbose=0, batch_size=1024)[
            :, 0
        ]
        scores: Series = level + spread * predicted
        return scores

    def _network(self, keras: Any) -> Any:
        keras.utils.set_random_seed(self.seed)
        layers = [keras.Input((self.width, 1)), keras.layers.LSTM(self.units), keras.layers.Dense(1)]
        model = keras.Sequential(layers)
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
        return model


def _keras() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        import jax  # noqa: F401, PLC0415 - an extra
        import keras  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MethodError("keras with jax is not installed: pip install 'sre-copilot[lstm]'") from error
    return keras
