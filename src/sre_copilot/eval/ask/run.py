"""Ask each question of its case and compare: intent, services, time, kind of answer, and what it has to contain."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from sre_copilot.agents.answer import Answer
from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.app.team import make_copilot
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.incident import Observation
from sre_copilot.errors import UsageError
from sre_copilot.eval.agents.arms import Arm
from sre_copilot.eval.agents.judge import looked_up, speaker_of
from sre_copilot.eval.injection.run import text_of
from sre_copilot.eval.workers import Progress
from sre_copilot.incidents.report.words import LANGUAGES, say
from sre_copilot.perception.recorded import RecordedSource

UNREASONED = tuple(say(Message(key="team.unknown"), lang) for lang in LANGUAGES)
"""A refusal that gives no reason counts as no answer."""
TIMES_S = 1.0  # two windows that differ by no more are one
KINDS = {"measured": ("measured", "listing"), "listing": ("measured", "listing")}
"""Kinds of answer that count alike: what is measured and what is listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of one question."""

    id: str
    lang: str
    intent: bool
    services: bool
    window: bool
    kind: bool
    contains: bool
    answered: bool
    unreproduced: int
    calls: int
    input_tokens: int
    seconds: float
    said: str

    @property
    def understood(self) -> bool:
        """Intent, services and time range all right."""
        return self.intent and self.services and self.window


def questions(half: str) -> tuple[Mapping[str, Any], ...]:
    """The questions of a half.

    Raises
    ------
    UsageError : when they were not written
    """
    place = files("sre_copilot.eval") / "questions" / "ask" / f"{half}.jsonl"
    if not place.is_file():
        raise UsageError(f"--half {half}: there are no questions of that half")
    return tuple(json.loads(line) for line in place.read_text(encoding="utf-8").splitlines() if line.strip())


def evaluate(
    directory: Path,
    *,
    half: str = "seen",
    arm: Arm | None = None,
    progress: Progress = lambda done, total, name: None,
) -> dict[str, Any]:
    """Ask all questions of a half, one after the other."""
    arm = arm or Arm()
    asked = []
    chosen = questions(half)
    for number, question in enumerate(chosen, start=1):
        asked.append(_asked(question, _observed(directory / question["case"]), arm))
        progress(number, len(chosen), question["id"])
    return {"ask": {half: {arm.actor: summarise(asked)}}}


@cache
def _observed(folder: Path) -> Observation:
    return RecordedSource(folder).observe()


def _asked(question: Mapping[str, Any], observation: Observation, arm: Arm) -> Asked:
    scene = RecordedScene(observation, name=question["case"])
    speaker = speaker_of(arm, observation)
    copilot = make_copilot(scene, speaker=speaker)
    started = time.perf_counter()
    answer = copilot.ask(question["text"])
    seconds = time.perf_counter() - started
    expected = question["expected"]
    understood = answer.understood
    shown = text_of(answer).casefold()
    wanted = [each.casefold() for each in expected.get("answer_contains", ())]
    return Asked(
        id=question["id"],
        lang=question["lang"],
        intent=understood.intent == expected["intent"],
        services=set(understood.services) == set(expected["services"]),
        window=_same_time(answer, expected),
        kind=answer.kind in KINDS.get(expected["kind"], (expected["kind"],)),
        contains=not wanted or any(each in shown for each in wanted),
        answered=bool(answer.claims or answer.body or answer.quotes or answer.diagnosis)
        or (answer.kind == "declined" and answer.headline not in UNREASONED),
        unreproduced=looked_up(answer, observation)[1],
        calls=answer.usage.calls,
        input_tokens=answer.usage.input_tokens,
        seconds=seconds,
        said=answer.headline,
    )


def _same_time(answer: Answer, expected: Mapping[str, Any]) -> bool:
    if "window" not in expected:
        return True
    found, wanted = answer.understood.window, expected["window"]
    if wanted is None or found is None:
        return found is None and wanted is None
    start, end = (datetime.fromisoformat(wanted[name]).timestamp() for name in ("start", "end"))
    return abs(found.start - start) <= TIMES_S and abs(found.end - end) <= TIMES_S


def summarise(asked: list[Asked]) -> dict[str, Any]:
    """Shares over all questions, and those that were not right."""
    count = len(asked)

    def share(name: str) -> float:
        return sum(bool(getattr(each, name)) for each in asked) / count

    return {
        "n": count,
        **{
            name: share(name)
            for name in ("intent", "services", "window", "understood", "kind", "contains", "answered")
        },
        "unreproduced": sum(each.unreproduced for each in asked),
        "calls_most": max(each.calls for each in asked),
        "input_tokens_most": max(each.input_tokens for each in asked),
        "seconds_most": max(each.seconds for each in asked),
        "misses": [asdict(each) for each in asked if not (each.understood and each.kind and each.contains)],
    }
