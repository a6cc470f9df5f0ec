from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decision.situations import NOON, situation, standing

from sre_copilot.decision.policy.matching import fitting, within
from sre_copilot.decision.policy.model import Hours
from sre_copilot.decision.policy.reading import Policies
from sre_copilot.decision.trial import Offered, remarks, try_all
from sre_copilot.domain.plan import RiskLevel
from sre_copilot.errors import SettingsError
from sre_copilot.testing.stated_executor import usual_specs

FILE = """\
policies:
  - name: no statements at night
    when:
      actions: ["sql.*"]
      hours: {start: 22:00, end: "06:00", time_zone: Asia/Shanghai}
    effect: forbid
    because: Nobody watches the database then.
  - name: restarts may
    when: {actions: ["supervisor.restart"], environments: [staging, test]}
    effect: allow_auto
tests:
  - name: at 23 in Shanghai
    given: {action: sql.kill_query, at: 2026-01-07T15:00:00Z}
    expect: {forbidden: true, policies: [no statements at night]}
  - name: by day
    given: {action: sql.kill_query, at: 2026-01-07T04:00:00Z, confidence: 0.9}
    expect: {forbidden: false}
  - name: a proven restart
    given:
      action: supervisor.restart
      environment: staging
      confidence: 0.95
      good: 20
      total: 20
      service: cart
      calls: [[shop, cart]]
      rates: {shop: 100, cart: 10}
    expect: {mode: auto}
"""


def read(text: str) -> Policies:
    return Policies.read(text, "policies.yaml")


def one(**when: Any) -> Policies:
    return read(yaml.safe_dump({"policies": [{"name": "x", "when": when, "effect": "forbid"}]}))


def test_a_file_holds_rules_and_tests_that_pass() -> None:
    policies = read(FILE)
    assert [each.name for each in policies.rules] == ["no statements at night", "restarts may"]
    assert policies.places == ("policies.yaml, line 2: policies.0", "policies.yaml, line 8: policies.1")
    assert [each.passed for each in try_all(policies)] == [True, True, True]
    assert list(remarks(policies)) == []


def test_a_test_that_comes_otherwise_says_what_was_found() -> None:
    found = try_all(read(FILE.replace("expect: {mode: auto}", "expect: {mode: manual, four_eyes: true}")))[2]
    assert found.wrong == (("mode", "manual", "auto"), ("four_eyes", "true", "false"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("effect: forbid", "effect: forbit", r"line 6: policies\.0\.effect: Input should be 'forbid'"),
        ("environments: [", "enviroments: [", r"line 9: policies\.1\.when\.enviroments: is unknown; did you mean environments\?"),
        ("effect: forbid", "effect: require", r"line 2: policies\.0: mode: is needed with effect require"),
        ("name: restarts may", "name: no statements at night", r"line 8: policies\.1\.name: .* stands twice"),
        ("policies: [no statements at night]", "policies: [no statement at night]", r"line 14: .*did you mean no statements at night"),
        ("    effect: allow_auto", "", r"line 8: policies\.1\.effect: is missing; add it"),
        ("Asia/Shanghai", "Asia/Nowhere", r"line 5: policies\.0\.when\.hours: time_zone: .*is no time zone"),
        ("good: 20", "good: 21", r"line 19: tests\.2\.given: good: is more than total"),
        ("expect: {forbidden: false}", "expect: {}", r"line 17: tests\.1\.expect: expects nothing"),
        ("    because:", "    effect: forbid\n    because:", r"line 7: policies\.0\.effect: stands twice"),
        ("actions: [\"sql.*\"]", "actions: [", "is no YAML"),
    ],
)  # fmt: skip
def test_an_error_names_line_path_and_the_way_out(old: str, new: str, said: str) -> None:
    assert old in FILE
    with pytest.raises(SettingsError, match=f"policies.yaml, {said}" if "line" in said else said):
        read(FILE.replace(old, new, 1))


@pytest.mark.parametrize(
    "text", ["", "- a", "[" * 600 + "]" * 600, "policies: 2026-13-40", "policies: &a [*a]", "a: &b {<<: *b}"]
)
def test_a_text_that_is_no_such_file_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"policies\.yaml"):
        read(text)


@given(text=st.text(max_size=200) | st.text(alphabet="policestn:-[]{}&*! \n\"'", max_size=200))
def test_whatever_is_written_there_is_read_or_refused(text: str) -> None:
    with suppress(SettingsError):
        assert isinstance(read(text), Policies)


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({}, True),
        ({"actions": ["supervisor.*"], "targets": ["supervisor//process/cart"]}, True),
        ({"actions": ["sql.*"]}, False),
        ({"environments": ["Production"], "services": ["c*"], "faults": ["cpu*"]}, True),
        ({"labels": {"team": "pay*"}}, True),
        ({"labels": {"team": "pay*", "tier": "?"}}, False),
        ({"labels": {"tier": ""}}, True),
        ({"level_at_least": "high"}, False),
        ({"level_at_most": "medium"}, True),
        ({"confidence_below": 0.9}, False),
        ({"confidence_at_least": 0.9}, True),
        ({"cases_below": 9}, False),
        ({"cases_below": 10}, True),
        ({"success_below": 0.9}, True),
        ({"success_at_least": 0.9}, False),
        ({"hours": {"days": ["wed"], "start": "12:00", "end": "12:01"}}, True),
        ({"outside_hours": {"start": "12:00", "end": "12:01"}}, False),
        ({"namespaces": ["shop"]}, False),
    ],
)
def test_a_rule_fits_when_everything_that_it_names_does(when: dict[str, Any], fits: bool) -> None:
    here = situation(
        RiskLevel.MEDIUM, fault_type="cpu_saturation", labels={"team": "payments"}, standing=standing(9, 9)
    )
    assert bool(fitting(one(**when).rules, here, NOON)) is fits


def test_hours_that_end_before_they_begin_belong_to_the_day_on_which_they_begin() -> None:
    friday = Hours(days=["fri"], start="22:00", end="06:00")
    hour = 3600.0
    thursday_noon = NOON + 24 * hour
    assert not within(friday, thursday_noon + 17 * hour)  # Friday 05:00
    assert within(friday, thursday_noon + 34 * hour)  # Friday 22:00
    assert within(friday, thursday_noon + 41 * hour)  # Saturday 05:00
    assert not within(friday, thursday_noon + 42 * hour)


@pytest.mark.parametrize(
    "when",
    [
        {"level_at_least": "high", "level_at_most": "low"},
        {"confidence_at_least": 0.9, "confidence_below": 0.5},
        {"hours": {"start": "08:00", "end": "08:00"}},
        {"hours": {"start": "25:00"}},
    ],
)
def test_a_rule_that_can_never_fit_is_refused(when: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"line \d+: policies\.0\.when"):
        one(**when)


def test_what_is_probably_not_meant_is_remarked() -> None:
    policies = read(
        """
policies:
  - {name: a, when: {actions: [sql.*]}, effect: forbid}
  - {name: b, when: {actions: [sql.*]}, effect: forbid}
  - {name: c, when: {actions: [sqk.*]}, effect: four_eyes}
tests:
  - {name: t, given: {action: sql.x}, expect: {forbidden: true}}
"""
    )
    offered = Offered(usual_specs("sql"))
    found = [message.key.rpartition(".")[2] for _, message in remarks(policies, offered=offered)]
    assert found == ["same", "untested", "unknown_action"]
    assert [message.key for _, message in remarks(read("policies: []"))] == ["decision.lint.empty"]


def test_two_files_may_not_name_two_rules_alike() -> None:
    with pytest.raises(SettingsError, match=r"policies\.yaml, line 2: policies\.0: the name .*Rename one"):
        Policies.together([read(FILE), read(FILE)])


@pytest.mark.parametrize(
    ("pattern", "known"),
    [("sql/*/process/orders*", True), ("sql/*", True), ("*", True), ("SQL/*/process/x", True), ("*/process/*", True),
     ("sq1/*/process/orders", False), ("sql/*/database/orders", False), ("sqk*", False)],
)  # fmt: skip
def test_targets_that_no_executor_has_are_remarked(pattern: str, known: bool) -> None:
    policies = read(f'policies: [{{name: a, when: {{targets: ["{pattern}"]}}, effect: forbid}}]')
    found = {message.key.rpartition(".")[2] for _, message in remarks(policies, offered=Offered(usual_specs("sql")))}  # fmt: skip
    assert ("unknown_target" not in found) is known
