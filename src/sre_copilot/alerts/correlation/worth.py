"""What an alert is worth: how much it says, by its severity and its novelty, that somebody should look."""

from __future__ import annotations

from sre_copilot.alerts.correlation.placement import Reason, reason
from sre_copilot.alerts.novelty import Novelty
from sre_copilot.alerts.state import AlertState
from sre_copilot.settings.alerting.correlation import Correlation

CRITICAL, HIGH = (
    0.9,
    0.7,
)  # somebody decided that it is to be looked at whenever it comes: above any sensible limit
INFO, LOW = 0.5, 0.25  # share of its novelty that counts: several kinds together may still say something
VITAL = 0.25  # what tier 1 adds to something that is worth half of the way by itself
CERTAIN = 0.99  # no alert alone is everything


def worth_of(alert: AlertState, novelty: Novelty, settings: Correlation) -> tuple[float, tuple[Reason, ...]]:
    """Return the worth, 0..1, and what it is made of.

    A severity that nobody gave is no witness: such an alert is worth its novelty alone, and nothing while the installation still learns what is usual.
    """
    given = bool(alert.context.get("declared", True))
    counts = 0.0 if novelty.learning and not given else novelty.value
    base, why = _base(alert, counts, given)
    reasons = [why, _novelty_reason(alert, novelty, counts)]
    if alert.context.get("tier") == 1 and base >= settings.minimum_worth / 2:
        base = 1 - (1 - base) * (1 - VITAL)
        reasons.append(reason("vital", VITAL, service=alert.service))
    if alert.flapping:
        base *= settings.flapping_factor
        reasons.append(reason("flapping", 0.0, name=alert.name, times=len(alert.transitions)))
    return min(base, CERTAIN), tuple(reasons)


def _base(alert: AlertState, novelty: float, given: bool) -> tuple[float, Reason]:
    """Worth by severity and novelty; a warning that somebody declared is a second witness beside novelty."""
    if not given:
        return novelty, reason("severity_unknown", 0.0)
    if alert.severity in ("critical", "high"):
        floor = CRITICAL if alert.severity == "critical" else HIGH
        return 1 - (1 - floor) * (1 - novelty), reason("severity", floor, severity=alert.severity)
    if alert.severity == "warning":
        return 1 - (1 - novelty) ** 2, reason("severity", novelty * (1 - novelty), severity=alert.severity)
    share = INFO if alert.severity == "info" else LOW
    return share * novelty, reason("severity", 0.0, severity=alert.severity)


def _novelty_reason(alert: AlertState, novelty: Novelty, counts: float) -> Reason:
    place = place_of(alert)
    params: dict[str, str | float | int] = {"name": alert.name, "place": place or "?"}
    if novelty.learning and counts == 0.0:
        return reason("learning", 0.0, **params)
    if novelty.kind == 1.0:
        return reason("new_kind", counts, **params)
    if novelty.pair == 1.0:
        return reason("new_here", counts, **params)
    return reason("known", counts, **params, times=round(novelty.known, 1))


def weighty(alert: AlertState) -> bool:
    """Whether somebody gave it a high severity."""
    return alert.severity in ("critical", "high") and bool(alert.context.get("declared", True))


def place_of(alert: AlertState) -> str:
    """Where it fires: its service, else its host; '' when neither is known."""
    return alert.service or str(alert.context.get("host", ""))
