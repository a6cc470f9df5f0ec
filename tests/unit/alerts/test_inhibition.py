from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.alerts.inhibition import InhibitionRule, InhibitionSource, Inhibitor
from sre_copilot.alerts.labels import fingerprint
from sre_copilot.alerts.matchers import OPERATORS, Matcher, all_match, equal_matchers, parse_matchers

CONTRACTS = os.environ.get("SRE_COPILOT_CONTRACTS", "")
Labels = dict[str, str]


def rule(source: str, target: str, *equal: str) -> InhibitionRule:
    return InhibitionRule(
        targets=parse_matchers(target),
        sources=(InhibitionSource(matchers=parse_matchers(source), equal=equal),),
    )


def taken(rules: list[InhibitionRule], *firing: Labels) -> Inhibitor:
    inhibitor = Inhibitor(rules)
    for labels in firing:
        inhibitor.take(fingerprint(labels), labels, firing=True)
    return inhibitor


def muted(inhibitor: Inhibitor, labels: Labels) -> bool:
    return bool(inhibitor.inhibited_by(fingerprint(labels), labels))


CRITICAL = {"severity": "critical", "cluster": "a", "alertname": "Down"}
WARNING = {"severity": "warning", "cluster": "a", "alertname": "Slow"}
USUAL = rule("severity=critical", "severity=warning", "cluster")


def test_an_alert_is_muted_while_one_of_the_same_values_fires() -> None:
    inhibitor = taken([USUAL], CRITICAL)
    assert inhibitor.inhibited_by("x", WARNING) == (fingerprint(CRITICAL),)
    assert not muted(inhibitor, {**WARNING, "cluster": "b"})
    inhibitor.take(fingerprint(CRITICAL), CRITICAL, firing=False)
    assert not muted(inhibitor, WARNING)


def test_labels_that_are_missing_on_both_sides_are_equal() -> None:
    inhibitor = taken([rule("severity=critical", "severity=warning", "zone")], CRITICAL)
    assert muted(inhibitor, WARNING)
    assert muted(inhibitor, {**WARNING, "zone": ""})
    assert not muted(inhibitor, {**WARNING, "zone": "1"})


def test_a_rule_without_equal_mutes_whatever_its_target_matches() -> None:
    assert muted(
        taken([rule("severity=critical", "severity=warning")], CRITICAL), {**WARNING, "cluster": "b"}
    )


def test_no_alert_mutes_itself_nor_do_two_that_match_both_sides() -> None:
    both = rule("severity=~critical|warning", "severity=~critical|warning", "cluster")
    inhibitor = taken([both], CRITICAL, WARNING)
    assert not muted(inhibitor, CRITICAL)
    assert not muted(inhibitor, WARNING)


def test_an_alert_that_matches_both_sides_is_muted_by_one_that_matches_the_source_alone() -> None:
    one = rule("s=1", "t=1", "e")
    assert muted(taken([one], {"s": "1", "e": "1"}), {"s": "1", "t": "1", "e": "1"})
    assert muted(taken([one], {"s": "1", "t": "1", "e": "1"}), {"t": "1", "e": "1"})


def test_of_several_sources_all_must_fire_each_with_its_own_values() -> None:
    several = InhibitionRule(
        targets=parse_matchers("alertname=Shop"),
        sources=(
            InhibitionSource(matchers=parse_matchers("alertname=RouterDown"), equal=("site",)),
            InhibitionSource(matchers=parse_matchers("alertname=LineDown"), equal=()),
        ),
    )
    router, line = {"alertname": "RouterDown", "site": "1"}, {"alertname": "LineDown", "site": "9"}
    shop = {"alertname": "Shop", "site": "1"}
    assert not muted(taken([several], router), shop)
    assert taken([several], router, line).inhibited_by("x", shop) == (fingerprint(router), fingerprint(line))
    assert not muted(taken([several], router, line), {**shop, "site": "2"})


def test_an_alert_whose_labels_changed_counts_with_its_new_ones() -> None:
    inhibitor = Inhibitor([USUAL])
    inhibitor.take("1", CRITICAL, firing=True)
    inhibitor.take("2", WARNING, firing=True)
    assert inhibitor.take("1", {**CRITICAL, "cluster": "b"}, firing=True) == ("2",)
    assert inhibitor.inhibited_by("2", WARNING) == ()
    assert inhibitor.inhibited_by("2", {**WARNING, "cluster": "b"}) == ("1",)


def test_only_the_first_and_the_last_of_many_sources_make_targets_worth_a_look() -> None:
    inhibitor = taken([USUAL], WARNING)
    others = [{**CRITICAL, "pod": str(each)} for each in range(3)]
    looks = [inhibitor.take(str(place), labels, firing=True) for place, labels in enumerate(others)]
    looks += [inhibitor.take(str(place), labels, firing=False) for place, labels in enumerate(others)]
    assert [len(each) for each in looks] == [1, 0, 0, 0, 0, 1]


def test_a_source_is_told_from_what_is_none() -> None:
    assert Inhibitor([USUAL]).is_source(CRITICAL)
    assert not Inhibitor([USUAL]).is_source(WARNING)


VALUES = st.sampled_from(["", "x", "y"])
LABELS = st.dictionaries(st.sampled_from("abe"), VALUES, max_size=3)
MATCHERS = st.lists(
    st.builds(
        Matcher, st.sampled_from("ab"), st.sampled_from(OPERATORS), st.sampled_from(["", "x", "y", "x|y"])
    ),
    max_size=2,
).map(tuple)
SOURCES = st.builds(InhibitionSource, matchers=MATCHERS, equal=st.sampled_from([(), ("e",), ("a", "e")]))
RULES = st.lists(
    st.builds(InhibitionRule, targets=MATCHERS, sources=st.lists(SOURCES, min_size=1, max_size=2).map(tuple)),
    max_size=3,
)


def brute(rules: list[InhibitionRule], firing: list[Labels], target: Labels) -> bool:
    """The definition, asked of every alert."""
    for each in rules:
        if not all_match(each.targets, target):
            continue
        is_two_sided = any(all_match(source.matchers, target) for source in each.sources)
        if all(
            any(
                all_match(source.matchers, alert)
                and source.values(alert) == source.values(target)
                and not (is_two_sided and all_match(each.targets, alert))
                for alert in firing
                if alert != target
            )
            for source in each.sources
        ):
            return True
    return False


@given(RULES, st.lists(LABELS, max_size=6), st.randoms(use_true_random=False))
def test_the_index_answers_as_the_definition_does_in_whatever_order_alerts_came(
    rules: list[InhibitionRule], alerts: list[Labels], chance: random.Random
) -> None:
    firing = [each for place, each in enumerate(alerts) if each not in alerts[:place]]
    shuffled = chance.sample(firing, len(firing))
    one, other = taken(rules, *firing), taken(rules, *shuffled)
    for target in firing:
        assert muted(one, target) is muted(other, target) is brute(rules, firing, target)


@given(RULES, st.lists(st.tuples(LABELS, st.booleans()), max_size=8))
def test_whoever_is_not_named_when_an_alert_comes_or_goes_is_muted_as_before(
    rules: list[InhibitionRule], steps: list[tuple[Labels, bool]]
) -> None:
    inhibitor, firing = Inhibitor(rules), dict[str, Labels]()
    for labels, fires in steps:
        key = fingerprint(labels)
        before = {each: muted(inhibitor, firing[each]) for each in firing if each != key}
        looked_at = inhibitor.take(key, labels, firing=fires)
        firing.pop(key, None)
        if fires:
            firing[key] = labels
        assert {each for each in before if muted(inhibitor, firing[each]) != before[each]} <= set(looked_at)
        for each, its in firing.items():
            assert muted(inhibitor, its) is brute(rules, list(firing.values()), its), each


def golden() -> dict[str, Any]:
    if not CONTRACTS:
        return {"rule_sets": [], "has_equal": []}
    path = Path(CONTRACTS) / "alertmanager" / "inhibition_cases.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def old_rule(given: dict[str, Any]) -> InhibitionRule:
    source = InhibitionSource(matchers=equal_matchers(given["source_match"]), equal=tuple(given["equal"]))
    return InhibitionRule(targets=equal_matchers(given["target_match"]), sources=(source,))


@pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no golden files")
def test_every_golden_verdict_is_given() -> None:
    verdicts = 0
    for case in golden()["rule_sets"]:
        inhibitor = Inhibitor([old_rule(each) for each in case["rules"]])
        for alert in case["alerts"]:
            inhibitor.take(fingerprint(alert["labels"]), alert["labels"], firing=alert["active"])
        for expected in case["expect"]:
            assert muted(inhibitor, expected["labels"]) is expected["muted"], (case["name"], expected)
            verdicts += 1
    assert verdicts == 13


@pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no golden files")
def test_every_golden_case_of_equal_labels_is_met() -> None:
    cases = golden()["has_equal"]
    for case in cases:  # a label of our own keeps the two sides apart, as the cases assume
        one = rule("side=source", "side=target", *case["equal"])
        inhibitor = Inhibitor([one])
        for place, each in enumerate(case["sources"]):
            inhibitor.take(str(place), {**each["labels"], "side": "source"}, firing=each["active"])
        found = inhibitor.inhibited_by("target", {**case["input"], "side": "target"})
        assert bool(found) is case["result"], case["name"]
    assert len(cases) == 5
