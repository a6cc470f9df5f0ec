"""How a coming breach is said."""

from __future__ import annotations

from sre_copilot.domain.anomaly import Breach
from sre_copilot.domain.evidence import Message


def breach_message(breach: Breach) -> Message:
    """Return the sentence of a breach: when, between when and when, how probable."""
    params: list[tuple[str, str | float | int]] = [
        ("entity", breach.instance or breach.entity),
        ("metric", breach.metric),
        ("limit", breach.limit),
        ("at", breach.at),
        ("earliest_at", breach.earliest),
        ("probability_percent", 100 * breach.probability),
        ("hours", breach.horizon_hours),
    ]
    if breach.latest is not None:
        params.append(("latest_at", breach.latest))
    kind = f"forecast.breach_{breach.direction}{'' if breach.latest is not None else '_open'}"
    return Message(key=kind, params=tuple(params))


def hit_rate_message(breach: Breach) -> Message:
    """Return the sentence on how far such warnings can be trusted."""
    if breach.hit_rate is None:
        return Message(key="forecast.no_hit_rate")
    return Message(key="forecast.hit_rate", params=(("hit_percent", 100 * breach.hit_rate),))
