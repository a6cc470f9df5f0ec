"""`alert`, `incident`, `silence`, `maintenance` and `rules` in a terminal, against a server that answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from sre_copilot.cli import alert, incident, rules, silence
from sre_copilot.domain.event import EventType
from sre_copilot.errors import SreCopilotError, UsageError
from sre_copilot.testing.alerting_service import Deciding, deciding, listening


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("terminal")) as found:
        yield found


@pytest.fixture(scope="module")
def config(there: Deciding) -> Iterator[Path]:
    with listening(there) as path:
        there.fire("HighErrorRate", service="checkout", severity="critical")
        there.fire("HighLatency", service="checkout", severity="warning")
        yield path


APPS = {"alert": alert.app, "incident": incident.app, "silence": silence.app, "maintenance": silence.maintenance, "rules": rules.app}  # fmt: skip


def run(config: Path, noun: str, *arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(
        APPS[noun], [*arguments, "--config", str(config)]
    )


def document(config: Path, noun: str, *arguments: str) -> dict[str, object]:
    return dict(json.loads(run(config, noun, *arguments, "--output", "json").stdout))


def test_alerts_are_listed_with_what_mutes_them_and_the_exit_code_says_that_some_fire(config: Path) -> None:
    shown = run(config, "alert", "list")
    assert shown.exit_code == 1
    loud = next(line for line in shown.stdout.splitlines() if "HighErrorRate" in line)
    quiet = next(line for line in shown.stdout.splitlines() if "HighLatency" in line)
    assert "inhibited by" in quiet
    assert "inhibited by" not in loud
    none = run(config, "alert", "list", "--service", "nobody")
    assert (none.exit_code, none.stdout.strip()) == (0, "No alert.")


def test_a_document_is_json_or_yaml_as_the_interface_answers_it(config: Path) -> None:
    as_json = document(config, "alert", "list")
    as_yaml = yaml.safe_load(run(config, "alert", "list", "-o", "yaml").stdout)
    assert as_json == as_yaml
    refused = run(config, "alert", "list", "-o", "xml")
    assert refused.exit_code == 2
    assert "table, json, yaml" in refused.output


def test_one_alert_is_shown_with_the_reasons_in_either_language(config: Path) -> None:
    (key,) = [
        each["fingerprint"]
        for each in document(config, "alert", "list")["items"]
        if each["name"] == "HighLatency"
    ]  # type: ignore[index, attr-defined]
    assert "inhibit" in run(config, "alert", "get", str(key), "--lang", "en").stdout
    assert "抑制" in run(config, "alert", "get", str(key), "--lang", "zh").stdout
    done = run(config, "alert", "ack", str(key), "--note", "known")
    assert "acknowledged by admin" in done.stdout


def test_what_is_not_there_is_a_usage_error_that_says_where_to_look(config: Path) -> None:
    for noun, arguments in (
        ("alert", ("get", "nonsense")),
        ("incident", ("show", "INC-999999")),
        ("silence", ("expire", "x")),
    ):
        failed = run(config, noun, *arguments)
        assert isinstance(failed.exception, UsageError), (noun, failed.output)


def test_an_incident_is_listed_shown_explained_and_changed(config: Path, there: Deciding) -> None:
    there.until(lambda: document(config, "incident", "list")["items"])
    listed = run(config, "incident", "list")
    assert listed.exit_code == 1
    assert "HighErrorRate (checkout)" in listed.stdout
    (key,) = [each["id"] for each in document(config, "incident", "list")["items"]]  # type: ignore[index, attr-defined]
    there.until(lambda: "not delivered yet" in run(config, "incident", "show", key).stdout)
    assert "people are told" in run(config, "incident", "explain", key, "--lang", "en").stdout
    assert "通知" in run(config, "incident", "explain", key, "--lang", "zh").stdout
    for verb, said in (
        (("ack", key), "acknowledged"), (("unack", key), "firing"), (("assign", key, "ann"), key), (("comment", key, "seen"), key),
        (("snooze", key, "--for", "1h"), key), (("resolve", key), "resolved"), (("reopen", key), "firing"),
    ):  # fmt: skip
        done = run(config, "incident", *verb)
        assert done.exit_code == 0, done.output
        assert said in done.stdout
    timeline = run(config, "incident", "timeline", key, "--lang", "en").stdout
    assert "Assigned to ann" in timeline
    assert "Comment: seen" in timeline


def test_an_investigation_that_nobody_makes_is_an_error_with_the_way_out(config: Path) -> None:
    failed = run(config, "incident", "investigate", "1")
    assert isinstance(failed.exception, SreCopilotError)
    assert "serve" in str(failed.exception)


def test_silences_are_added_changed_listed_and_ended(config: Path) -> None:
    added = run(
        config,
        "silence",
        "add",
        "service=billing",
        "severity=~'warning|info'",
        "--comment",
        "known",
        "-d",
        "2h",
    )
    assert added.exit_code == 0, added.output
    key = added.stdout.strip()
    listed = run(config, "silence", "query")
    assert "severity=~" in listed.stdout
    assert "active" in listed.stdout
    assert run(config, "silence", "update", key, "--comment", "still known").stdout.strip() == key
    assert "still known" in run(config, "silence", "query").stdout
    assert run(config, "silence", "expire", key).exit_code == 0
    assert key not in run(config, "silence", "query").stdout
    assert key in run(config, "silence", "query", "--expired").stdout
    assert isinstance(run(config, "silence", "add", "service", "--comment", "x").exception, UsageError)


def test_maintenance_is_planned_listed_and_ended(config: Path) -> None:
    added = run(config, "maintenance", "add", "service=billing", "--reason", "new disk", "--ticket", "CHG-7")
    key = added.stdout.strip()
    listed = run(config, "maintenance", "list").stdout
    assert key in listed
    assert "CHG-7" in listed
    assert run(config, "maintenance", "end", key).exit_code == 0
    assert "expired" in run(config, "maintenance", "list").stdout


def test_changed_rules_are_rehearsed_on_what_came_in(config: Path, tmp_path: Path) -> None:
    keys = yaml.safe_load(config.read_text(encoding="utf-8"))
    same = tmp_path / "same.yaml"
    same.write_text(yaml.safe_dump(keys), encoding="utf-8")
    assert run(config, "rules", "replay", str(same), "--days", "1").exit_code == 0
    other = tmp_path / "other.yaml"
    keys["alerting"]["notify"]["receivers"].append(
        {"name": "other", "webhook_configs": [{"url": "http://127.0.0.1:9/o"}]}
    )
    keys["alerting"]["routing"]["route"]["receiver"] = "other"
    other.write_text(yaml.safe_dump(keys), encoding="utf-8")
    found = run(config, "rules", "replay", str(other), "--days", "1")
    assert found.exit_code == 1, found.output
    assert "would go to" in found.stdout


def test_without_a_server_the_exit_code_is_three_and_the_way_out_is_said(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"store: {{folder: {tmp_path}}}\nserver: {{port: 9}}\n", encoding="utf-8")
    (tmp_path / "token").write_text("x", encoding="utf-8")
    for noun, arguments in (("alert", ["list"]), ("incident", ["list"]), ("silence", ["query"])):
        found = run(path, noun, *arguments)
        assert found.exit_code == 3, found.output
        assert "sre-copilot serve" in found.output


def test_resolving_what_still_fires_warns_how_much_does_and_when_it_opens_again(
    there: Deciding, config: Path
) -> None:
    first = there.fire("DiskFull", service="store", severity="critical")
    found = there.incident(first)
    said = run(config, "incident", "resolve", found["id"])
    assert said.exit_code == 0
    assert "1 alert of it still fires" in said.stdout
    assert "within 1 h" in said.stdout
    labels = {"alertname": "DiskFull", "service": "store", "severity": "critical"}
    there.client().post("/api/v2/alerts", json=[{"labels": labels}]).raise_for_status()
    there.until(lambda: there.client().get(f"/api/v1/alerts/{first}").json()["received"] == 2)
    assert there.incident(first)["status"] == "resolved", "what only goes on does not open it"
    there.fire("DiskFull", ended=True, service="store", severity="critical")
    there.fire("DiskFull", minutes=0, service="store", severity="critical")
    assert there.incident(first)["status"] == "firing"
    assert there.incident(first)["id"] == found["id"]


def test_resolving_what_no_longer_fires_warns_of_nothing(there: Deciding, config: Path) -> None:
    over = there.fire("Blip", service="blip", severity="critical")
    there.fire("Blip", ended=True, service="blip", severity="critical")
    said = run(config, "incident", "resolve", there.incident(over)["id"])
    assert "WARNING" not in said.stdout


def test_the_list_says_what_is_snoozed_or_muted(there: Deciding, config: Path) -> None:
    snoozed = there.incident(there.fire("Sleepy", service="sleepy", severity="critical"))
    muted = there.incident(there.fire("Hushed", service="hushed", severity="critical"))
    assert run(config, "incident", "snooze", snoozed["id"], "--for", "1h").exit_code == 0
    assert run(config, "silence", "add", "service=hushed", "--comment", "known", "-d", "1h").exit_code == 0
    there.until(lambda: there.incident(muted["alerts"][0]["fingerprint"])["muted"])
    rows = {
        row.split("│")[1].strip(): row
        for row in run(config, "incident", "list").stdout.splitlines()
        if "│" in row
    }
    assert "snoozed until" in rows[snoozed["id"]]
    assert "muted" in rows[muted["id"]]
    assert "muted" not in rows[snoozed["id"]]


def test_what_is_said_of_an_incident_names_the_route_the_messages_and_who_decided(
    there: Deciding, config: Path
) -> None:
    found = there.incident(there.fire("Routed", service="routed", severity="critical"))
    there.until(lambda: there.incident(found["alerts"][0]["fingerprint"])["told"])
    run(config, "incident", "ack", found["id"])
    said = run(config, "incident", "explain", found["id"], "--lang", "en").stdout
    for wanted in ("To team, by the route", "Message 1 to team", "Acknowledged", "admin"):
        assert wanted in said


def test_an_incident_is_judged_and_the_status_and_the_metrics_count_it(there: Deciding, config: Path) -> None:
    found = there.incident(there.fire("Judged", service="judged", severity="critical"))
    said = run(config, "incident", "judge", found["id"], "--false-alarm", "--note", "a test")
    assert f"{found['id']}: a false alarm, says admin" in said.stdout
    shown = there.client().get("/status").json()["alerting"]["warning_precision"]
    assert (shown["judged"], shown["real"], shown["value"]) == (1, 0, None)
    assert "at least 20" in shown["problem"]
    exposed = there.client().get("/metrics").text
    assert 'sre_copilot_incidents_judged{verdict="false_alarm"} 1.0' in exposed
    assert "sre_copilot_warning_precision_ratio NaN" in exposed
    told = there.service.alerting.records.changes_since(0, limit=1000, types=[EventType.FEEDBACK_GIVEN])
    assert [(each["key"], each["data"]["verdict"]) for each in told] == [(found["id"], "wrong")]
