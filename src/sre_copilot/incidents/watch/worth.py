"""Which anomalies are worth telling at all, however sure."""

from __future__ import annotations

from sre_copilot.cognition.detectors.least_move import matters
from sre_copilot.domain.anomaly import Anomaly


def worth_telling(anomaly: Anomaly) -> bool:
    """Whether the move is large enough to matter, and not for the better; what has no number is."""
    if anomaly.current is None or anomaly.expected is None:
        return True
    return matters(anomaly.metric, anomaly.current, anomaly.expected)
