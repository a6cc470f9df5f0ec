"""In a storm much that is of little worth is one incident, and a fault is one of its own."""

from __future__ import annotations

from sre_copilot.testing.alerting import Rehearsing, alert


def test_many_alerts_of_little_worth_wake_together_and_a_severe_one_by_itself() -> None:
    room = Rehearsing(correlation={"storm": {"alerts": 20, "wait_seconds": 5}})
    kinds = ("DiskFilling", "PodRestarted", "JobLate")
    room.take(
        *(
            alert(kinds[number % 3], at=room.now, service=f"batch-{number}", severity="info")
            for number in range(90)
        )
    )
    room.fire("Down", service="payment", severity="critical")
    room.wait(40)
    woken = {each.title: each for each in room.incidents if each.woken and each.status == "firing"}
    assert len(woken) == 2
    assert not woken["Down (payment)"].storm
    (whole,) = (each for each in woken.values() if each.storm)
    assert set(whole.names) == set(kinds)
    assert len([each for each in room.told if each.state == "firing"]) == 2
