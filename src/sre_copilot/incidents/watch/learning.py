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
from sre_copilot.errors import SettingsError, SreCopilotError, StoreError
from sre_copilot.incidents.watch.events import Streams
from sre_copilot.incidents.watch.foresight import learned_limits
from sre_copilot.incidents.watch.history import learn_past, learns_from
from sre_copilot.incidents.watch.metrics import Learned, warmed
from sre_copilot.incidents.watch.recommended import recommended_thresholds
from sre_copilot.incidents.watch.status import Learning, LearningStatus
from sre_copilot.perception.source import MetricSource, Source
from sre_copilot.settings.document import Baseline
from sre_copilot.store.profiles import ArrayStore
from sre_copilot.telemetry import clean, log

DAY = 86_400
LEAST_DAYS = 3.0  # below it no time of day has been seen often enough to have a median
RETRY_S = 60.0
LONGEST_RETRY_S = 3600.0
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
    days: float


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why nothing could be learned of a source: none of its `series` has enough history; `days` is the longest."""

    series: int
    days: float
    needed: float

    @property
    def missing_seconds(self) -> float:
        """So long its series must go on until there is enough."""
        return max(0.0, self.needed - self.days) * DAY


def learn_source(source: MetricSource, settings: Baseline, *, now: float) -> Lesson | Shortage:
    """Learn all series of one source that have enough history.

    Raises
    ------
    SourceError : when its history cannot be read
    """
    step = settings.step_seconds
    end = int(now) // step * step
    _log.info(f"Collecting {settings.learning_days} days of historical metrics...")
    block = source.series(Window(end - settings.learning_days * DAY, end), step_seconds=step)
    return lesson_of(block, settings, now=now)


def lesson_of(block: SeriesBlock, settings: Baseline, *, now: float) -> Lesson | Shortage:
    """Learn from a block of history; series with less than three days are left out and said."""
    days = (~np.isnan(block.values)).sum(axis=1) * block.step_seconds / DAY
    needed = min(LEAST_DAYS, settings.learning_days) * 0.95  # a few minutes are always missing
    longest = float(days.max(initial=0.0))
    enough = days >= needed
    for name, count in _by_metric(block.keys, ~enough).items():
        _log.warning(f"Skipping {name}: less than {LEAST_DAYS:g} days of history", series=count)
    if not enough.any():
        return Shortage(len(block.keys), longest, needed)
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
        utc_offset_seconds=round(settings.utc_offset_hours * 3600),
    )
    limits = learned_limits(kept.keys, kept.values, step_seconds=kept.step_seconds)
    thresholds = recommended_thresholds(kept.keys, kept.values, step_seconds=kept.step_seconds)
    learned = Learned(kept.keys, profile, learn_ensemble(kept, profile), limits, thresholds, now)
    width = kept.values.shape[1]
    for name, points in _most_points(kept).items():
        _log.info(f"Learned baseline for {name} from {points} points")
    state = warmed(learned, kept, steps=min(width, WARM_HOURS * 3600 // kept.step_seconds))
    day = kept.values[:, -DAY // kept.step_seconds :].copy()
    return Lesson(
        learned, state, day, kept.end - kept.step_seconds, int((~enough).sum()), int(kept.values.size), longest
    )  # fmt: skip


def _by_metric(keys: Sequence[SeriesKey], chosen: NDArray[np.bool_]) -> Counter[str]:
    """How many of the chosen series each metric has."""
    return Counter(key.metric for key, each in zip(keys, chosen, strict=True) if each)


def _most_points(block: SeriesBlock) -> dict[str, int]:
    """How many values the longest series of each metric has."""
    found: dict[str, int] = {}
    for key, count in zip(block.keys, (~np.isnan(block.values)).sum(axis=1).tolist(), strict=True):
        found[key.metric] = max(found.get(key.metric, 0), count)
    return found


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


@dataclass
class Owing:
    """When to try again what could not be learned: soon, for a restart takes a minute; then ever less often, for history grows slowly."""

    tries: int = 0
    _ended_at: float | None = None

    def due(self, unlearned: bool, status: LearningStatus, now: float) -> bool:
        """Whether it is time to try again."""
        if not unlearned:
            self.tries = 0
            return False
        if status.state in {"never", "running"} or status.finished_at is None:
            return False
        if status.finished_at != self._ended_at:
            self.tries, self._ended_at = self.tries + 1, status.finished_at
        pause = min(RETRY_S * 2.0 ** min(self.tries - 1, 10), LONGEST_RETRY_S)
        return now - status.finished_at >= pause


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

    @property
    def busy(self) -> bool:
        """Whether it is under way."""
        return self._thread is not None and self._thread.is_alive()

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
        sources: Sequence[Source] = ()
        try:
            sources = reopen()
            metric = {source.name: source for source in sources if isinstance(source, MetricSource)}
            ended, lessons = self._all(metric, settings)
            self._done(lessons)
            if self._met is not None:
                self._meet(sources, settings, self._met)
            self.status = replace(ended, finished_at=self._clock.now())
        except SreCopilotError as error:
            self._fail(str(error))
            _log.error("baseline learning failed", problem=str(error))
        except Exception as error:  # noqa: BLE001 - the top of a thread: the status and the log are all that can tell
            self._fail(f"internal error: {type(error).__name__}: {error}")
            _log.exception("baseline learning failed")
        finally:
            for source in sources:
                source.close()

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

    def _all(
        self, sources: Mapping[str, MetricSource], settings: Baseline
    ) -> tuple[LearningStatus, dict[str, Lesson]]:
        now = self._clock.now()
        lessons: dict[str, Lesson] = {}
        short: dict[str, Shortage] = {}
        problems: list[str] = []
        for name, source in sources.items():
            try:
                found = learn_source(source, settings, now=now)
            except SreCopilotError as error:
                problems.append(str(error))
                continue
            if isinstance(found, Lesson):
                lessons[name] = found
            elif found.series:
                short[name] = found
            else:
                problems.append(
                    f"{name}: has none of the watched metrics; `sre-copilot discover` shows which"
                )
        _say_unlearned(problems, short)
        metrics = {key.metric for lesson in lessons.values() for key in lesson.learned.keys}
        if metrics:
            _log.info(f"Baseline learning completed for {len(metrics)} metrics")
        return _ended(self.status, sources, lessons, short, problems, now=now), lessons

    def _fail(self, problem: str) -> None:
        self.status = replace(
            self.status, state="failed", finished_at=self._clock.now(), problem=clean(problem)
        )


def _say_unlearned(problems: Sequence[str], short: Mapping[str, Shortage]) -> None:
    for problem in problems:
        _log.warning("not learned", problem=problem)
    for name, each in short.items():
        _log.info(
            f"Warming up: {name} has {each.days:.1f} of {each.needed:.1f} days of history", series=each.series
        )


def _ended(
    begun: LearningStatus,
    sources: Mapping[str, MetricSource],
    lessons: Mapping[str, Lesson],
    short: Mapping[str, Shortage],
    problems: Sequence[str],
    *,
    now: float,
) -> LearningStatus:
    """How learning ended."""
    state: Learning = "done"
    if sources and not lessons:
        state = "failed" if problems else "warming_up"
    days = [lesson.days for lesson in lessons.values()] + [each.days for each in short.values()]
    skipped = [lesson.skipped for lesson in lessons.values()] + [each.series for each in short.values()]
    return replace(
        begun,
        state=state,
        series=sum(len(lesson.learned.keys) for lesson in lessons.values()),
        skipped=sum(skipped),
        points=sum(lesson.points for lesson in lessons.values()),
        days=round(max(days, default=0.0), 2),
        problem=clean("; ".join(problems)),
        warming=tuple(short),
        warm_until=min((now + each.missing_seconds for each in short.values()), default=None),
    )


def save(arrays: ArrayStore, name: str, learned: Learned) -> None:
    """Keep what was learned of one source."""
    parts = {
        f"{kind}.{each.name}": getattr(whole, each.name)
        for kind, whole in (("profile", learned.profile), ("knowledge", learned.knowledge))
        for each in fields(whole)
        if isinstance(getattr(whole, each.name), np.ndarray)
    }
    parts |= {"limits": learned.limits, "thresholds": learned.thresholds}
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
    """What was learned of one source and kept; None when nothing was, it is of another form, or damaged: then it is learned anew."""
    kept = _kept(arrays, f"{name}.learned")
    if kept is None:
        return None
    parts, meta = kept
    kinds: dict[str, dict[str, Any]] = {"profile": {}, "knowledge": {}, "limits": {}, "thresholds": {}}
    for key, value in parts.items():
        kind, _, field = key.partition(".")
        kinds[kind][field] = value
    if not kinds["limits"] or not kinds["thresholds"]:
        return None
    scalars = {key: meta[key] for key in ("slot_seconds", "step_seconds", "utc_offset_seconds")}
    try:
        profile = Profile(**kinds["profile"], **scalars, holidays=frozenset(meta["holidays"]))
        knowledge = Knowledge(**kinds["knowledge"])
    except TypeError:  # arrays of another release: learning anew makes them
        return None
    keys = tuple(SeriesKey(*key) for key in meta["keys"])
    limits, thresholds = kinds["limits"][""], kinds["thresholds"][""]
    return Learned(keys, profile, knowledge, limits, thresholds, float(meta["learned_at"]))


def _kept(arrays: ArrayStore, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
    """What is kept by a name; None, and a warning, when all of it is damaged."""
    if not arrays.has(name):
        return None
    try:
        return arrays.load(name)
    except StoreError as error:
        _log.warning("what was learned is damaged; it is learned again", problem=str(error))
        return None


def save_state(arrays: ArrayStore, name: str, learned: Learned, state: State, *, committed: int) -> None:
    """Keep what the ensemble remembers of one source; what comes after is read again."""
    meta = {"committed": committed, "learned_at": learned.learned_at, "series": len(learned.keys)}
    arrays.save(f"{name}.state", state.arrays(), meta)


def load_state(arrays: ArrayStore, name: str, learned: Learned) -> tuple[State, int | None]:
    """What the ensemble remembered; a fresh state when nothing fits what was learned."""
    fresh = State.fresh(len(learned.keys))
    kept_state = _kept(arrays, f"{name}.state")
    if kept_state is None:
        return fresh, None
    parts, meta = kept_state
    if meta.get("learned_at") != learned.learned_at:
        return fresh, None
    try:
        state = State.of(parts)
    except ValueError:  # of another release
        return fresh, None
    known = len(learned.keys)
    if state.series > known:  # instances that joined later are met again
        state = state.take(list(range(known)))
    return state.grow(known - state.series), int(meta["committed"])
