"""From the labels of a series to its name in `domain.series`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from sre_copilot.domain.series import SeriesKey

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """Which labels name service and instance (the first that is there counts), and which name nothing.

    `nobody` is the service of a series that carries neither: a figure of the estate as a whole.
    """

    service: tuple[str, ...]
    instance: tuple[str, ...]
    ignored: tuple[str, ...]
    nobody: str

    def keys(self, metric: str, labels: Sequence[Labels]) -> list[SeriesKey]:
        """Name the series of one query; labels that name neither service nor instance are part of the metric's name."""
        keys = [self.key(metric, each) for each in labels]
        often = Counter(keys)
        return [
            key if often[key] == 1 else self._in_full(metric, each)
            for key, each in zip(keys, labels, strict=True)
        ]

    def key(self, metric: str, labels: Labels) -> SeriesKey:
        """Name one series."""
        silent = {"__name__", *self.service, *self.instance, *self.ignored}
        return self._named(metric, labels, {k: v for k, v in labels.items() if k not in silent})

    def service_of(self, labels: Labels) -> str:
        """The service that a series is about."""
        return _first(labels, self.service) or _first(labels, self.instance) or self.nobody

    def _in_full(self, metric: str, labels: Labels) -> SeriesKey:
        return self._named(metric, labels, labels)

    def _named(self, metric: str, labels: Labels, shown: Labels) -> SeriesKey:
        service = self.service_of(labels)
        instance = _first(labels, self.instance) if _first(labels, self.service) else ""
        return SeriesKey(service, metric + _braces(shown), instance)


def _first(labels: Labels, names: tuple[str, ...]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")


def _braces(labels: Labels) -> str:
    """Labels as PromQL writes them."""
    inner = ",".join(f"{name}={orjson.dumps(labels[name]).decode()}" for name in sorted(labels))
    return f"{{{inner}}}" if inner else ""
