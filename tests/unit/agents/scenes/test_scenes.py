"""A recorded case and live sources look alike to whoever looks at them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from sre_copilot.agents.scenes.live import LiveScene
from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.agents.toolbox import Toolbox, registered_tools
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.errors import SourceUnreachable
from sre_copilot.evidence.verify import verify
from sre_copilot.incidents.report.words import say
from sre_copilot.perception.source import Asked, Health, Reading, SourceSettings
from sre_copilot.perception.windows import within
from sre_copilot.testing.cases import END, ONSET, START
from sre_copilot.testing.tool_contract import context, nothing, shop


class ShopSource:
    """A live source that holds what was recorded of the shop, and counts how often it is asked."""

    Settings = SourceSettings

    def __init__(self, *modalities: Any, settings: SourceSettings | None = None, down: bool = False) -> None:
        self.modalities = modalities or ("metrics", "logs", "traces", "changes")
        self.settings = settings or SourceSettings()
        self.down = down
        self.windows: list[Window] = []
        self.closed = False

    @property
    def name(self) -> str:
        return self.settings.name or "shop"

    def read(self, window: Window) -> Reading:
        self.windows.append(window)
        if self.down:
            raise SourceUnreachable(self.name, "503: upstream connect error", remedy="start it")
        seen = within(shop().current, window)
        kept = {
            name: getattr(seen, name) if name in self.modalities else None for name in Telemetry.__slots__
        }
        return Reading(
            telemetry=Telemetry(**kept), asked=(Asked(source=self.name, text="all", window=window),)
        )

    def health(self) -> Health:
        return Health(source=self.name, ok=not self.down)

    def close(self) -> None:
        self.closed = True


def live(*sources: ShopSource, incident: Incident | None = None, role: Any = "viewer") -> LiveScene:
    return LiveScene(lambda: sources, clock=TurnedClock(END + 15.0), role=role, incident=incident)


def asked_twice(windows: Sequence[Window]) -> bool:
    return any(a.start < b.end and b.start < a.end for i, a in enumerate(windows) for b in windows[i + 1 :])


def test_each_moment_is_asked_for_once_however_windows_overlap() -> None:
    source = ShopSource()
    scene = live(source)
    first = scene.observe(Window(ONSET, ONSET + 120))
    scene.observe(Window(ONSET, ONSET + 120))
    wider = scene.observe(Window(ONSET - 300, ONSET + 240))
    scene.observe(Window(START, END))
    assert not asked_twice(source.windows)
    assert first.current.logs is not None
    assert wider.current.logs is not None
    assert wider.current.logs.height > first.current.logs.height


def test_a_live_scene_sees_what_a_recorded_one_sees() -> None:
    window = Window(ONSET, ONSET + 240)
    seen = live(ShopSource()).observe(window).current.traces
    recorded = RecordedScene(shop()).observe(window).current.traces
    assert seen is not None
    assert recorded is not None
    assert sorted(seen["span_id"]) == sorted(recorded["span_id"])


def test_what_tools_say_live_is_true_when_it_is_run_again() -> None:
    incident = Incident(id="now", onset=float(ONSET), window=Window(START, END))
    scene = live(ShopSource(), incident=incident)
    tools = Toolbox(registered_tools(), context(scene))
    for name, arguments in [
        ("query_logs", {"service": "order"}),
        ("query_traces", {"service": "order"}),
        ("query_metrics", {"service": "order"}),
        ("compare_windows", {}),
        ("summarise_logs", {}),
        ("localise", {}),
    ]:
        result = tools.use(name, arguments)
        assert result.outcome == "success", (name, result.problem)
        assert result.observation is not None
        assert verify(result.findings, result.observation).refuted == ()
        assert result.asked


def test_a_source_that_is_down_is_an_error_in_its_own_words_and_not_asked_again_at_once() -> None:
    down = ShopSource("logs", settings=SourceSettings(name="loki"), down=True)
    scene = live(down, ShopSource("metrics"))
    tools = Toolbox(registered_tools(), context(scene))
    result = tools.use("query_logs", {"start": "2023-11-14T22:20:00Z"})
    assert result.outcome == "error"
    assert "503: upstream connect error" in result.problem
    assert "2023-11-14T22:20:00Z" in result.problem
    before = len(down.windows)
    tools.use("query_logs", {"start": "2023-11-14T22:21:00Z"})
    assert len(down.windows) == before
    assert tools.use("query_metrics", {"start": "2023-11-14T22:20:00Z"}).outcome == "success"


def test_who_may_not_see_rows_learns_that_there_are_some() -> None:
    guarded = ShopSource("logs", settings=SourceSettings(name="audit", see_role="responder"))
    hidden = live(guarded).observe(Window(ONSET, ONSET + 120))
    assert hidden.current.logs is None
    said = [say(gap.message, "en") for gap in hidden.gaps]
    assert any("responder" in each and "rows" in each for each in said)
    result = Toolbox(registered_tools(), context(live(guarded))).use("query_logs", {})
    assert result.outcome == "no_data"
    assert "responder" in result.digest
    seen = live(guarded, role="responder").observe(Window(ONSET, ONSET + 120))
    assert seen.current.logs is not None


def test_who_may_not_query_a_source_does_not_reach_it() -> None:
    guarded = ShopSource("logs", settings=SourceSettings(name="audit", query_role="admin"))
    observation = live(guarded).observe(Window(ONSET, ONSET + 120))
    assert guarded.windows == []
    assert "admin" in say(observation.gaps[0].message, "en")


def test_experts_may_look_at_the_same_time() -> None:
    source = ShopSource()
    scene = live(source)
    windows = [Window(ONSET + 15 * i, ONSET + 15 * i + 120) for i in range(8)]
    heights: dict[int, int] = {}

    def see(place: int) -> None:
        found = scene.observe(windows[place]).current.logs
        heights[place] = found.height if found is not None else -1

    threads = [threading.Thread(target=see, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorded = RecordedScene(shop())
    expected = [recorded.observe(window).current.logs for window in windows]
    assert [heights[i] for i in range(8)] == [each.height if each is not None else -1 for each in expected]
    assert not asked_twice(source.windows)


def test_sources_are_closed_after_use() -> None:
    source = ShopSource()
    scene = live(source)
    scene.services()
    scene.close()
    scene.close()
    assert source.closed


def test_the_incident_of_a_case_is_all_that_was_recorded() -> None:
    scene = RecordedScene(shop())
    assert scene.incident_observation() is scene.observe(scene.bounds())
    assert scene.bounds() == Window(START, END)
    assert "billing" in scene.services()
    assert {each.name for each in scene.inventory().entities} >= {"order", "billing"}


def test_a_window_of_a_case_has_its_baseline_or_the_calm_before_it() -> None:
    window = Window(ONSET + 60, END)
    assert RecordedScene(shop()).observe(window).reference is shop().reference
    alone = RecordedScene(replace(shop(), reference=None)).observe(window)
    assert alone.reference is not None
    assert alone.reference.logs is not None
    assert alone.reference.logs["ts_ns"].max() < ONSET * 10**9  # type: ignore[operator]


def test_a_window_in_which_a_kind_was_not_recorded_is_a_gap_and_not_silence() -> None:
    late = shop().current.logs
    assert late is not None
    early = late.filter(pl.col("ts_ns") < ONSET * 10**9)
    seen: Observation = replace(shop(), current=replace(shop().current, logs=early))
    found = RecordedScene(seen).observe(Window(ONSET, END))
    assert found.current.logs is None
    assert [gap.message.key for gap in found.gaps if gap.modality == "logs"] == ["gap.scene.window"]


@pytest.mark.parametrize("name", sorted(registered_tools()))
def test_a_case_without_any_time_is_no_error(name: str) -> None:
    incident = replace(shop().incident, window=None, onset=None)
    logs = shop().current.logs
    assert logs is not None
    current = Telemetry(logs=logs.with_columns(pl.lit(None, pl.Int64).alias("ts_ns")))
    scene = RecordedScene(replace(nothing(), incident=incident, current=current))
    assert scene.bounds() == Window(0.0, 0.0)
    arguments = {
        "forecast_metric": {"service": "order", "metric": "cpu"},
        "search_knowledge": {"question": "what"},
        "page": {"handle": "h-none"},
    }.get(name, {})
    result = Toolbox(registered_tools(), context(scene)).use(name, arguments)
    assert "failed" not in result.problem
    if result.findings and result.observation is not None:
        assert verify(result.findings, result.observation).refuted == ()
