"""The benchmark runs from end to end; its speed is judged by `dev.py bench`, not here."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks import prometheus_read

from sre_copilot.testing.servers.real import missing

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(missing("prometheus", "promtool")), reason=missing("prometheus", "promtool")),
]


def test_a_small_history_is_written_read_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus_read, "POINTS", 300)
    monkeypatch.setattr(prometheus_read, "SERIES", 5)
    monkeypatch.setattr(prometheus_read, "ROUNDS", 1)
    peers: Any = None  # it compares with a way of its own
    figure = prometheus_read.measure(peers)
    assert figure.ours > 0
    assert figure.ratio is not None
    assert figure.of_limit == pytest.approx(1 / float(figure.detail["times_of_its_http_time"]))
