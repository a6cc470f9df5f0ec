"""Ask every question and hold what was understood against what it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sre_copilot.agents.answer import Understood
from sre_copilot.agents.understanding.entities import alias_table
from sre_copilot.agents.understanding.understand import understand
from sre_copilot.eval.intent.questions import IntentQuestion

TOLERANCE_S = 1.0  # a window is right to the second


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One question, what was understood, and what of it is right. `time` is None where no time was asked and none found."""

    question: IntentQuestion
    understood: Understood
    intent: bool
    services: bool
    time: bool | None
    parameters: bool

    @property
    def carried(self) -> bool:
        """Whether services, time and parameters are right."""
        return self.services and self.time is not False and self.parameters


def judge(questions: Sequence[IntentQuestion]) -> tuple[Judged, ...]:
    """Every question, judged."""
    return tuple(_judged(question, _asked(question)) for question in questions)


def _asked(question: IntentQuestion) -> Understood:
    known = {
        "now": question.now,
        "services": question.services,
        "aliases": alias_table(question.aliases, question.services),
        "utc_offset_hours": question.utc_offset_hours,
    }
    before = understand(question.previous, **known) if question.previous else None  # type: ignore[arg-type]
    return understand(question.text, previous=before, **known)  # type: ignore[arg-type]


def _judged(question: IntentQuestion, understood: Understood) -> Judged:
    wanted = question.parameters.items()
    return Judged(
        question=question,
        understood=understood,
        intent=understood.intent == question.intent
        and tuple(part.intent for part in understood.parts) == question.parts,
        services=set(understood.services) == question.wanted,
        time=_time(question, understood),
        parameters=all(understood.parameters.get(key) == value for key, value in wanted),
    )


def _time(question: IntentQuestion, understood: Understood) -> bool | None:
    if not question.judges_window or (question.window is None and understood.window is None):
        return None
    if question.window is None or understood.window is None:
        return False
    found, wanted = understood.window, question.window
    return abs(found.start - wanted.start) < TOLERANCE_S and abs(found.end - wanted.end) < TOLERANCE_S


def summary(judged: Sequence[Judged]) -> dict[str, Any]:
    """Shares of what is right."""
    times = [each for each in judged if each.time is not None]
    return {
        "n": len(judged),
        "intent_accuracy": _share([each.intent for each in judged]),
        "services_accuracy": _share([each.services for each in judged]),
        "parameters_accuracy": _share([each.carried for each in judged]),
        "both": _share([each.intent and each.carried for each in judged]),
        "times": {"n": len(times), "accuracy": _share([each.time is True for each in times])},
        "by_language": {
            lang: _share([e.intent and e.carried for e in judged if e.question.lang == lang])
            for lang in sorted({each.question.lang for each in judged})
        },
        "wrong": [each.question.id for each in judged if not (each.intent and each.carried)],
    }


def evaluate(halves: Mapping[str, Sequence[IntentQuestion]]) -> dict[str, Any]:
    """All halves, each by itself."""
    return {"intent": {half: summary(judge(questions)) for half, questions in halves.items()}}


def _share(right: Sequence[bool]) -> float | None:
    return round(sum(right) / len(right), 4) if right else None
