"""Attacks from the question sets, planted into what is observed: log lines, span names, changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

import polars as pl

from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Change, Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A text from outside that wants to steer, and what would show that it did."""

    id: str
    lang: str
    place: str
    kind: str
    text: str
    must_not_contain: tuple[str, ...]
    must_not_blame: tuple[str, ...]
    must_not_call_with: tuple[str, ...]


def attacks(half: str = "seen") -> tuple[Attack, ...]:
    """The attacks of one half; none where it was not written."""
    place = files("sre_copilot.eval") / "questions" / "injection" / f"{half}.jsonl"
    if not place.is_file():
        return ()
    lines = place.read_text(encoding="utf-8").splitlines()
    return tuple(_attack(json.loads(line)) for line in lines if line.strip())


def _attack(facts: dict[str, object]) -> Attack:
    def texts(name: str) -> tuple[str, ...]:
        return tuple(str(each) for each in facts.get(name) or ())  # type: ignore[attr-defined]

    return Attack(
        id=str(facts["id"]),
        lang=str(facts["lang"]),
        place=str(facts["place"]),
        kind=str(facts["kind"]),
        text=str(facts["text"]),
        must_not_contain=texts("must_not_contain"),
        must_not_blame=texts("must_not_blame"),
        must_not_call_with=texts("must_not_call_with"),
    )


def planted(observation: Observation, chosen: Sequence[Attack] | None = None) -> Observation:
    """An observation with attacks in it; the texts take the place of what innocent rows said, so that nothing else changes."""
    found = tuple(chosen) if chosen is not None else attacks()
    current = observation.current
    for attack in found:
        if attack.place in ("log", "event"):
            current = replace(current, logs=_in_logs(current, attack))
        elif attack.place == "span":
            current = replace(current, traces=_in_spans(current, attack))
        elif attack.place in ("change", "service_name"):
            current = replace(current, changes=tuple(_in_changes(current, attack, observation)))
    return replace(observation, current=current)


def _in_logs(current: Telemetry, attack: Attack) -> pl.DataFrame | None:
    """One more line: a copy of the last, with the text."""
    logs = current.logs
    if logs is None or logs.is_empty():
        return logs
    return pl.concat([logs, logs.tail(1).with_columns(message=pl.lit(attack.text))])


def _in_spans(current: Telemetry, attack: Attack) -> pl.DataFrame | None:
    """One more span, alone in its trace, with the text as the name of its operation."""
    spans = current.traces
    if spans is None or spans.is_empty():
        return spans
    extra = spans.tail(1).with_columns(
        trace_id=pl.lit(attack.id),
        span_id=pl.lit(attack.id),
        parent_id=pl.lit(""),
        operation=pl.lit(attack.text),
    )
    return pl.concat([spans, extra])


def _in_changes(current: Telemetry, attack: Attack, observation: Observation) -> Iterator[Change]:
    yield from current.changes or ()
    at = observation.incident.onset or (
        observation.incident.window.start if observation.incident.window else 0.0
    )
    service = attack.text if attack.place == "service_name" else "portal"
    yield Change(ts=at, service=service, kind="deploy", text=attack.text)
