"""From judged series to the figures of each set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from sre_copilot.eval.anomalies.datasets import SERIES_SETS, SERVICE_SET
from sre_copilot.eval.anomalies.judge import Judged

FIGURES = ("vus_pr", "auc_pr", "event_f1")
SETS = (*SERIES_SETS, SERVICE_SET)


@dataclass(frozen=True, slots=True)
class AnomalyEvaluation:
    """All that was measured; `detectors` and `service_detectors` in the order asked for, the first of each being the headline."""

    judged: tuple[Judged, ...]
    detectors: tuple[str, ...]
    service_detectors: tuple[str, ...]

    def of(self, dataset: str, detector: str) -> tuple[Judged, ...]:
        """What one detector did on one set."""
        return tuple(each for each in self.judged if (each.dataset, each.detector) == (dataset, detector))

    def names_for(self, dataset: str) -> tuple[str, ...]:
        """The detectors that were asked for on a set."""
        return self.service_detectors if dataset == SERVICE_SET else self.detectors

    def mean(self, figure: str, dataset: str, detector: str) -> float | None:
        """The mean of a figure over the series of a set, each counting once; None where there are none."""
        values = [getattr(each.accuracy, figure) for each in self.of(dataset, detector)]
        return fmean(values) if values else None

    def as_dict(self) -> dict[str, Any]:
        """The figures of the first detectors by set, then those of all, then every series."""
        return {
            "detector": {name: next(iter(self.names_for(name)), None) for name in SETS},
            **self._headline(),
            "detectors": {
                name: self._figures(name)
                for name in dict.fromkeys((*self.detectors, *self.service_detectors))
            },
            "series": [_row(each) for each in self.judged],
        }

    def _headline(self) -> dict[str, Any]:
        first = {dataset: next(iter(self.names_for(dataset)), "") for dataset in SETS}
        means = {
            figure: {dataset: self.mean(figure, dataset, name) for dataset, name in first.items()}
            for figure in (*FIGURES, "base_rate", "unscored")
        }
        counts = {dataset: len(self.of(dataset, name)) for dataset, name in first.items()}
        return {**means, "n": counts}

    def _figures(self, detector: str) -> dict[str, Any]:
        return {
            figure: {
                dataset: self.mean(figure, dataset, detector)
                for dataset in SETS
                if detector in self.names_for(dataset)
            }
            for figure in FIGURES
        }


def summarise(
    judged: Sequence[Judged], detectors: tuple[str, ...], service_detectors: tuple[str, ...]
) -> AnomalyEvaluation:
    """Order what was judged by set, series and detector."""
    ordered = sorted(judged, key=lambda each: (SETS.index(each.dataset), each.name, each.detector))
    return AnomalyEvaluation(tuple(ordered), detectors, service_detectors)


def _row(judged: Judged) -> dict[str, Any]:
    figures = {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(judged.accuracy).items()
    }
    return {
        "set": judged.dataset,
        "series": judged.name,
        "detector": judged.detector,
        **figures,
        "seconds": round(judged.seconds, 4),
        "error": judged.error or None,
    }
