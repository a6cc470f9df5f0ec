"""Detect anomalies: by the detectors of whole incidents, or by any registered detector of series by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.looking import Look, look
from sre_copilot.agents.toolkit.measuring import Measurer, fact, measured
from sre_copilot.agents.toolkit.names import nearest, service_of
from sre_copilot.agents.toolkit.series import Key, chosen, key_of, of_key, on_grid
from sre_copilot.agents.toolkit.times import is_timeless, said, window_of
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.agents.toolkit.units import amount, instance_of, unit_of
from sre_copilot.cognition.detectors.least_move import matters
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.errors import MethodError
from sre_copilot.plugins import load, load_one, registered

CASES, SERIES = "sre_copilot.detectors", "sre_copilot.series_detectors"
TOLD = 0.7  # score from which an anomaly is worth telling, as everywhere
CALM_MARGIN_S = 60.0  # the onset is known to a minute or so
FEWEST = 5  # values on each side: with fewer a level is no level
FAR = 5.0  # robust standard deviations: chance alone is not so far once in a million
MOSTLY = 0.5  # of the values since the onset: a change of level, not a spike
MOST_SERIES = 60  # judged by one call: a second for the default detector, a minute for the slowest
PAST_S = 6 * 3600.0  # read before the window, so that a detector knows what was usual


LOOKED: tuple[tuple[Modality, str], ...] = (
    ("metrics", "value"),
    ("logs", "rows"),
    ("traces", "rows"),
    ("transactions", "count"),
    ("state", "rows"),
)
"""What detectors look at, and what of it is counted."""


class DetectAnomaliesArguments(TimeArguments):
    """By what, and where."""

    detector: str = Field(
        default="",
        max_length=60,
        description="Detector of series, for example ensemble; empty: those of incidents",
    )
    modality: Literal["", "metrics", "logs", "traces", "state", "transactions", "changes"] = Field(
        default="", description="Kind of telemetry; empty: all"
    )
    service: str = Field(default="", max_length=200, description="Name of the service; empty: all")
    metric: str = Field(
        default="", max_length=200, description="Metric or a part of its name, for a detector of series"
    )


class DetectAnomalies(ReadingTool):
    """Tells what is abnormal in a window, the strongest first; what does not re-run true is left out."""

    name = "detect_anomalies"
    Arguments = DetectAnomaliesArguments
    said: ClassVar = {
        "en": "Tells what is abnormal in a window, by the registered detectors or by one detector of series by name.",
        "zh": "用已注册的检测器，或按名称指定的时间序列检测器，给出一段时间内的异常。",
    }

    def answer(self, arguments: DetectAnomaliesArguments, context: ToolContext) -> ToolResult:
        """Run what was asked for."""
        window = window_of(arguments.start, arguments.end, context)
        if arguments.detector or arguments.metric:
            return _of_series(arguments, window, context)
        return _of_cases(arguments, window, context)


def _of_cases(arguments: DetectAnomaliesArguments, window: Window, context: ToolContext) -> ToolResult:
    observation = context.scene.observe(window)
    service = service_of(arguments.service, context) if arguments.service else ""
    detections = [detector(observation) for detector in load(CASES).values()]
    told = (*observation.gaps, *(gap for each in detections for gap in each.gaps))
    gaps = tuple(dict.fromkeys(gap for gap in told if arguments.modality in ("", gap.modality)))
    found = {finding.id: finding for each in detections for finding in each.findings}
    measurer = Measurer(observation)
    kept = [each for each in found.values() if _wanted(each, arguments.modality, service)]
    true = [
        each
        for each in sorted(kept, key=lambda each: (-each.weight, each.id))[:MOST_SERIES]
        if measurer.holds(each)
    ]
    digest = Digest(context)
    digest.remark("tool.asked.anomalies", found=len(true), by=arguments.modality or "all")
    if not true:
        looked = _looked(measurer, arguments.modality)
        if not looked:
            raise Trouble("no_data", "tool.none.anomalies", gaps=gaps, by=arguments.modality or "all")
        for finding in looked:
            digest.state(finding)
        return digest.result(observation, gaps=gaps)
    for finding in true:
        digest.state(finding)
    table = pl.DataFrame(
        {
            "entity": [each.entity for each in true],
            "kind": [each.kind for each in true],
            "weight": [each.weight for each in true],
            "fault_type": [each.fault_type or "" for each in true],
        }
    )
    return digest.result(observation, rows=table, gaps=gaps)


def _looked(measurer: Measurer, modality: str) -> list[Finding]:
    """That nothing abnormal was found in what was recorded: an answer, where there was something to look at."""
    found = []
    for source, measure in LOOKED:
        if modality not in ("", source):
            continue
        count = measurer.measure(measured(source, measure, {}, None), "count")
        if count is not None and count.value:
            params = {"rows": int(count.value), "modality": source}
            found.append(fact("tool.anomaly.calm", "*", source, (count.check,), window=None, **params))
    return found


def _wanted(finding: Finding, modality: str, service: str) -> bool:
    return (not modality or finding.modality == modality) and (
        not service or service in (finding.entity, *finding.related)
    )


@dataclass(frozen=True, slots=True)
class Abnormal:
    """The most abnormal value of a series in the window."""

    key: Key
    at: int
    step: int
    score: float
    value: float
    usual: float
    by: str = ""


def _of_series(arguments: DetectAnomaliesArguments, window: Window, context: ToolContext) -> ToolResult:
    name = arguments.detector or "ensemble"
    known = [plugin.name for plugin in registered(SERIES)]
    if name not in known:
        raise Trouble("error", "tool.problem.detector", name=name, near=", ".join(nearest(name, known)))
    if is_timeless(window):
        raise Trouble("no_data", "tool.none.timeless")
    past = Window(max(context.scene.bounds().start, window.start - PAST_S), window.end)
    seen = look(context, past, "metrics")
    table = chosen(seen, service=arguments.service, metric=arguments.metric)
    found: list[Abnormal] = []
    judged = 0
    keys = [
        key_of(row)
        for row in table.select("service", "metric", "instance").unique().sort(pl.all()).iter_rows(named=True)
    ]
    for key in keys[:MOST_SERIES]:
        rows = of_key(table, key)
        scores = _scores(name, rows)
        judged += scores is not None and bool(np.isfinite(scores[0]).any())
        found += list(_abnormal(key, scores, window)) or _moved(key, rows, window, seen.observation)
    if not judged:
        raise Trouble("no_data", "tool.none.judged", detector=name, series=len(keys), gaps=seen.gaps)
    digest = Digest(context)
    digest.remark("tool.asked.detector", detector=name, judged=judged, series=len(keys), found=len(found))
    for abnormal in sorted(found, key=lambda each: (-each.score, each.key)):
        if (finding := _told(seen, name, abnormal)) is not None:
            digest.state(finding)
    if not found:
        for finding in _calm(seen, name, keys, window):
            digest.state(finding)
    return digest.result(seen.observation, rows=_rows(found), gaps=seen.gaps)


Scores = tuple[np.ndarray, np.ndarray, int, int]


def _scores(name: str, rows: pl.DataFrame) -> Scores | None:
    if rows.is_empty():
        return None
    values, start, step = on_grid(rows)
    try:
        scores = load_one(SERIES, name)().score(values, start=start, step_seconds=step)
    except ValueError as error:
        raise MethodError(f"detector '{name}': {error}") from error
    return np.asarray(scores), values, start, step


def _abnormal(key: Key, scores: Scores | None, window: Window) -> Iterator[Abnormal]:
    if scores is None:
        return
    score, values, start, step = scores
    times = start + step * np.arange(len(values))
    inside = (times >= window.start) & (times < window.end) & np.isfinite(score) & np.isfinite(values)
    if not inside.any():
        return
    place = int(np.flatnonzero(inside)[np.argmax(score[inside])])
    if score[place] >= TOLD:
        usual = float(np.median(values[np.isfinite(values)]))
        if not matters(key[1], float(values[place]), usual):
            return
        yield Abnormal(key, int(times[place]), step, float(score[place]), float(values[place]), usual)


def _moved(key: Key, rows: pl.DataFrame, window: Window, observation: Observation) -> Iterator[Abnormal]:
    """A level that changed for good with the incident: a short window holds as much fault as calm, which no detector of single values sees.

    Calm is what was recorded before the onset, and in the reference.
    """
    onset = observation.incident.onset
    if onset is None:
        return
    calm = _values(rows, -np.inf, onset - CALM_MARGIN_S)
    if observation.reference is not None and observation.reference.metrics is not None:
        calm = np.concatenate([calm, _values(of_key(observation.reference.metrics, key), -np.inf, np.inf)])
    during = rows.filter((pl.col("ts") >= max(onset, window.start)) & (pl.col("ts") < window.end))
    values = during["value"].to_numpy()
    if len(calm) < FEWEST or len(values) < FEWEST:
        return
    usual = float(np.median(calm))
    spread = 1.4826 * float(np.median(np.abs(calm - usual)))
    away = np.abs(values - usual)
    level = float(np.median(values))
    if np.mean(away > FAR * spread) < MOSTLY or not matters(key[1], level, usual):
        return
    place = int(np.argmin(np.abs(values - level)))
    score = 1.0 - 1.0 / (1.0 + float(abs(level - usual)) / (FAR * spread + 1e-12))
    yield Abnormal(
        key, int(during["ts"][place]), 1, max(TOLD, score), float(values[place]), usual, by="level"
    )


def _values(rows: pl.DataFrame, start: float, end: float) -> np.ndarray:
    inside = rows.filter((pl.col("ts") >= start) & (pl.col("ts") < end))
    return inside["value"].to_numpy()


def _told(seen: Look, detector: str, abnormal: Abnormal) -> Finding | None:
    """The value that was scored and the usual level: both can be looked up; the score is the detector's word."""
    service, metric, instance = abnormal.key
    where = {"service": service, "instance": instance, "metric": metric}
    here = Window(abnormal.at, abnormal.at + abnormal.step)
    value = seen.measurer.measure(measured("metrics", "value", where, here), "last")
    usual = seen.measurer.measure(measured("metrics", "value", where, seen.window), "median")
    if value is None or usual is None:
        return None
    kind = "tool.anomaly.above" if value.value >= usual.value else "tool.anomaly.below"
    return fact(
        kind, service, "metrics", (value.check, usual.check), window=here, metric=metric,
        who=instance_of(service, instance), detector=abnormal.by or detector, score=abnormal.score, when=said(abnormal.at),
        value=amount(value.value, unit_of(metric)), usual=amount(usual.value, unit_of(metric)),
    )  # fmt: skip


def _calm(seen: Look, detector: str, keys: list[Key], window: Window) -> Iterator[Finding]:
    """That a detector found nothing in series that it could judge."""
    for service, metric, instance in keys[:5]:
        where = {"service": service, "instance": instance, "metric": metric}
        levels = seen.measurer.all(measured("metrics", "value", where, window), "count", "median")
        if levels is not None:
            count, median = levels
            yield fact(
                "tool.anomaly.none", service, "metrics", tuple(each.check for each in levels), window=window,
                metric=metric, who=instance_of(service, instance), detector=detector,
                samples=int(count.value), usual=amount(median.value, unit_of(metric)),
            )  # fmt: skip


def _rows(found: list[Abnormal]) -> pl.DataFrame | None:
    rows = [
        {"service": a.key[0], "metric": a.key[1], "instance": a.key[2], "at": said(a.at), "score": a.score, "value": a.value}
        for a in found
    ]  # fmt: skip
    return pl.DataFrame(rows) if rows else None
