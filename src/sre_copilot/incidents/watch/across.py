"""The metrics of each service judged together: learned from the history that the baselines are learned from, scored at every whole step.

Told is only what no single metric of the service tells, and only when two metrics at least are in it and one of them has moved by more than
nobody's incident, which is the check that anyone can run again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.baselines import seasonal
from sre_copilot.cognition.baselines.profile import Profile
from sre_copilot.cognition.detectors.multivariate import joint
from sre_copilot.cognition.detectors.multivariate.members import Members, members_of
from sre_copilot.cognition.detectors.multivariate.past import past_vectors
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.series import SeriesBlock
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.errors import StoreError
from sre_copilot.incidents.watch.across_service import ServicesTogether
from sre_copilot.incidents.watch.across_words import ACROSS
from sre_copilot.incidents.watch.episodes import Episode
from sre_copilot.incidents.watch.learning import holiday_dates
from sre_copilot.incidents.watch.metrics import MetricWatch
from sre_copilot.perception.source import Health, MetricSource, Reading, Source
from sre_copilot.settings.document import Settings
from sre_copilot.store.profiles import ArrayStore
from sre_copilot.telemetry import log

Floats = NDArray[np.float32]
Reopen = Callable[[], Sequence[Source]]
PARTS = ("unit", "centre", "needed")
COVARIANCE = "covariance"
_log = log(__name__)


class AcrossMetrics:
    """All metric sources; one thread ticks, another learns."""

    def __init__(self, settings: Settings, arrays: ArrayStore) -> None:
        chosen = settings.anomaly_detection.across_metrics
        self._measure: joint.Measure | None = None if chosen == "off" else chosen
        self._threshold = settings.anomaly_detection.threshold
        self._baseline = settings.baseline
        self._arrays = arrays
        self._heard: dict[str, tuple[Members, Floats]] = {}
        self._learned: dict[str, joint.JointModel] = {}
        self._lock = threading.Lock()
        self._sources: dict[str, ServicesTogether] = {}

    # -- learning, in the thread that learns ------------------------------------------------------------------------

    def overhearing(self, reopen: Reopen) -> Reopen:
        """The same sources, whose history is also taken from what the baselines read: nothing is read twice."""
        return reopen if self._measure is None else lambda: [self._overheard(source) for source in reopen()]

    def learn(self) -> None:
        """Learn how the metrics of each service go together from what was heard; they are used from the next tick on."""
        if self._measure is None:
            return
        heard, self._heard = self._heard, {}
        for name, (members, vectors) in heard.items():
            model = joint.fit(members, vectors, measure=self._measure)
            with self._lock:
                self._learned[name] = model
            save(self._arrays, name, model, step_seconds=self._baseline.step_seconds)
            judged, all_of = len(model.members.services), len(members.services)
            _log.info(f"Learned how metrics go together in {judged} services", source=name)
            if judged < all_of:
                _log.warning(
                    f"{all_of - judged} services are not judged across their metrics: fewer than two of them move, "
                    "or they are known for less than three days",
                    source=name,
                )

    def hear(self, name: str, block: SeriesBlock) -> None:
        """Keep of a history what is learned from it."""
        members = members_of(block.keys)
        if members.services:
            self._heard[name] = (members, past_vectors(block, members, self._profile))

    def _overheard(self, source: Source) -> Source:
        return cast(Source, _Overheard(source, self.hear)) if isinstance(source, MetricSource) else source

    def _profile(self, values: Floats, start: int, step_seconds: int) -> Profile:
        end = start + values.shape[1] * step_seconds
        return seasonal.learn(
            values,
            start=start,
            step_seconds=step_seconds,
            holidays=holiday_dates(self._baseline, now=end),
            utc_offset_seconds=round(self._baseline.utc_offset_hours * 3600),
        )

    # -- the tick ---------------------------------------------------------------------------------------------------

    def take(
        self, name: str, watch: MetricWatch, *, found: Sequence[Anomaly], going_on: Sequence[Episode]
    ) -> list[Anomaly]:
        """What the last whole step shows of services of which nothing else is told."""
        if self._measure is None:
            return []
        services = self._of(name, watch.step_seconds, self._measure)
        if services is None:
            return []
        services.follow(watch)
        told = {each.entity for each in _single(each.anomaly for each in going_on)}
        return services.told(watch, now={each.entity for each in found}, told=told)

    def _of(self, name: str, step_seconds: int, measure: joint.Measure) -> ServicesTogether | None:
        """How a source stands, with what was learned last: by this process, or by an earlier one."""
        with self._lock:
            model = self._learned.pop(name, None)
        if model is None and name not in self._sources:
            model = load(self._arrays, name, step_seconds=step_seconds, measure=measure)
        if model is not None:
            self._sources[name] = ServicesTogether(
                model, method=f"across/{measure}", threshold=self._threshold
            )
        return self._sources.get(name)


def _single(anomalies: Iterable[Anomaly]) -> Iterable[Anomaly]:
    """Those of one metric."""
    return (each for each in anomalies if each.finding.modality == "metrics" and each.metric != ACROSS)


@dataclass(frozen=True)
class _Overheard:
    """A source of metrics, each of whose blocks is also given to a listener."""

    source: Any
    hear: Callable[[str, SeriesBlock], None]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.source.name)

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What it tells."""
        found: tuple[Modality, ...] = self.source.modalities
        return found

    def series(self, window: Window, *, step_seconds: int) -> SeriesBlock:
        """Read the block, and let it be heard."""
        block: SeriesBlock = self.source.series(window, step_seconds=step_seconds)
        self.hear(self.name, block)
        return block

    def read(self, window: Window) -> Reading:
        """Read a window."""
        found: Reading = self.source.read(window)
        return found

    def health(self) -> Health:
        """How it is."""
        found: Health = self.source.health()
        return found

    def close(self) -> None:
        """Close it."""
        self.source.close()


def save(arrays: ArrayStore, name: str, model: joint.JointModel, *, step_seconds: int) -> None:
    """Keep what was learned across the metrics of one source."""
    parts = {each: getattr(model, each) for each in PARTS}
    parts |= {} if model.covariance is None else {COVARIANCE: model.covariance}
    meta = {
        "services": model.members.services,
        "metrics": model.members.metrics,
        "step_seconds": step_seconds,
    }
    arrays.save(f"{name}.across", parts, meta)


def load(
    arrays: ArrayStore, name: str, *, step_seconds: int, measure: joint.Measure
) -> joint.JointModel | None:
    """What was kept; None when nothing was, it is of another step or measure, or damaged: the next learning makes it anew."""
    if not arrays.has(f"{name}.across"):
        return None
    try:
        parts, meta = arrays.load(f"{name}.across")
    except StoreError as error:
        _log.warning("what was learned across metrics is damaged; it is learned again", problem=str(error))
        return None
    wanted = {*PARTS, COVARIANCE} if measure == "robust_covariance" else {*PARTS}
    if meta.get("step_seconds") != step_seconds or parts.keys() != wanted:
        return None
    members = Members(tuple(meta["services"]), tuple(tuple(each) for each in meta["metrics"]))
    unit, centre, needed = (np.asarray(parts[each]) for each in PARTS)
    return joint.JointModel(members, unit, centre, needed, parts.get(COVARIANCE))
