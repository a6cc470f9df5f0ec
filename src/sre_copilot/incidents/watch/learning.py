"""Learning what is normal, in the background: read history, learn, keep it, hand it to the watch."""

from __future__ import annotations

import datetime
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import holidays as calendars
import numpy as np
from numpy.typing import NDArray

from sre_copilot.clock import Clock
from sre_copilot.cognition.baselines import seasonal
from sre_copilot.cognition.baselines.profile import Profile
from sre_copilot.cognition.ensemble.knowledge import Knowledge
from sre_copilot.cognition.ensemble.learning import learn as learn_ensemble
from sre_copilot.cognition.ensemble.state import State
from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SettingsError, SreCopilotError
from sre_copilot.incidents.watch.events import Streams
from sre_copilot.incidents.watch.foresight import learned_limits
from sre_copilot.incidents.watch.history import learn_past, learns_from
from sre_copilot.incidents.watch.metrics import Learned, warmed
from sre_copilot.incidents.watch.status import LearningStatus
from sre_copilot.perception.source import MetricSource, Source
from sre_copilot.settings.document import Baseline
from sre_copilot.store.profiles import ArrayStore
from sre_copilot.telemetry import log

DAY = 86_400
LEAST_DAYS = 3.0  # below it no time of day has been seen often enough to have a median
WARM_HOURS = 6  # of history run through the state: the longest memory of the ensemble that matters
Reopen = Callable[[], Sequence[Source]]
"""Makes sources of its own for a thread that reads beside the watch: one instance belongs to one thread."""
Met = Callable[[str, Streams], None]
_log = log(__name__)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What learning one source gave."""

    learned: Learned
    state: State
    day: NDArray[np.float32]
    committed: int
    skipped: int
    points: int


def learn_source(source: MetricSource, settings: Baseline, *, now: float) -> Lesson | None:
    """Learn all series of one source; None when it holds none.

    Raises
    ------
    SourceError : when its history cannot be read
    """
    step = settings.step_seconds
    end = int(now) // step * step
    _log.info(f"Collecting {settings.learning_days} days of historical metrics...")
    block = source.series(Window(end - settings.learning_days * DAY, end), step_seconds=step)
    if not block.keys:
        return None
    return lesson_of(block, settings, now=now)


def lesson_of(block: SeriesBlock, settings: Baseline, *, now: float) -> Lesson | None:
    """Learn from a block of history; series with less than three days are left out and said."""
    days = (~np.isnan(block.values)).sum(axis=1) * block.step_seconds / DAY
    enough = days >= min(LEAST_DAYS, settings.learning_days) * 0.95  # a few minutes are always missing
    for name, count in _by_metric(block.keys, ~enough).items():
        _log.warning(f"Skipping {name}: less than {LEAST_DAYS:g} days of history", series=count)
    if not enough.any():
        return None
    kept = SeriesBlock(
        tuple(key for key, each in zip(block.keys, enough, strict=True) if each),
        block.start,
        block.step_seconds,
        block.values if enough.all() else np.ascontiguousarray(block.values[enough]),
    )
    profile = seasonal.learn(
        kept.values,
        start=kept.start,
        step_seconds=kept.step_seconds,
        holidays=holiday_dates(settings, now=now),
    )
    limits = learned_limits(kept.keys, kept.values, step_seconds=kept.step_seconds)
    learned = Learned(kept.keys, profile, learn_ensemble(kept, profile), limits, now)
    width = kept.values.shape[1]
    for name in dict.fromkeys(key.metric for key in kept.keys):
        _log.info(f"Learned baseline for {name} from {width} points")
    state = warmed(learned, kept, steps=min(width, WARM_HOURS * 3600 // kept.step_seconds))
    day = kept.values[:, -DAY // kept.step_seconds :].copy()
    return Lesson(
        learned, state, day, kept.end - kept.step_seconds, int((~enough).sum()), int(kept.values.size)
    )


def _by_metric(keys: Sequence[SeriesKey], chosen: NDArray[np.bool_]) -> Counter[str]:
    """How many of the chosen series each metric has."""
    return Counter(key.metric for key, each in zip(keys, chosen, strict=True) if each)


def holiday_dates(settings: Baseline, *, now: float) -> list[datetime.date]:
    """The configured holidays of last year, this one and the next.

    Raises
    ------
    SettingsError : when the country is not known
    """
    year = datetime.datetime.fromtimestamp(now, datetime.UTC).year
    if not settings.country:
        return list(settings.holidays)
    try:
        found = calendars.country_holidays(settings.country, years=[year - 1, year, year + 1])
    except NotImplementedError:
        raise SettingsError(
            f"baseline.country: {settings.country!r} has no calendar; write an ISO code such as CN, DE or US"
        ) from None
    return [*found, *settings.holidays]


class Learner:
    """Runs learning in a thread of its own, one at a time."""

    def __init__(
        self,
        clock: Clock,
        *,
        done: Callable[[Mapping[str, Lesson]], None],
        met: Met | None = None,
        unknown: Callable[[str], bool] | None = None,
    ) -> None:
        self.status = LearningStatus()
        self._clock = clock
        self._done = done
        self._met = met
        self._unknown = unknown
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self, reopen: Reopen, settings: Baseline, *, wait: bool = False) -> bool:
        """Begin unless it is under way; return whether it began."""
        with self._lock:
            if self.status.state == "running":
                return False
            self.status = LearningStatus(state="running", started_at=self._clock.now())
        self._thread = threading.Thread(
            target=self._run, args=(reopen, settings), name="learning", daemon=True
        )
        self._thread.start()
        if wait:
            self._thread.join()
        return True

    def _run(self, reopen: Reopen, settings: Baseline) -> None:
        _log.info("Starting baseline learning...")
        try:
            sources = reopen()
            metric = {source.name: source for source in sources if isinstance(source, MetricSource)}
            self._done(self._all(metric, settings))
            if self._met is not None:
                self._meet(sources, settings, self._met)
            for source in sources:
                source.close()
        except SreCopilotError as error:
            self._end("failed", problem=str(error))
            _log.error("baseline learning failed", problem=str(error))
        except Exception as error:  # noqa: BLE001 - the top of a thread: the status and the log are all that can tell
            self._end("failed", problem=f"internal error: {type(error).__name__}: {error}")
            _log.exception("baseline learning failed")

    def _meet(self, sources: Sequence[Source], settings: Baseline, met: Met) -> None:
        """Learn the past of what is no metric, once: from then on it is learned as it comes."""
        for source in sources:
            if not learns_from(source) or self._unknown is None or not self._unknown(source.name):
                continue
            try:
                streams, hours = learn_past(source, hours=settings.event_hours, now=self._clock.now())
            except SreCopilotError as error:
                _log.warning("not learned", problem=str(error))
                continue
            met(source.name, streams)
            _log.info(f"Learned {hours:.1f} h of {', '.join(source.modalities)}", source=source.name)

    def _all(self, sources: Mapping[str, MetricSource], settings: Baseline) -> dict[str, Lesson]:
        now = self._clock.now()
        lessons: dict[str, Lesson] = {}
        problems: list[str] = []
        for name, source in sources.items():
            try:
                lesson = learn_source(source, settings, now=now)
            except SreCopilotError as error:
                problems.append(str(error))
                continue
            if lesson is None:
                problems.append(f"{name}: has no metric with {LEAST_DAYS:g} days of history yet")
            else:
                lessons[name] = lesson
        for problem in problems:
            _log.warning("not learned", problem=problem)
        metrics = {key.metric for lesson in lessons.values() for key in lesson.learned.keys}
        _log.info(f"Baseline learning completed for {len(metrics)} metrics")
        self._end(
            "done" if lessons else "failed",
            series=sum(len(lesson.learned.keys) for lesson in lessons.values()),
            skipped=sum(lesson.skipped for lesson in lessons.values()),
            points=sum(lesson.points for lesson in lessons.values()),
            days=float(settings.learning_days),
            problem="; ".join(problems),
        )
        return lessons

    def _end(self, state: Any, **changed: Any) -> None:
        self.status = replace(self.status, state=state, finished_at=self._clock.now(), **changed)


def save(arrays: ArrayStore, name: str, learned: Learned) -> None:
    """Keep what was learned of one source."""
    parts = {
        f"{kind}.{each.name}": getattr(whole, each.name)
        for kind, whole in (("profile", learned.profile), ("knowledge", learned.knowledge))
        for each in fields(whole)
        if isinstance(getattr(whole, each.name), np.ndarray)
    }
    parts["limits"] = learned.limits
    meta = {
        "keys": [list(asdict(key).values()) for key in learned.keys],
        "learned_at": learned.learned_at,
        "slot_seconds": learned.profile.slot_seconds,
        "step_seconds": learned.profile.step_seconds,
        "holidays": sorted(learned.profile.holidays),
        "utc_offset_seconds": learned.profile.utc_offset_seconds,
    }
    arrays.save(f"{name}.learned", parts, meta)


def load(arrays: ArrayStore, name: str) -> Learned | None:
    """What was learned of one source and kept; None when nothing was, or it is of another form."""
    if not arrays.has(f"{name}.learned"):
        return None
    parts, meta = arrays.load(f"{name}.learned")
    kinds: dict[str, dict[str, Any]] = {"profile": {}, "knowledge": {}, "limits": {}}
    for key, value in parts.items():
        kind, _, field = key.partition(".")
        kinds[kind][field] = value
    if not kinds["limits"]:
        return None
    scalars = {key: meta[key] for key in ("slot_seconds", "step_seconds", "utc_offset_seconds")}
    try:
        profile = Profile(**kinds["profile"], **scalars, holidays=frozenset(meta["holidays"]))
        knowledge = Knowledge(**kinds["knowledge"])
    except TypeError:  # arrays of another release: learning anew makes them
        return None
    keys = tuple(SeriesKey(*key) for key in meta["keys"])
    return Learned(keys, profile, knowledge, kinds["limits"][""], float(meta["learned_at"]))


def save_state(arrays: ArrayStore, name: str, learned: Learned, state: State, *, committed: int) -> None:
    """Keep what the ensemble remembers of one source; what comes after is read again."""
    meta = {"committed": committed, "learned_at": learned.learned_at, "series": len(learned.keys)}
    arrays.save(f"{name}.state", {"memory": state.memory, "clock": state.clock}, meta)


def load_state(arrays: ArrayStore, name: str, learned: Learned) -> tuple[State, int | None]:
    """What the ensemble remembered; a fresh state when nothing fits what was learned."""
    fresh = State.fresh(len(learned.keys))
    if not arrays.has(f"{name}.state"):
        return fresh, None
    parts, meta = arrays.load(f"{name}.state")
    if meta.get("learned_at") != learned.learned_at:
        return fresh, None
    memory, clock = parts["memory"], parts["clock"]
    kept = min(memory.shape[1], fresh.memory.shape[1])
    if memory.shape[0] != fresh.memory.shape[0]:
        return fresh, None
    fresh.memory[:, :kept] = memory[:, :kept]
    fresh.clock[:] = clock
    return fresh, int(meta["committed"])
