"""When coming and going says nothing any more."""

from __future__ import annotations

from sre_copilot.alerts.flapping import MOST_TRANSITIONS, Flapping


def noted(flapping: Flapping, times: list[float]) -> tuple[list[float], bool]:
    transitions: list[float] = []
    verdict = False
    for now in times:
        transitions, verdict = flapping.note(transitions, flapping=verdict, now=now)
    return transitions, verdict


def test_it_flaps_from_the_limit_on_and_not_below() -> None:
    flapping = Flapping(window_s=600, limit=6, calm=2)
    assert noted(flapping, [0, 10, 20, 30, 40])[1] is False
    assert noted(flapping, [0, 10, 20, 30, 40, 50])[1] is True


def test_slow_changes_are_no_flapping() -> None:
    assert noted(Flapping(window_s=600, limit=6, calm=2), [each * 300.0 for each in range(50)])[1] is False


def test_it_stays_flapping_between_the_two_limits_and_is_steady_below_the_lower() -> None:
    flapping = Flapping(window_s=600, limit=6, calm=2)
    transitions, _ = noted(flapping, [0, 10, 20, 30, 40, 50])
    assert flapping.look(transitions, flapping=True, now=620) is True
    assert flapping.look(transitions, flapping=True, now=635) is False
    assert flapping.look(transitions[:4], flapping=False, now=100) is False


def test_what_is_remembered_of_one_alert_is_bounded() -> None:
    transitions, verdict = noted(Flapping(), [each / 10 for each in range(1000)])
    assert len(transitions) == MOST_TRANSITIONS
    assert verdict is True
