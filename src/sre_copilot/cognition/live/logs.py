"""Logs of a running system against the learned past: statements that are new, that burst, that are no longer written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.cognition.live.log_findings import SEPARATOR, Seen, told_of
from sre_copilot.cognition.live.seasonal import MINUTE_S, Seasonal, needed
from sre_copilot.cognition.logs.classify import Classification, classify
from sre_copilot.cognition.logs.model import LogModel
from sre_copilot.cognition.logs.templates import pattern
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.signals import Change, Window

WARM_UP_DAYS = 1 / 24
"""An hour: before it everything is new, and only lines that mean a fault anywhere (a resource is exhausted) are told."""

DAILY_DAYS = 1.0
"""Before a whole day was learned a statement may be absent because its time of day has not come: only errors are told as new, nothing as vanished."""

FRESH_S = 600.0  # lines of a new statement are counted together so long: two retries a few minutes apart are one trouble
PAUSE_S = 120.0  # an onset is known to a minute or two: what paused for longer has begun anew
FEWEST_ERRORS = 3  # one or two of a kind are what every system has
FREQUENT = 0.5  # of what its service writes: a statement that is no error must change the picture to be told
GRACE_S = 1_800.0  # after a change of a service its wording may differ; errors are told all the same
MORE = (
    1.5  # times the most that a minute around this time of day has held: bursts that come daily are no news
)
ERROR_FACTOR, OTHER_FACTOR = (
    2.0,
    4.0,
)  # times what is due; lines that are no errors follow the load and its mix
FEWEST_ROWS = 5.0  # above what is due: fewer are nobody's trouble
SILENCE = 2.0  # times its longest silence so far: the next one may be half as long again by chance
LONGEST_S = 1_800.0  # of silence that counts: the rate is that of this time of day


@dataclass(slots=True)
class _Fresh:
    """A statement that was not learned yet: lines since `since`, without a pause since `began`, until `last`."""

    since: float
    count: int
    began: float
    last: float


class LiveLogs:
    """Learns how often each service writes each statement, and tells what differs.

    `learn` takes the past, stretch by stretch in order of time; `tick` judges a window of a minute or a few and learns nothing but that statements were
    seen, so that an incident does not become normal; what has passed and is known to be quiet is given to `learn` later.
    """

    def __init__(self) -> None:
        self.model = LogModel()
        self.counts = Seasonal()
        self._levels: dict[str, str] = {}
        self._fresh: dict[str, _Fresh] = {}
        self._retired: set[str] = set()

    def learn(self, table: pl.DataFrame, window: Window | None = None) -> None:
        """Add a log table of the past; `window` is what it covers, default from its first to its last line."""
        rows = self._rows(table, window)
        if rows.is_empty() and window is None:
            return
        covered = window or _span(rows)
        each = rows.group_by("service", "template", "minute").agg(n=pl.len(), level=pl.col("level").max())
        whole = rows.group_by("service", "minute").agg(n=pl.len())
        keys = self._keys(each["service"], each["template"])
        self._levels.update(zip(keys, each["level"], strict=True))
        names = [*keys, *(f"{service}{SEPARATOR}" for service in whole["service"])]
        minutes = np.concatenate([each["minute"].to_numpy(), whole["minute"].to_numpy()])
        counts = np.concatenate([each["n"].to_numpy(), whole["n"].to_numpy()]).astype(np.float64)
        self.counts.learn(self.counts.index(names), minutes, counts, covered)
        for name in set(keys):
            self._fresh.pop(name, None)
            self._retired.discard(name)
        self._forget()

    def tick(
        self, table: pl.DataFrame | None, window: Window, *, changes: Sequence[Change] = ()
    ) -> list[Anomaly]:
        """Judge the lines of one window, most surprising first; `table` None (not recorded) is no judgement.

        Parameters
        ----------
        changes : deployments and the like, of which new wording is no anomaly
        """
        if table is None:
            return []
        rows = self._rows(table, window)
        if rows.is_empty() and not table.is_empty():
            return []  # other times were recorded, this one was not
        seen = _seen(rows)
        changed = {each.service for each in changes if 0 <= window.end - each.ts <= GRACE_S}
        limit = needed(len(self.counts.places))
        told = [*self._new(seen, window, changed, limit)]
        if self.counts.days >= WARM_UP_DAYS:
            loads = self._loads(rows, window)
            told += self._bursts(seen, window, loads, limit)
            told += self._vanished(seen, table, window, loads, changed, limit=limit)
        return sorted(told, key=lambda each: (-each.score, each.entity, each.finding.id))

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What cannot be told yet."""
        days = self.counts.days
        if days >= DAILY_DAYS:
            return ()
        key = "gap.live_logs_first_hour" if days < WARM_UP_DAYS else "gap.live_logs_first_day"
        return (Gap(modality="logs", message=Message(key=key, params=(("hours", round(days * 24, 1)),))),)

    def merge(self, other: LiveLogs) -> None:
        """Add what another learned of other stretches of time; the same time twice would halve every rate."""
        ids = self.model.merge(other.model)
        names = [_renamed(name, ids) for name in other.counts.places]
        self.counts.merge(other.counts, names=names)
        self._levels.update({_renamed(name, ids): level for name, level in other._levels.items()})
        self._retired |= {_renamed(name, ids) for name in other._retired}
        self._forget()

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays by name, and the rest fit for JSON."""
        arrays, meta = self.counts.state()
        return arrays, {
            "counts": meta,
            "model": self.model.state(),
            "levels": dict(self._levels),
            "retired": sorted(self._retired),
        }

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], meta: dict[str, Any]) -> LiveLogs:
        """The learned past that a state was taken of."""
        found = cls()
        found.counts = Seasonal.of(arrays, meta["counts"])
        found.model = LogModel.of(meta["model"])
        found._levels = dict(meta["levels"])
        found._retired = set(meta.get("retired", ()))  # states of earlier releases have none
        return found

    def _forget(self) -> None:
        """Drop the counts of statements whose template was forgotten: none will come under its id again."""
        known = self.model.templates
        kept = [
            name
            for name in self.counts.places
            if not (template := name.partition(SEPARATOR)[2]) or int(template) in known
        ]
        if len(kept) < len(self.counts.places):
            self.counts.keep(kept)
            self._levels = {name: self._levels[name] for name in kept if name in self._levels}
            self._retired &= set(kept)

    def _rows(self, table: pl.DataFrame, window: Window | None) -> pl.DataFrame:
        """service, level, template, minute of the lines of a window."""
        level = pl.col("level").fill_null("") if "level" in table.columns else pl.lit("")
        rows = table.filter(pl.col("ts_ns").is_not_null()).select(
            "ts_ns",
            "service",
            level.alias("level"),
            pl.col("message").fill_null(""),
            (pl.col("ts_ns") // (MINUTE_S * 1_000_000_000)).alias("minute"),
        )
        if window is not None:
            t = pl.col("ts_ns") / 1e9
            rows = rows.filter((t >= window.start) & (t < window.end))
        at = window.end if window else float(rows["ts_ns"].max() or 0) / 1e9  # type: ignore[arg-type]
        ids = self.model.assign(rows["message"], at=at)
        return rows.drop("message").with_columns(pl.Series("template", ids))

    @staticmethod
    def _keys(services: Iterable[str], templates: Iterable[int]) -> list[str]:
        return [f"{service}{SEPARATOR}{each}" for service, each in zip(services, templates, strict=True)]

    def _about(self, template: int, level: str) -> tuple[str, Classification]:
        text = self.model.templates.get(template, "")
        return text, classify(text, level)

    def _new(
        self, seen: Sequence[Seen], window: Window, changed: set[str], limit: float
    ) -> Iterator[Anomaly]:
        """Statements that no learned day knows: errors, faults of resources at once, and what takes over a service's log."""
        self._fresh = {name: each for name, each in self._fresh.items() if window.end - each.since <= FRESH_S}
        volume: dict[str, int] = {}
        for each in seen:
            volume[each.service] = volume.get(each.service, 0) + each.count
        for each in seen:
            if each.name in self.counts.places:
                continue
            fresh = self._fresh.setdefault(
                each.name, _Fresh(window.start, 0, began=window.start, last=window.start)
            )
            if window.start - fresh.last > PAUSE_S:
                fresh.began = window.start
            fresh.count, fresh.last = fresh.count + each.count, window.end
            text, about = self._about(each.template, each.level)
            resource = about.topic == "resource"
            error = about.is_error and self.counts.days >= WARM_UP_DAYS and fresh.count >= FEWEST_ERRORS
            frequent = (
                self.counts.days >= DAILY_DAYS
                and each.service not in changed
                and each.count >= max(20, FREQUENT * volume[each.service])
            )
            if resource or error or frequent:
                yield told_of(
                    "live.log_new",
                    each,
                    window,
                    text=text,
                    about=about,
                    expected=0.0,
                    nats=limit + fresh.count,
                    needed=limit,
                    severity="high" if about.is_error else "warning",
                    since=fresh.began,
                )

    def _loads(self, rows: pl.DataFrame, window: Window) -> dict[str, float]:
        """For each learned service how much it writes by how much is due; NaN where nothing is due."""
        names = [name for name in self.counts.places if name.endswith(SEPARATOR)]
        counted = dict(rows.group_by("service").agg(n=pl.len()).iter_rows())
        due = self.counts.expected(self.counts.index(names), window).mean.tolist()
        return {
            name[:-1]: counted.get(name[:-1], 0) / mean if mean > 0 else float("nan")
            for name, mean in zip(names, due, strict=True)
        }

    def _bursts(
        self, seen: Sequence[Seen], window: Window, loads: dict[str, float], limit: float
    ) -> Iterator[Anomaly]:
        known = [each for each in seen if each.name in self.counts.places]
        keys = self.counts.index([each.name for each in known])
        due = self.counts.expected(keys, window)
        counts = np.asarray([each.count for each in known], dtype=np.float64)
        nats = due.nats_above(counts)
        for place, each in enumerate(known):
            if nats[place] < limit or each.most <= MORE * due.peak[place]:
                continue
            text, about = self._about(each.template, each.level)
            factor = ERROR_FACTOR if about.is_error else OTHER_FACTOR * max(loads.get(each.service, 1.0), 1.0)
            mean = float(due.mean[place])
            if each.count >= factor * mean and each.count - mean >= FEWEST_ROWS:
                yield told_of(
                    "live.log_burst",
                    each,
                    window,
                    text=text,
                    about=about,
                    expected=mean,
                    nats=float(nats[place]),
                    needed=limit,
                    severity="high" if about.is_error else "warning",
                )

    def _vanished(
        self,
        seen: Sequence[Seen],
        table: pl.DataFrame,
        window: Window,
        loads: dict[str, float],
        changed: set[str],
        *,
        limit: float,
    ) -> Iterator[Anomaly]:
        """Statements, or whole services, that were written regularly and are not any more."""
        present = {each.name for each in seen} | {f"{each.service}{SEPARATOR}" for each in seen}
        names = list(self.counts.places)
        here = self.counts.index([name for name in names if name in present])
        self.counts.last[here] = window.end
        self._retired -= present
        if self.counts.days < DAILY_DAYS:
            return
        for name, nats, mean, since in self._silent(names, window, loads, limit):
            service, _, template = name.partition(SEPARATOR)
            if name in self._retired:
                continue
            if service in changed and template:
                self._retired.add(name)
                continue
            quiet = Seen(service, int(template) if template else -1, self._levels.get(name, ""), 0, 0)
            text, about = self._about(quiet.template, quiet.level) if template else ("", classify(""))
            if about.is_error or (template and _still_written(table, service, text, window)):
                continue
            yield told_of(
                "live.log_vanished" if template else "live.log_silent",
                quiet,
                window,
                text=text,
                about=about,
                expected=mean,
                nats=nats,
                needed=limit,
                severity="warning" if template else "high",
                since=since,
            )

    def _silent(
        self, names: list[str], window: Window, loads: dict[str, float], limit: float
    ) -> Iterator[tuple[str, float, float, float]]:
        """Name, surprise, rows due and last time of what is silent for longer than ever; of a silent service the service alone."""
        since = self.counts.last
        silence = np.minimum(window.end - since, LONGEST_S)
        long = np.flatnonzero(window.end - since > SILENCE * self.counts.gap + MINUTE_S)
        due = self.counts.expected(long, window)
        load = np.asarray([loads.get(names[place].partition(SEPARATOR)[0], 1.0) for place in long])
        whole = np.asarray([names[place].endswith(SEPARATOR) for place in long], dtype=bool)
        scale = np.where(whole, 1.0, np.minimum(np.nan_to_num(load, nan=0.0), 1.0))
        due = type(due)(due.mean * scale * silence[long] / window.seconds, due.spread, due.peak, due.seasonal)
        nats = due.nats_below(np.zeros(len(long)))
        for place in np.flatnonzero(nats >= limit).tolist():
            index = int(long[place])
            yield names[index], float(nats[place]), float(due.mean[place]), float(since[index])


def _seen(rows: pl.DataFrame) -> list[Seen]:
    """The statements of a window, by service and template."""
    by_minute = rows.group_by("service", "template", "minute").agg(n=pl.len(), level=pl.col("level").max())
    each = by_minute.group_by("service", "template").agg(
        pl.col("level").max(), pl.col("n").sum(), most=pl.col("n").max()
    )
    return [Seen(*row) for row in each.sort("service", "template").iter_rows()]


def _still_written(table: pl.DataFrame, service: str, text: str, window: Window) -> bool:
    """Whether lines that read like a statement are there all the same, as another template."""
    words = pattern(text)
    if not words:
        return True
    t = pl.col("ts_ns") / 1e9
    own = (pl.col("service") == service) & (t >= window.start) & (t < window.end)
    return not table.filter(own & pl.col("message").str.contains(words)).is_empty()


def _span(rows: pl.DataFrame) -> Window:
    first, last = rows["minute"].min(), rows["minute"].max()
    return Window(float(first) * MINUTE_S, (float(last) + 1) * MINUTE_S)  # type: ignore[arg-type]


def _renamed(name: str, ids: dict[int, int]) -> str:
    service, _, template = name.partition(SEPARATOR)
    return f"{service}{SEPARATOR}{ids.get(int(template), -1) if template else ''}"
