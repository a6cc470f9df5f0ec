"""The loop: every few seconds read, detect, record; each tick is these steps in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

from sre_copilot.clock import Clock
from sre_copilot.cognition.detectors.series.detector import SeriesDetector
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.series import SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.investigation import Methods, investigate
from sre_copilot.incidents.report.words import say
from sre_copilot.incidents.watch import asking, learning
from sre_copilot.incidents.watch.across import AcrossMetrics
from sre_copilot.incidents.watch.asking import CATCH_UP_S, Answer, changes_in, question
from sre_copilot.incidents.watch.board import Board
from sre_copilot.incidents.watch.episodes import Episodes, Rules, Seen, Turn
from sre_copilot.incidents.watch.events import EventWatch
from sre_copilot.incidents.watch.feeds import Feed, Round, ask_all
from sre_copilot.incidents.watch.foresight import Forecast, Foresight
from sre_copilot.incidents.watch.inquiry import Inquiries, Investigate
from sre_copilot.incidents.watch.learned_rows import BaselineRow, baseline_rows, series_of
from sre_copilot.incidents.watch.learning import Learner, Lesson, Owing
from sre_copilot.incidents.watch.metrics import MetricWatch
from sre_copilot.incidents.watch.named import DAYS as NAMED_DAYS
from sre_copilot.incidents.watch.named import NamedDetectors
from sre_copilot.incidents.watch.status import WatchStatus
from sre_copilot.incidents.watch.telling import Tell, TellingJournal
from sre_copilot.incidents.watch.told_changes import ToldChanges
from sre_copilot.perception.source import MetricSource, Reading, Source
from sre_copilot.settings.document import Settings
from sre_copilot.store.facts import Facts
from sre_copilot.store.profiles import ArrayStore
from sre_copilot.store.records import Records
from sre_copilot.telemetry import OwnMetrics, log

PATIENCE = 0.6  # of the interval: what has not answered by then comes with the next tick
KEEP_EVERY_S = 300.0  # the state is kept so often; what came after is read again from the source
DAY_S = 86_400
FORESIGHT_SHARE = 0.1  # of the interval: a round of forecasts is spread over as many ticks as it needs
NAMED_SHARE = 0.1  # of the interval: what detectors that are chosen by name may take
STALE_S = 600.0  # of a source that has told nothing for so long nothing can be expected
_log = log(__name__)


class Watch:
    """Watches all sources; one thread calls `tick`, any thread may ask for `status`."""

    def __init__(
        self,
        sources: Sequence[Source],
        settings: Settings,
        *,
        reopen: Callable[[], Sequence[Source]],
        examine: Callable[[], Sequence[Source]] | None = None,
        arrays: ArrayStore,
        anomalies: Records,
        breaches: Records,
        changes: Records,
        investigations: Records,
        facts: Facts,
        methods: Callable[[], Methods],
        investigate: Investigate = investigate,
        make_detector: Callable[[str], SeriesDetector],
        clock: Clock,
        own: OwnMetrics,
        tell: Tell | None = None,
        saw: Callable[[str, Reading], None] = lambda source, reading: None,
    ) -> None:
        self._settings = settings
        self._make_detector = make_detector
        self._reopen = reopen
        self._clock = clock
        self._own = own
        self._arrays = arrays
        self._facts = facts
        self._feeds = [Feed[Answer](source) for source in sources]
        self._metrics = {
            source.name: MetricWatch(settings.baseline.step_seconds, _rules(settings).least)
            for source in sources
            if isinstance(source, MetricSource)
        }
        self._events = EventWatch()
        self._covered: dict[str, float] = {}
        self._journal = TellingJournal(tell, anomalies=anomalies, breaches=breaches)
        self._changes = ToldChanges(changes)
        self._saw = saw
        self._records = (anomalies, breaches, changes, investigations)
        self._episodes = Episodes(_rules(settings), told=self._journal.unfinished())
        self._learner = Learner(
            clock, done=self._lessons, met=self._events.know, unknown=self._events.unknown
        )
        self._new_lessons: dict[str, Lesson] = {}
        self._lock = threading.Lock()
        self._foresight = Foresight(settings.prediction)
        self._across = AcrossMetrics(settings, arrays)
        self._inquiries = Inquiries(
            examine or reopen, changes, investigations, methods, clock=clock, own=own, investigate=investigate
        )
        self._board = Board(sources, own=own, started_at=clock.now())
        self._status = WatchStatus(started_at=clock.now(), interval_seconds=settings.check_interval_seconds)
        self._kept_at = 0.0
        self._stop = threading.Event()
        self._owing = Owing()
        self._guard = threading.Lock()
        self._named = {name: self._detectors() for name in self._metrics}
        self._recall()

    # -- the loop ---------------------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Tick until told to stop; a tick that takes longer than the interval makes the next ones miss, and that is counted."""
        _log.info("Starting monitoring loop...")
        self._stop = stop
        interval = self._settings.check_interval_seconds
        if not any(watch.learned for watch in self._metrics.values()):
            self.request_learning()
        following = (self._clock.now() // interval + 1) * interval
        while not stop.is_set():
            if self._clock.wait(following - self._clock.now(), stop):
                return
            try:
                self.tick()
            except Exception:  # noqa: BLE001 - the top of the loop: one bad tick must not end the watch
                _log.exception("a tick failed; the watch goes on")
            following = min(following + interval, self._clock.now() + interval)  # clocks are put back, too
            if (behind := self._clock.now() - following) > 0:
                missed = int(behind // interval) + 1
                following += missed * interval
                self._own.missed_ticks.inc(missed)
                self._status = replace(self._status, missed_ticks=self._status.missed_ticks + missed)

    def tick(self) -> Turn:
        """Read, detect, record, once."""
        began, now = monotonic(), self._clock.now()
        self._apply_lessons()
        patience = PATIENCE * self._settings.check_interval_seconds
        answered = ask_all(
            self._feeds,
            lambda source: self._question(source, now),
            now=now,
            patience_seconds=patience,
            stop=self._stop,
        )
        self._board.note(answered, now)
        for name in answered.errors.keys() & self._metrics.keys():
            self._metrics[name].past_failed()
        found = self._detect(answered, now)
        looked = {name for name, answer in answered.answers.items() if answer.looked}
        turn = self._episodes.tick(found, at=now, unseen=lambda episode: episode.source not in looked)
        self._journal.keep(turn, at=now)
        self._close_forgotten(now)
        self._tell(turn, answered)
        if not self._journal.tells:  # else what is told becomes an incident, and that is investigated
            self._inquiries.consider(turn, self._episodes.open(), now=now)
        if not self._stop.is_set():
            self._foresee(now)
            self._keep(now)
        self._done(now, monotonic() - began)
        return turn

    @property
    def busy(self) -> bool:
        """Whether a thread of it still reads, learns or investigates."""
        return self._learner.busy or self._inquiries.busy or any(feed.busy for feed in self._feeds)

    def close(self, *, keep: bool = True) -> None:
        """Keep all state, unless a tick is still at work on it, and let go of the sources."""
        if keep:
            self._keep(self._clock.now(), always=True)
        self._inquiries.close()
        for feed in self._feeds:
            feed.close()

    # -- for the interfaces -----------------------------------------------------------------------------------------

    def status(self) -> WatchStatus:
        """How it is doing."""
        return replace(self._status, sources=self._board.all(), learning=self._learner.status)

    def request_learning(self, *, wait: bool = False) -> bool:
        """Learn anew from history in the background; False when that is under way."""
        return self._learner.start(self._across.overhearing(self._reopen), self._settings.baseline, wait=wait)

    def baselines(self) -> list[BaselineRow]:
        """Every watched series and what is expected of it now."""
        now = self._clock.now()
        rows = [row for name, watch in self._metrics.items() for row in baseline_rows(name, watch, now)]
        return sorted(rows, key=lambda row: row.key)

    def forecast(self, key: SeriesKey, *, hours: float, source: str = "") -> Forecast | None:
        """The next hours of one series, of one source or of the first that has it; None when it is not known."""
        with self._guard:
            for name, watch in self._metrics.items():
                if source in {"", name} and watch.row(key) is not None:
                    return self._foresight.forecast(watch, key, hours=hours)
        return None

    def learned_series(self, service: str, metric: str) -> list[tuple[str, SeriesKey]]:
        """The learned series of one metric of a service, each with its source."""
        return series_of(self._metrics, service, metric)

    # -- the steps of a tick ----------------------------------------------------------------------------------------

    def _question(self, source: Source, now: float) -> Callable[[], Answer]:
        since = self._covered.get(source.name, now - self._settings.check_interval_seconds)
        watch = self._metrics.get(source.name)
        if watch is not None:
            watch.put_back(now)
        return question(source, watch, since=since, now=now)

    def _detect(self, answered: Round[Answer], now: float) -> list[Seen]:
        found: list[Seen] = []
        changes = self._changes.take(changes_in(answered), now=now)
        for name, answer in answered.answers.items():
            watch = self._metrics.get(name)
            if watch is not None and answer.steps is not None:
                judged = self._judged(name, watch, answer)
                judged += self._across.take(name, watch, found=judged, going_on=self._episodes.open())
                found += [Seen(each, name) for each in judged]
            elif answer.reading is not None:
                self._saw(name, answer.reading)
                since = self._covered.get(name, answer.until - self._settings.check_interval_seconds)
                window = answer.window or Window(min(since, answer.until), answer.until)
                told = self._events.take(name, answer.reading.telemetry, window, changes=changes)
                found += [Seen(each, name) for each in told]
                self._covered[name] = answer.until
        return found

    def _judged(self, name: str, watch: MetricWatch, answer: Answer) -> list[Anomaly]:
        """What the series of one source show: by the ensemble, and by the detectors that are named for their metrics."""
        named = self._named[name]
        with self._guard:
            found = watch.take(answer.steps) if answer.steps is not None else []
            if answer.present is not None:
                found += watch.peek(answer.present)
        if not named:
            return found
        kept = [each for each in found if not named.silences(each)]
        return kept + (named.take(answer.steps, watch) if answer.steps is not None else [])

    def _detectors(self) -> NamedDetectors:
        chosen = self._settings.anomaly_detection
        budget = NAMED_SHARE * self._settings.check_interval_seconds
        return NamedDetectors(
            chosen.detectors, self._make_detector, threshold=chosen.threshold, budget_seconds=budget
        )

    def _tell(self, turn: Turn, answered: Round[Answer]) -> None:
        steps = [answer.steps for answer in answered.answers.values() if answer.steps is not None]
        keys = [key for block in steps for key in block.keys]
        if steps:
            _log.info(f"Collected {len({key.metric for key in keys})} metrics", series=len(keys))
        if turn.opened:
            _log.info(f"Detected {len(turn.opened)} anomalies")
        for episode in turn.opened:
            anomaly = episode.anomaly
            self._own.anomalies.labels(anomaly.severity).inc()
            said = say(anomaly.finding.message, self._settings.language)
            _log.info(f"Handling anomaly: {anomaly.metric}", entity=anomaly.entity, id=episode.id, said=said)
        if turn.left_out:
            _log.warning(
                "anomalies were left out: anomaly_detection.max_open is reached", count=turn.left_out
            )

    def _close_forgotten(self, now: float) -> None:
        """Close what an earlier process told and what has not gone on for as long as anything is waited for."""
        enough, told = self._settings.anomaly_detection.clear_ticks, self._episodes.told
        looks = {key: self._board.looked(each.source) for key, each in told.items()}
        over = [key for key, count in looks.items() if count is None or count > enough]
        if over:
            self._journal.close([told.pop(key) for key in over], at=now)

    def _foresee(self, now: float) -> None:
        budget = FORESIGHT_SHARE * self._settings.check_interval_seconds
        stale = [name for name, watch in self._metrics.items() if now - (watch.committed or 0) > STALE_S]
        seen = {name: watch for name, watch in self._metrics.items() if name not in stale}
        expected = self._foresight.go_on(seen, now=now, budget_seconds=budget)
        if expected is not None:
            count = self._journal.expect(expected, at=now, unseen=stale)
            self._own.breaches_open.set(count)
            self._status = replace(self._status, open_breaches=count)

    def _done(self, now: float, seconds: float) -> None:
        learned = sum(len(watch.learned.keys) for watch in self._metrics.values() if watch.learned)
        unknown = sum(len(watch.unknown) for watch in self._metrics.values())
        count = len(self._episodes.open())
        self._status = replace(
            self._status,
            ticks=self._status.ticks + 1,
            last_tick_at=now,
            last_tick_seconds=seconds,
            series=learned + unknown,
            learned=learned,
            warming_up=unknown,
            open_anomalies=count,
        )
        self._own.ticks.inc()
        self._own.tick_seconds.observe(seconds)
        self._own.lag_seconds.set(max(0.0, self._clock.now() - now))
        self._own.series.labels("learned").set(learned)
        self._own.series.labels("warming_up").set(unknown)
        self._own.anomalies_open.set(count)

    # -- what is learned, and kept ----------------------------------------------------------------------------------

    def _lessons(self, lessons: Any) -> None:
        """Take what was learned; the thread that ticks will use it from its next tick on."""
        with self._lock:
            self._new_lessons = dict(lessons)
        for name, lesson in lessons.items():
            learning.save(self._arrays, name, lesson.learned)
        if lessons:
            self._own.learned_seconds.set(self._clock.now())
        self._facts.set("learned_at", self._clock.now())
        self._across.learn()

    def _apply_lessons(self) -> None:
        with self._lock:
            lessons, self._new_lessons = self._new_lessons, {}
        with self._guard:
            for name, lesson in lessons.items():
                self._metrics[name].know(
                    lesson.learned, lesson.state, committed=lesson.committed, history=lesson.day
                )
        if lessons:
            self._kept_at = 0.0  # a state that does not belong to what was learned is of no use

    def _recall(self) -> None:
        """Go on with what an earlier process learned and kept."""
        for name, watch in self._metrics.items():
            watch.past_seconds = NAMED_DAYS * DAY_S if self._named[name] else 0
            learned = learning.load(self._arrays, name)
            if learned is None or learned.profile.step_seconds != watch.step_seconds:
                continue
            state, committed = learning.load_state(self._arrays, name, learned)
            if (
                committed is None
            ):  # the state is of another lesson: the last hours bring a fresh one up to date
                committed = int(self._clock.now()) // watch.step_seconds * watch.step_seconds - CATCH_UP_S
            watch.know(learned, state, committed=committed)
            watch.past_seconds = max(DAY_S, watch.past_seconds)
            self._own.learned_seconds.set(learned.learned_at)
        for feed in self._feeds:
            if feed.name not in self._metrics:
                self._events.recall(self._arrays, feed.name)
                asking.resume_feed(feed.source, self._facts)

    def _keep(self, now: float, *, always: bool = False) -> None:
        if always or now - self._kept_at >= KEEP_EVERY_S:
            for name, watch in self._metrics.items():
                if watch.learned and watch.state and watch.committed is not None:
                    learning.save_state(
                        self._arrays, name, watch.learned, watch.state, committed=watch.committed
                    )
            self._events.save(self._arrays)
            for feed in self._feeds:
                asking.keep_place(feed.source, self._facts)
            self._kept_at = now
        if always:  # the end is no time to begin anything
            return
        if self._relearning_due(now):
            self.request_learning()
            for records in self._records:
                records.forget(before=now - self._settings.store.keep_days * DAY_S)
        elif self._owing.due(self._unlearned(), self._learner.status, now):
            self.request_learning()

    def _unlearned(self) -> bool:
        """Whether nothing was learned of a source yet: it was down, or has too little history."""
        return any(watch.learned is None for watch in self._metrics.values()) and not self._new_lessons

    def _relearning_due(self, now: float) -> bool:
        """Whether the daily time of learning has come since the last one began."""
        begun = self._learner.status.started_at or self._facts.get("learned_at")
        if begun is None:
            return False
        hour, minute = map(int, self._settings.baseline.relearn_at.split(":"))
        today = now // DAY_S * DAY_S + hour * 3600 + minute * 60
        latest = today if today <= now else today - DAY_S
        return float(begun) < latest


def _rules(settings: Settings) -> Rules:
    chosen = settings.anomaly_detection
    return Rules(
        threshold=chosen.threshold,
        thresholds=chosen.thresholds,
        confirm_ticks=chosen.confirm_ticks,
        clear_ticks=chosen.clear_ticks,
        max_open=chosen.max_open,
    )
