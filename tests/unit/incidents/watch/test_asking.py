"""What a tick asks of its sources: each time once, and nothing before it can be there."""

from typing import ClassVar

import pytest

from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.incidents.watch.asking import question, read_metrics
from sre_copilot.incidents.watch.metrics import MetricWatch
from sre_copilot.perception.source import Health, Reading, SourceSettings
from sre_copilot.testing.synthetic import SyntheticSource

MINUTE = 1_760_000_040


def test_between_two_steps_only_the_present_is_read() -> None:
    watch = MetricWatch(step_seconds=60, committed=MINUTE)
    answer = read_metrics(SyntheticSource(services=1, metrics=2), watch, MINUTE + 10.0)
    assert answer.steps is not None
    assert answer.present is not None
    assert [time for time in answer.steps.times.tolist() if time > MINUTE] == []
    assert answer.present.times.tolist() == [MINUTE + 10]


def test_a_whole_step_is_read_once_with_those_that_were_missed() -> None:
    watch = MetricWatch(step_seconds=60, committed=MINUTE - 120)
    answer = read_metrics(SyntheticSource(services=1, metrics=2), watch, MINUTE + 0.2)
    assert answer.steps is not None
    assert answer.steps.times.tolist() == [MINUTE - 60, MINUTE]
    assert answer.present is None


class Remembering:
    """Remembers which window it was asked for."""

    Settings: ClassVar[type[SourceSettings]] = SourceSettings
    name = "remembering"

    def __init__(self, *modalities: Modality) -> None:
        self.modalities = modalities
        self.windows: list[Window] = []

    def read(self, window: Window) -> Reading:
        self.windows.append(window)
        return Reading(telemetry=Telemetry())

    def health(self) -> Health:
        return Health(source=self.name, ok=True)

    def close(self) -> None:
        return


@pytest.mark.parametrize(("since", "begin"), [(MINUTE - 16.0, MINUTE - 16.0), (MINUTE - 2.0, MINUTE - 6.0)])
def test_spans_are_read_when_they_have_had_the_time_to_arrive(since: float, begin: float) -> None:
    source = Remembering("traces")
    answer = question(source, None, since=since, now=float(MINUTE))()  # type: ignore[arg-type]
    assert source.windows == [Window(begin, MINUTE - 6.0)]
    assert answer.until == MINUTE - 6.0, "the next reading begins where this one ended"


def test_what_tells_no_spans_is_read_up_to_now() -> None:
    source = Remembering("transactions")
    question(source, None, since=MINUTE - 10.0, now=float(MINUTE))()  # type: ignore[arg-type]
    assert source.windows == [Window(MINUTE - 10.0, float(MINUTE))]


def test_what_tells_intervals_is_read_up_to_the_last_that_is_over() -> None:
    source = Remembering("transactions")
    source.interval_seconds = 10  # type: ignore[attr-defined]
    answer = question(source, None, since=MINUTE - 10.0, now=MINUTE + 0.3)()  # type: ignore[arg-type]
    assert source.windows == [Window(MINUTE - 10.0, float(MINUTE))]
    assert answer.until == MINUTE
