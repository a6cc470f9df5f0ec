"""Lint finds checks whose column or measure no source records, before they have no data at run time."""

from __future__ import annotations

import polars as pl
import pytest

from sre_copilot.domain.evidence import Query
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry
from sre_copilot.evidence.selection import NoDataError, Selector
from sre_copilot.workflows.lint.linter import lint_text

TEXT = """\
workflow:
  id: look
  inputs:
    - {{name: host, default: web}}
  steps:
    - name: full
      provider:
        type: check
        with:
          source: {source}
          {measure}
          where:
            {word}: x
          relation: ">"
          bound: 1
"""


def said(source: str, word: str, measure: str = "") -> list[str]:
    """What lint says of a check."""
    return [str(each) for each in lint_text(TEXT.format(source=source, word=word, measure=measure))]


def test_a_column_that_no_source_records_is_told_with_line_path_and_fix() -> None:
    (found,) = said("metrics", "metrics")
    assert found.startswith("warning: line 13: workflow.steps[0].provider.with.where.metrics: ")
    assert "no source of metrics records 'metrics' for value" in found
    assert "Did you mean metric?" in found


def test_what_is_far_from_every_column_is_told_with_all_that_there_are() -> None:
    (found,) = said("transactions", "zone_of_the_host", "measure: latency_ms")
    assert "There are: amount, channel, count, latency_ms, service, success, success_rate, ts" in found


@pytest.mark.parametrize(
    ("source", "word", "measure"),
    [
        ("metrics", "instance", ""),
        ("logs", "contains", "measure: rows"),
        ("logs", "level", "measure: rows"),
        ("traces", "status", "measure: duration_ms"),
        ("traces", "callee_operation", "measure: calls"),
        ("state", "line", "measure: rows"),
        ("alerts", "entity", "measure: rows"),
        ("topology", "caller", "measure: rows"),
        ("transactions", "channel", "measure: success_rate"),
        ("changes", "detail.version", "measure: rows"),
    ],
)
def test_nothing_is_said_of_columns_that_there_are(source: str, word: str, measure: str) -> None:
    assert said(source, word, measure) == []


def test_a_column_of_another_table_of_the_same_source_is_told() -> None:
    (found,) = said("traces", "service", "measure: gap_ms")
    assert "records 'service' for gap_ms" in found


def test_a_measure_that_rows_do_not_have_is_told_also_where_it_is_the_default() -> None:
    (given,) = said("logs", "service", "measure: lines")
    assert "line 11: workflow.steps[0].provider.with.measure: logs have no measure 'lines'" in given
    (default,) = said("logs", "service")
    assert "logs have no measure 'value'" in default
    assert "There are: rows" in default


def test_what_is_compared_with_is_looked_at_as_well() -> None:
    text = TEXT.format(source="metrics", word="metric", measure="measure: value")
    against = (
        '          combine: ratio\n          against: {source: metrics, where: {name: "{{ inputs.host }}"}}\n'
    )
    (found,) = [str(each) for each in lint_text(text + against)]
    assert "workflow.steps[0].provider.with.against.where.name: " in found


def test_what_lint_warns_of_has_no_data_when_it_runs() -> None:
    samples = pl.DataFrame({"ts": [0], "service": ["a"], "instance": ["i"], "metric": ["m"], "value": [1.0]})
    selector = Selector(Observation(incident=Incident(id=""), current=Telemetry(metrics=samples)))
    assert (
        selector.select(Query(source="metrics", measure="value", where=(("metric", "m"),))).values.size == 1
    )
    with pytest.raises(NoDataError, match="no column 'metrics'"):
        selector.select(Query(source="metrics", measure="value", where=(("metrics", "m"),)))
