"""What a bot sends now."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.incidents.delivery.limits import fits, free, wait
from sre_copilot.incidents.delivery.planning import Plan, Waiting, plan
from sre_copilot.settings.alerting.notify import Limit

MINUTE = (Limit(messages=20, seconds=60),)
SECOND = (Limit(messages=1, seconds=1),)


def waiting(*severities: str, lane: str = "chat/slack-1") -> list[Waiting]:
    return [
        Waiting(place, f"k{place}", f"g{place}", lane, severity) for place, severity in enumerate(severities)
    ]


def planned(
    rows: list[Waiting],
    *,
    limits: tuple[Limit, ...] = MINUTE,
    starts: tuple[float, ...] = (),
    room: int = 100,
    mergeable: bool = True,
) -> Plan:
    lanes = {each.lane: room for each in rows}
    return plan(
        rows, limits=limits, starts=starts, now=1000.0, patience_s=10, mergeable=mergeable, room=lanes
    )


def test_a_limit_is_counted_over_any_span_of_its_length() -> None:
    starts = [950.0 + i for i in range(20)]
    assert free(MINUTE, starts, 1000.0) == 0
    assert wait(MINUTE, starts, 1000.0) == 10.0
    assert free(MINUTE, starts, 1010.5) == 1


def test_what_fits_within_patience_is_not_merged() -> None:
    assert fits(SECOND, [], 1000.0, patience_s=10) == 11
    found = planned(waiting(*["warning"] * 5), limits=SECOND)
    assert [each.key for each in found.start] == ["k0"]
    assert found.merge == ()


def test_more_than_fits_is_merged_in_its_order_and_nothing_is_left_out() -> None:
    found = planned(waiting(*["warning"] * 50))
    (digest,) = found.merge
    assert len(found.start) == 14
    assert [each.id for each in digest] == list(range(14, 50))


def test_a_part_of_the_budget_is_kept_for_what_is_critical() -> None:
    starts = tuple(990.0 + i / 10 for i in range(16))
    assert planned(waiting(*["warning"] * 10), starts=starts) == Plan()
    found = planned(
        [*waiting(*["warning"] * 10), Waiting(99, "k99", "g99", "chat/slack-1", "critical")], starts=starts
    )
    assert "k99" in [each.key for each in found.start]


def test_critical_ones_go_first_and_alone() -> None:
    found = planned(waiting(*["warning"] * 40, "critical"))
    assert found.start[0].key == "k40"
    assert "k40" not in [each.key for members in found.merge for each in members]


def test_a_group_keeps_its_order_even_when_a_later_message_is_more_severe() -> None:
    rows = [
        Waiting(1, "a1", "A", "l", "warning"),
        Waiting(2, "b1", "B", "l", "info"),
        Waiting(3, "a2", "A", "l", "critical"),
    ]
    found = planned(rows, limits=())
    assert [each.key for each in found.start] == ["a1", "a2", "b1"]


def test_what_a_program_reads_is_never_merged() -> None:
    found = planned(waiting(*["warning"] * 500), mergeable=False, limits=(Limit(messages=120, seconds=60),))
    assert found.merge == ()
    assert len(found.start) == 90


def test_a_lane_that_fails_holds_up_nobody_else() -> None:
    rows = [*waiting("critical", lane="a"), Waiting(7, "k7", "g7", "b", "info")]
    found = plan(
        rows, limits=MINUTE, starts=(), now=1000.0, patience_s=10, mergeable=True, room={"a": 0, "b": 8}
    )
    assert [each.key for each in found.start] == ["k7"]


@settings(max_examples=200, deadline=None)
@given(
    severities=st.lists(st.sampled_from(["critical", "high", "warning", "info", ""]), max_size=80),
    groups=st.integers(1, 6),
    lanes=st.integers(1, 3),
    sent=st.integers(0, 20),
    room=st.integers(0, 10),
)
def test_no_message_is_lost_doubled_or_beyond_the_limit(
    severities: list[str], groups: int, lanes: int, sent: int, room: int
) -> None:
    rows = [
        Waiting(i, f"k{i}", f"g{i % groups}", f"l{i % lanes}", severity)
        for i, severity in enumerate(severities)
    ]
    starts = [999.0] * sent
    found = plan(
        rows,
        limits=MINUTE,
        starts=starts,
        now=1000.0,
        patience_s=10,
        mergeable=True,
        room={f"l{i}": room for i in range(lanes)},
    )
    chosen = [each.key for each in found.start] + [each.key for members in found.merge for each in members]
    assert len(chosen) == len(set(chosen))
    assert set(chosen) <= {each.key for each in rows}
    assert len(found.start) + len(found.merge) <= 20 - sent
    for members in found.merge:
        assert len({each.lane for each in members}) == 1
    order = {each.key: place for place, each in enumerate(found.start)}
    for one, other in itertools.pairwise(sorted(found.start, key=lambda each: each.id)):
        if (one.group, one.lane) == (other.group, other.lane):
            assert order[one.key] < order[other.key]


def test_over_time_everything_is_sent() -> None:
    rows, starts, now = waiting(*["warning", "critical"] * 60), [], 0.0
    for _ in range(200):
        found = plan(
            rows,
            limits=MINUTE,
            starts=starts,
            now=now,
            patience_s=10,
            mergeable=True,
            room={"chat/slack-1": 8},
        )
        gone = {each.key for each in found.start} | {each.key for members in found.merge for each in members}
        starts += [now] * (len(found.start) + len(found.merge))
        rows = [each for each in rows if each.key not in gone]
        assert free(MINUTE, starts, now) >= 0
        now += 1.0
    assert rows == []


def test_what_was_sent_before_the_clock_was_set_back_does_not_count() -> None:
    ahead = tuple(3600.0 + i for i in range(20))
    assert free(MINUTE, ahead, 0.0) == 20
    assert wait(MINUTE, ahead, 0.0) == 0.0
    assert fits(MINUTE, ahead, 0.0, patience_s=1.0) == 20
    just_now = (0.5,) * 20  # another process, whose clock is a little ahead
    assert free(MINUTE, just_now, 0.0) == 0
    assert wait(MINUTE, just_now, 0.0) == 60.5
