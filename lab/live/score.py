"""How soon faults are noticed, and how often something is told while nothing is wrong: measured at the running lab from outside."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from lab.faults import FAULTS
from lab.layout import CALLS
from lab.live.copilot import Interface
from lab.live.inject import injected
from lab.live.state import State

GIVE_UP_S = 120.0
STAY_S = 12.0  # after the first word: one more tick, to see who else is named
CALM_S = 20.0  # without an open anomaly before the next fault, and at random up to an interval more
MOST_RECOVERY_S = 240.0  # caches, pools and the longest window of a rate are empty again by then
POLL_S = 1.0
ANSWER_S = 60.0
Say = Callable[[str], None]
Anomaly = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One fault: when it was injected (epoch s), what was told first and when, and all that was told meanwhile."""

    fault: str
    service: str
    is_fault: bool
    at: float
    seconds: float | None = None
    entity: str = ""
    metric: str = ""
    method: str = ""
    role: str = ""
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All trials, and what was told in how much calm time (s)."""

    trials: tuple[Trial, ...] = ()
    calm_seconds: float = 0.0
    false_alarms: tuple[Anomaly, ...] = ()


def families() -> list[str]:
    """The faults that are scored by default: all but the quiet one."""
    return [name for name in FAULTS if name != "quiet"]


def role(entity: str, culprit: str) -> str:
    """What an entity is to the culprit: itself, one who calls it (perhaps by way of others), or neither."""
    if entity == culprit:
        return "culprit"
    return "caller" if entity in callers(culprit) else "other"


def callers(culprit: str) -> set[str]:
    """Everybody whose calls reach it."""
    found = {name for name, called in CALLS.items() if culprit in called}
    return found.union(*(callers(name) for name in found)) if found else found


def judged(trial: Trial, told: Sequence[Anomaly]) -> Trial:
    """A trial with what was told since its injection; the first that concerns the culprit or who calls it is when it was noticed."""
    later = [each for each in told if each["opened_at"] >= trial.at]
    near = [each for each in later if role(each["entity"], trial.service) != "other"]
    if not near:
        return replace(trial, told=tuple(described(each) for each in later))
    first = near[0]
    together = [each for each in near if each["opened_at"] == first["opened_at"]]
    best = min(together, key=lambda each: (each["entity"] != trial.service, -each["score"]))
    return replace(
        trial,
        seconds=round(first["opened_at"] - trial.at, 1),
        entity=best["entity"],
        metric=best["metric"],
        method=best["method"],
        role=role(best["entity"], trial.service),
        told=tuple(described(each) for each in later),
    )


def described(anomaly: Anomaly) -> str:
    """An anomaly in a line."""
    return (
        f"{anomaly['entity']} {anomaly['metric']} {anomaly['method']} score {anomaly['score']:.2f}"
        f" {_number(anomaly['current'])} expected {_number(anomaly['expected'])}"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def typical(result: Result) -> float | None:
    """The median time to detect over all faults; one that was missed counts as later than any. None: at least half were missed."""
    times = [
        trial.seconds if trial.seconds is not None else float("inf")
        for trial in result.trials
        if trial.is_fault
    ]
    middle = median(times) if times else float("inf")
    return None if middle == float("inf") else middle


def missed(result: Result) -> list[str]:
    """Faults that nothing was told of."""
    return [trial.fault for trial in result.trials if trial.is_fault and trial.seconds is None]


def alarms_an_hour(result: Result) -> float | None:
    """False alarms an hour of calm time; None without calm time."""
    return 3600 * len(result.false_alarms) / result.calm_seconds if result.calm_seconds else None


def scored(found: State, names: Sequence[str], *, seed: int, say: Say) -> Result:
    """Inject every fault once, in an order that the seed draws."""
    interface, draw = Interface(found.serve_url, Path(found.token_file)), random.Random(seed)
    order = list(names)
    draw.shuffle(order)
    trials: list[Trial] = []
    calm, false = 0.0, list[Anomaly]()
    for name in order:
        began = _until_calm(interface, say)
        time.sleep(CALM_S + draw.uniform(0, 10))
        calm += time.time() - began
        false += _told(interface, began)
        trials.append(_trial(found, interface, name))
        last = trials[-1]
        say(
            f"{name} at {last.service}: "
            + (
                f"told after {last.seconds:.0f} s: {last.entity} {last.metric}"
                if last.seconds is not None
                else "missed"
            )
        )
    return Result(trials=tuple(trials), calm_seconds=calm, false_alarms=tuple(false))


def _trial(found: State, interface: Interface, name: str) -> Trial:
    fault = FAULTS[name]
    service = fault.services[0]
    with injected(found, fault, service) as at:
        trial = Trial(fault=name, service=service, is_fault=fault.fault_type is not None, at=at)
        while time.time() - at < GIVE_UP_S:
            time.sleep(POLL_S)
            if judged(trial, _told(interface, at)).seconds is not None:
                time.sleep(STAY_S)
                break
        return judged(trial, _told(interface, at))


def _told(interface: Interface, since: float) -> list[Anomaly]:
    return _asked(lambda: interface.anomalies(since=since))


def _going_on(interface: Interface) -> list[Anomaly]:
    return _asked(interface.open_anomalies)


def _asked(ask: Callable[[], list[Anomaly]]) -> list[Anomaly]:
    """The answer; a machine that is busy is asked again.

    Raises
    ------
    RuntimeError : it does not answer for a minute
    """
    until = time.monotonic() + ANSWER_S
    while True:
        try:
            return ask()
        except httpx.TransportError as error:
            if time.monotonic() > until:
                raise RuntimeError(f"sre-copilot does not answer: {error}") from None
            time.sleep(POLL_S)


def _until_calm(interface: Interface, say: Say) -> float:
    """Wait until nothing is open, or for as long as recovery may take; return when."""
    began = time.time()
    while (going_on := _going_on(interface)) and time.time() - began < MOST_RECOVERY_S:
        time.sleep(POLL_S)
    if going_on:
        say(
            f"still open after {MOST_RECOVERY_S:.0f} s: "
            + "; ".join(described(each) for each in going_on[:5])
        )
    return time.time()


def watched_quietly(found: State, *, minutes: float, say: Say) -> Result:
    """Only look: everything that is told is a false alarm."""
    interface = Interface(found.serve_url, Path(found.token_file))
    began = _until_calm(interface, say)
    said: set[str] = set()
    while (now := time.time()) < began + 60 * minutes:
        for each in _told(interface, began):
            if each["id"] not in said:
                said.add(each["id"])
                say(f"false alarm after {now - began:.0f} s: {described(each)}")
        time.sleep(5)
    return Result(calm_seconds=time.time() - began, false_alarms=tuple(_told(interface, began)))


def table(result: Result) -> str:
    """The result for people."""
    lines = []
    if result.trials:
        lines.append(f"{'fault':22}{'at':14}{'seconds':>8}  first told")
        for trial in result.trials:
            seconds = "missed" if trial.seconds is None else f"{trial.seconds:.0f}"
            what = f"{trial.entity} ({trial.role}) {trial.metric} {trial.method}" if trial.entity else ""
            note = "" if trial.is_fault else "  [nothing is at fault; not counted]"
            lines.append(f"{trial.fault:22}{trial.service:14}{seconds:>8}  {what}{note}")
        middle, gone = typical(result), missed(result)
        lines.append(
            f"median {'-' if middle is None else f'{middle:.0f} s'}, missed {len(gone)} {' '.join(gone)}".rstrip()
        )
    often = alarms_an_hour(result)
    lines.append(
        f"calm for {result.calm_seconds / 60:.1f} min (from the last anomaly's end to the next fault): {len(result.false_alarms)} false alarms"
        + ("" if often is None else f", {often:.1f} an hour")
    )
    lines += [f"  false: {described(each)}" for each in result.false_alarms]
    return "\n".join(lines)


def document(result: Result) -> dict[str, Any]:
    """The result for programs."""
    return {
        "median_seconds": typical(result),
        "missed": missed(result),
        "trials": [asdict(trial) for trial in result.trials],
        "calm_seconds": round(result.calm_seconds, 1),
        "false_alarms": [described(each) for each in result.false_alarms],
        "false_alarms_per_hour": alarms_an_hour(result),
    }
