"""Reading an incident of very many alerts: the earliest of them, and what all of them have in common."""

from __future__ import annotations

from tests.unit.incidents.casework.bench import Kept, alert

from sre_copilot.incidents.casework.picture import MOST_ALERTS, reading


def test_of_very_many_alerts_the_earliest_are_read_and_all_are_counted() -> None:
    kept = Kept()
    many = [
        alert("Slow", f"service-{number % 7}", starts_at=1000.0 + number, fingerprint=f"{number:05d}")
        for number in range(MOST_ALERTS + 50)
    ]
    kept.put(*many, alert("Late", "billing", starts_at=9000.0, fingerprint="99999"))

    picture = reading(kept)("INC-1")

    assert picture is not None
    assert [each.fingerprint for each in picture.alerts] == [f"{number:05d}" for number in range(MOST_ALERTS)]
    assert sum(picture.firing.values()) == MOST_ALERTS + 51
    assert picture.firing["billing"] == 1
    assert picture.names == ("Late", "Slow")
