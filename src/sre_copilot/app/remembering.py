"""What was understood of a question, kept as JSON between two requests, so that the next one may go on from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sre_copilot.agents.answer import Understood
from sre_copilot.domain.signals import Window


def written(understood: Understood) -> dict[str, Any]:
    """As JSON values; the parts of a compound question are not kept, for a follow-up goes on from the whole."""
    window = understood.window
    return {
        "text": understood.text,
        "lang": understood.lang,
        "intent": understood.intent,
        "services": list(understood.services),
        "window": [window.start, window.end] if window else None,
        "parameters": dict(understood.parameters),
        "missing": list(understood.missing),
        "confidence": understood.confidence,
    }


def read(found: Mapping[str, Any]) -> Understood | None:
    """As it was understood; None where it was written by a version that kept something else."""
    try:
        start_end = found["window"]
        return Understood(
            text=found["text"],
            lang=found["lang"],
            intent=found["intent"],
            services=tuple(found["services"]),
            window=Window(float(start_end[0]), float(start_end[1])) if start_end else None,
            parameters=dict(found["parameters"]),
            missing=tuple(found["missing"]),
            confidence=float(found["confidence"]),
        )
    except (KeyError, TypeError, ValueError, IndexError):
        return None
