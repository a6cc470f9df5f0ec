from __future__ import annotations

import json
import os
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.alerts.routing.durations import seconds
from sre_copilot.alerts.routing.reading import of_alertmanager, of_settings
from sre_copilot.errors import SettingsError
from sre_copilot.settings.alerting.routing import Routing

CONTRACTS = os.environ.get("SRE_COPILOT_CONTRACTS", "")
FOLDER = Path(CONTRACTS) / "alertmanager"
needs_golden_files = pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no golden files")

FILE = """\
global: {smtp_from: a@example.org}
defaults: &waits
  group_wait: 10s
route:
  receiver: everybody
  group_by: [alertname]
  routes:
    - matchers: ['team="shop"', 'severity=~"critical|high"']
      receiver: shop
      continue: yes
      mute_time_intervals: [weekend]
      repeat_interval: 1h
    - match: {code: 500, ok: true}
      match_re: {zone: "a|b"}
      receiver: shop
inhibit_rules:
  - source_match: {severity: critical}
    target_matchers: [severity="warning"]
    equal: [cluster]
  - name: site
    sources:
      - matchers: [alertname="RouterDown"]
        equal: [site]
      - matchers: [alertname="LineDown"]
    target_matchers: [tier="shop"]
receivers:
  - name: everybody
  - name: shop
    slack_configs: [{channel: "#shop"}]
time_intervals:
  - name: weekend
    time_intervals:
      - weekdays: ["saturday", "sunday"]
        location: Europe/Berlin
"""
GOOD = FILE.replace("defaults: &waits\n  group_wait: 10s\n", "")


def test_a_file_of_alertmanager_is_read_with_all_its_forms() -> None:
    read = of_alertmanager(GOOD)
    receivers = [each.receiver for each in read.routes.match({"team": "shop", "severity": "high"})]
    assert receivers == ["shop"]
    assert read.routes.root.routes[0].continues
    assert read.routes.root.routes[0].repeat_interval_s == 3600.0
    assert read.routes.root.routes[1].key == '{}/{code="500",ok="true",zone=~"^(?:a|b)$"}'
    assert [(len(each.sources), each.name) for each in read.rules] == [(1, ""), (2, "site")]
    assert read.rules[1].sources[0].equal == ("site",)
    assert read.intervals.active(("weekend",), 1_783_765_800.0) == (
        "weekend",
    )  # 2026-07-11T12:30+02:00, a Saturday
    assert read.receivers == ("everybody", "shop")


def test_what_of_a_file_has_no_effect_is_said_with_its_line() -> None:
    assert of_alertmanager(GOOD).remarks == (
        "alertmanager.yml, line 1: global: is not taken over; write what belongs to receivers into alerting.notify",
        "alertmanager.yml, line 26: receivers.1: slack_configs of 'shop': not taken over; write a receiver of this name into alerting.notify.receivers, or nobody is told",
    )
    assert len(of_alertmanager(GOOD, receivers=["shop"]).remarks) == 1


def test_a_repetition_that_is_shorter_than_the_interval_is_remarked() -> None:
    text = GOOD.replace("repeat_interval: 1h", "repeat_interval: 1m")
    assert any(
        "repeat_interval is shorter than group_interval" in each for each in of_alertmanager(text).remarks
    )


def test_anchors_and_merges_of_yaml_are_followed() -> None:
    text = """\
route:
  receiver: a
  routes:
    - &one {matchers: [x=1], receiver: a, group_wait: 10s}
    - {<<: *one, matchers: [x=2]}
receivers: [{name: a}]
"""
    (found,) = of_alertmanager(text).routes.match({"x": "2"})
    assert found.group_wait_s == 10.0


BASE = """\
route:
  receiver: a
  routes:
    - {0}
receivers: [{{name: a}}, {{name: payments}}]
time_intervals: [{{name: night, time_intervals: [{{weekdays: [monday]}}]}}]
inhibit_rules: [{1}]
"""


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (
            "receiver: paymets",
            "line 4: route.routes.0.receiver: there is no receiver 'paymets'; did you mean 'payments'?",
        ),
        ("matchers: ['x~y']", "line 4: route.routes.0.matchers.0: 'x~y' is no matcher"),
        ('match_re: {x: "["}', "route.routes.0.match_re.x: the pattern"),
        ("match_re: {x: }", "route.routes.0.match_re.x: has no value"),
        ("match: {a-b: c}", "'a-b' is no label name here; write it under matchers"),
        ("group_by: ['...', a]", "route.routes.0.group_by: names '...'"),
        ("group_by: [a, a]", "route.routes.0.group_by: names 'a' twice"),
        ("group_wait: 5", "route.routes.0.group_wait: '5' is no duration"),
        ("group_interval: 0s", "route.routes.0.group_interval: cannot be zero"),
        ("mute_time_intervals: [nigth]", "there is no time interval 'nigth'; did you mean 'night'?"),
        (
            "matcher: [x=1]",
            "line 4: route.routes.0.matcher: is no key that is known here; did you mean matchers?",
        ),
        ("continue: perhaps", "route.routes.0.continue"),
        ("escalation: mian", "there is no escalation policy 'mian'; did you mean 'main'?"),
        ("routes: [{receiver: b}]", "route.routes.0.routes.0.receiver: there is no receiver 'b'"),
    ],
)
def test_a_wrong_route_is_refused_with_its_line_its_path_and_the_way_out(route: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        of_alertmanager(BASE.format(f"{{{route}}}", ""), policies=["main"])
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{source_match_re: {x: }}", "inhibit_rules.0.source_match_re.x: has no value"),
        ("{target_matchers: ['=']}", "inhibit_rules.0.target_matchers.0"),
        ("{sources: [{matchers: [a=1]}], equal: [b]}", "put these into an entry of sources"),
        ("{sources: [{matchers: ['a=\"\"']}]}", "at least one must not match the empty string"),
        ("{sources: [{matchers: []}]}", "inhibit_rules.0.sources.0.matchers"),
    ],
)
def test_a_wrong_rule_of_inhibition_is_refused(rule: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        of_alertmanager(BASE.format("{}", rule))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no keys"),
        ("BAD", "holds no keys"),
        ("receivers: []", "line 1: route: is missing"),
        ("route: {routes: []}", "route.receiver: is missing"),
        ("route: {receiver: a}", "there is no receiver 'a'; there are none"),
        (
            "route: {receiver: a, matchers: [x=1]}\nreceivers: [{name: a}]",
            "route.matchers: cannot stand at the root",
        ),
        (
            "route: {receiver: a, continue: true}\nreceivers: [{name: a}]",
            "route.continue: cannot stand at the root",
        ),
        (
            "route: {receiver: a}\nreceivers: [{name: a}, {name: a}]",
            "line 2: receivers.1.name: 'a' stands twice",
        ),
        ("route: {receiver: a\n", "is no YAML"),
        ("route: {receiver: a}\nroute: {receiver: b}", "line 2: the key 'route' stands twice"),
        ("route: {receiver: a}\nreceivers: [{}]", "receivers.0.name: is missing"),
        ("routes: {receiver: a}", "did you mean route"),
        ("[" * 500, "nested too deeply"),
        (
            "route: {receiver: a}\nreceivers: [{name: a}]\ntime_intervals: [{name: x}, {name: x}]",
            "time_intervals.1.name: 'x' stands twice",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        of_alertmanager(text)
    assert said in str(raised.value)


def test_everything_that_is_wrong_is_said_at_once_and_nothing_secret_is_repeated() -> None:
    text = (
        BASE.format("{receiver: b, group_wait: x}", "")
        + "global: {smtp_auth_password: hunter2, smtp_auth_password: hunter2}\n"
    )
    with pytest.raises(SettingsError) as raised:
        of_alertmanager(text)
    assert "hunter2" not in str(raised.value)
    with pytest.raises(SettingsError) as raised:
        of_alertmanager(BASE.format("{receiver: b, group_wait: x}", ""))
    assert "receiver 'b'" in str(raised.value)
    assert "'x' is no duration" in str(raised.value)


def test_aliases_that_mean_millions_of_values_are_refused() -> None:
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8))
    with pytest.raises(SettingsError, match="take aliases out"):
        of_alertmanager(f"a0: &a0 [x]\n{levels}\n")


def test_our_own_keys_mean_the_same() -> None:
    keys: dict[str, Any] = {
        "route": {"receiver": "a", "routes": [{"matchers": "x=1", "continue": True, "escalation": "main"}]},
        "inhibit_rules": [{"source_match": {"code": 500}, "target_match": {"code": 404}}],
    }
    read = of_settings(Routing.model_validate(keys), receivers=["a"], policies=["main"])
    assert read.routes.match({"x": "1"})[0].escalation == "main"
    assert read.rules[0].targets[0].text == 'code="404"'
    keys["route"]["routes"][0]["receiver"] = "b"
    with pytest.raises(
        SettingsError, match=r"^alerting\.routing\.route\.routes\.0\.receiver: there is no receiver 'b'"
    ):
        of_settings(Routing.model_validate(keys), receivers=["a"])


def test_without_a_route_alerts_are_grouped_by_name_and_reach_the_only_receiver_that_there_is() -> None:
    roots = [
        of_settings(Routing(), receivers=names).routes.root
        for names in ([], ["a"], ["a", "b"], ["a", "default"])
    ]
    assert [each.receiver for each in roots] == ["", "a", "", "default"]
    assert roots[0].group_by == ("alertname",)


def test_a_file_takes_the_place_of_our_own_keys() -> None:
    routing = Routing.model_validate({"alertmanager_file": "am.yml"})
    read = of_settings(routing, file_text=lambda: GOOD, receivers=["shop"])
    assert read.routes.root.receiver == "everybody"
    with pytest.raises(ValueError, match="keep one of the two"):
        Routing.model_validate({"alertmanager_file": "am.yml", "route": {"receiver": "a"}})


def golden() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "routing_cases.json").read_text(encoding="utf-8")))


@needs_golden_files
def test_every_golden_case_of_routing_is_met() -> None:
    cases, met = golden(), 0
    for tree in cases["trees"]:
        names = sorted(set(re.findall(r"receiver: '([^']+)'", tree["route_yaml"])))
        text = f"route:\n{textwrap.indent(tree['route_yaml'], '  ')}\nreceivers: {[{'name': each} for each in names]}"
        routes = of_alertmanager(text).routes
        for case in tree["cases"]:
            found = routes.match(case["labels"])
            assert [each.key for each in found] == case["route_keys"]
            for each, expected in zip(found, case["matches"], strict=True):
                full = {
                    key: cases["defaults"].get(key) if value == "default" else value
                    for key, value in expected.items()
                }
                assert each.receiver == full["receiver"]
                assert (list(each.group_by), each.group_by_all) == (
                    sorted(full["group_by"]),
                    full["group_by_all"],
                )
                for wait in ("group_wait", "group_interval", "repeat_interval"):
                    assert getattr(each, f"{wait}_s") == seconds(full[wait])
            met += 1
    assert met == 24


@needs_golden_files
def test_every_golden_case_of_amtool_is_met() -> None:
    cases = golden()["amtool"]
    for case in cases:
        routes = of_alertmanager((FOLDER / case["config"]).read_text(encoding="utf-8")).routes
        assert [each.receiver for each in routes.match(case["labels"])] == case["receivers"]
    assert len(cases) == 4


@needs_golden_files
@pytest.mark.parametrize(
    "path",
    sorted(FOLDER.glob("*/*.yml")) if CONTRACTS else [],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_good_configurations_are_taken_and_bad_ones_refused(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if ".bad." in path.name or ".nil-" in path.name:
        with pytest.raises(SettingsError, match=re.escape(path.name)):
            of_alertmanager(text, name=path.name)
    else:
        assert of_alertmanager(text, name=path.name).receivers
