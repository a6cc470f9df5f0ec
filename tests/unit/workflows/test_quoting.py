"""Values in queries: between quotation marks none can end them, and lint tells of those outside."""

from __future__ import annotations

import pytest

from sre_copilot.testing.workflows import Bench
from sre_copilot.workflows.cel import ExpressionProblem
from sre_copilot.workflows.lint.linter import lint_text
from sre_copilot.workflows.quoting import filled_query


def filled(text: str, language: str, value: object) -> str:
    return str(filled_query(text, language, {"inputs": {"v": value}}))


@pytest.mark.parametrize(
    ("language", "text", "value", "expected"),
    [
        ("promql", 'up{job="{{ inputs.v }}"}', 'x"} or vector(1) #', r'up{job="x\"} or vector(1) #"}'),
        ("promql", "up{job='{{ inputs.v }}'}", "it's", r"up{job='it\'s'}"),
        ("promql", r'up{job="a\"{{ inputs.v }}"}', 'b"\n', r'up{job="a\"b\"\n"}'),
        ("logql", '{a="b"} |= "{{ inputs.v }}"', r"c:\d", r'{a="b"} |= "c:\\d"'),
        ("logql", '# don\'t\n{a="{{ inputs.v }}"}', '"', '# don\'t\n{a="\\""}'),
        ("sql", "select '{{ inputs.v }}'", "' or 1=1 --", "select ''' or 1=1 --'"),
        ("sql", "select 'it''s {{ inputs.v }}' -- don't", "'", "select 'it''s ''' -- don't"),
        ("sql", "select 1 -- don't\nwhere a = '{{ inputs.v }}'", "'", "select 1 -- don't\nwhere a = ''''"),
        ("sql", 'select "{{ inputs.v }}"', 'a"b', 'select "a""b"'),
        ("elasticsearch", '{"match": {"a": "{{ inputs.v }}"}}', '"}', r'{"match": {"a": "\"}"}}'),
        ("sql", "limit {{ inputs.v }}", 5, "limit 5"),
    ],
)
def test_a_value_between_quotation_marks_cannot_end_them(
    language: str, text: str, value: object, expected: str
) -> None:
    assert filled(text, language, value) == expected


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("sql", "select '{{ inputs.v }}'", "\\' or 1=1 --"),
        ("logql", "{a=`{{ inputs.v }}`}", "` or"),
        ("promql", 'up{a="\\{{ inputs.v }}"}', '"'),
    ],
)
def test_what_cannot_be_written_there_in_every_database_is_refused(
    language: str, text: str, value: str
) -> None:
    with pytest.raises(ExpressionProblem, match=r"cannot stand between|after a backslash"):
        filled(text, language, value)


STEPS = """
workflow:
  id: asks
  inputs: [{name: v}, {name: n, type: integer}]
  consts: {job: shop}
  steps:
    - {name: a, provider: {type: query, with: {language: promql, query: 'up{job="{{ inputs.v }}", n="{{ inputs.n }}"} > {{ inputs.n }}'}}}
    - {name: b, provider: {type: tool.run_query, with: {language: sql, query: "select '{{ inputs.v }}'"}}}
"""


def test_steps_that_query_escape_what_they_put_in(bench: Bench) -> None:
    bench.tools.answers["run_query"] = {"rows": []}
    assert bench.settled(bench.start(STEPS, {"v": "x'\"", "n": 3}))["status"] == "succeeded"
    asked = [arguments["query"] for _, arguments in bench.tools.asked]
    assert asked == ['up{job="x\'\\"", n="3"} > 3', "select 'x''\"'"]


def test_lint_tells_of_values_outside_quotation_marks() -> None:
    assert not [each for each in lint_text(STEPS) if "quotation" in str(each)]
    found = lint_text(STEPS.replace("> {{ inputs.n }}", "> {{ inputs.v }}"))
    (remark,) = [each for each in found if "quotation" in str(each)]
    assert (remark.weight, remark.problem.path, remark.problem.line) == (
        "warning",
        "workflow.steps[0].provider.with.query",
        7,
    )
