"""Reports and statistics over REST, and by the commands that ask for them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.api.shapes import reports as shapes
from sre_copilot.app.acting import open_desk
from sre_copilot.app.reporting import Reporting
from sre_copilot.cli.main import app
from sre_copilot.incidents.delivery.wording import message
from sre_copilot.incidents.postmortem import pdf
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.plans import PlanStore
from sre_copilot.testing.alerting_service import Deciding, deciding, listening
from sre_copilot.testing.plans import a_plan
from sre_copilot.testing.stated_executor import StatedExecutor


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("reports")) as found:
        yield found


@pytest.fixture(scope="module")
def incident(there: Deciding) -> dict[str, Any]:
    """One that somebody took on and wrote about, with a plan that waits."""
    found = there.incident(there.fire("SlowCart", service="cart", severity="critical", minutes=12))
    client = there.client("responder")
    client.post(f"/api/v1/incidents/{found['id']}/ack").raise_for_status()
    client.post(
        f"/api/v1/incidents/{found['id']}/comment", json={"text": "cap the retries"}
    ).raise_for_status()
    plan = replace(a_plan(now=time.time()), incident_id=found["id"])
    PlanStore(there.service.database).propose(plan)
    return found


@pytest.fixture
def client(there: Deciding) -> TestClient:
    return there.client("viewer")


def test_a_report_tells_of_alert_people_and_plan(client: TestClient, incident: dict[str, Any]) -> None:
    found = client.get(f"/api/v1/incidents/{incident['number']}/report", params={"lang": "en"}).json()
    assert (found["incident_id"], found["outcome"]) == (incident["id"], "none")
    keys = {each["key"] for part in found["sections"].values() for each in part}
    assert {"postmortem.began.alert", "plan.proposed", "incident.acknowledged", "postmortem.bad.detected_late"} <= keys  # fmt: skip
    assert [each["who"] for each in found["sections"]["comments"]] == ["responder"]
    lines = [each for part in found["sections"].values() for each in part]
    bare = {each["key"] for each in lines if not each["rests_on"]}
    assert bare == {"postmortem.impact.not_measured"}


def test_what_a_person_does_during_an_incident_is_in_its_report_named_for_it_or_not(tmp_path: Path) -> None:
    with deciding(tmp_path) as there:
        found = there.incident(there.fire("SlowBank", service="bank", severity="critical", minutes=3))
        desk = open_desk(there.service.settings, there.service.database, there.service.clock)
        desk.__dict__["catalogue"] = Catalogue([StatedExecutor(states={"bank": {"replicas": 2}})])
        plans = there.application.state.approving.plans
        scale = {each: desk.action("stated.scale", "process/bank", {"replicas": each}) for each in (3, 4)}
        named = desk.propose(scale[3], who="ann", plans=plans, reason="more", incident=str(found["number"]))
        beside = desk.propose(scale[4], who="bob", plans=plans, reason="even more")
        path = f"/api/v1/incidents/{found['id']}/report"
        report = there.client("viewer").get(path, params={"lang": "en"}).json()
    assert (named.incident_id, beside.incident_id) == (found["id"], "")
    told = [each["key"] for each in report["sections"]["actions"]]
    assert told.count("postmortem.actions.plan") == 2
    assert "postmortem.actions.no_plan" not in told
    assert told.index("postmortem.actions.beside") > told.index("postmortem.actions.plan")


@pytest.mark.parametrize(("form", "media"), [("md", "text/markdown"), ("html", "text/html"), ("json", "application/json")])  # fmt: skip
def test_each_form_has_its_media_type_and_language(
    client: TestClient, incident: dict[str, Any], form: str, media: str
) -> None:
    answer = client.get(
        f"/api/v1/incidents/{incident['id']}/report",
        params={"format": form},
        headers={"accept-language": "zh"},
    )
    assert answer.headers["content-type"].startswith(media)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "尚未结束" in answer.text


def test_what_cannot_be_reported_is_refused_with_the_way_out(
    client: TestClient, incident: dict[str, Any]
) -> None:
    assert client.get("/api/v1/incidents/INC-999/report").status_code == 404
    assert (
        client.get(f"/api/v1/incidents/{incident['id']}/report", params={"format": "doc"}).status_code == 422
    )


def test_where_no_pdf_can_be_made_the_extra_is_named(
    client: TestClient, incident: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    answer = client.get(f"/api/v1/incidents/{incident['id']}/report", params={"format": "pdf"})
    assert answer.status_code == 501
    assert answer.json()["detail"] == pdf.EXTRA


def test_while_one_pdf_is_made_another_is_asked_to_come_back(
    client: TestClient, incident: dict[str, Any]
) -> None:
    with pdf.printer(wait=False):
        answer = client.get(f"/api/v1/incidents/{incident['id']}/report", params={"format": "pdf"})
        other = client.get(f"/api/v1/incidents/{incident['id']}/report", params={"format": "html"})
    assert (answer.status_code, other.status_code) == (503, 200)
    assert int(answer.headers["retry-after"]) > 0


def test_sending_makes_one_message_for_each_receiver_and_is_audited(
    there: Deciding, incident: dict[str, Any]
) -> None:
    path = f"/api/v1/incidents/{incident['id']}/report/send"
    assert there.client("viewer").post(path, json={"to": ["team"]}).status_code == 403
    answer = there.client("responder").post(path, json={"to": ["team", "team"], "lang": "en"})
    assert answer.status_code == 202
    assert (answer.json()["attached"], answer.json()["not_attached"]) == ([], ["team: webhook"])
    assert not answer.json()["linked"]
    [key] = answer.json()["notifications"]
    row = NotificationStore(there.service.database).get(key)
    assert row is not None
    told = message({**row, "last_error": ""}, key="k", language="en")
    assert "The cause is not known" in told.text
    assert told.title.endswith(incident["title"])
    refused = there.client("responder").post(path, json={"to": ["nobody"]})
    assert refused.status_code == 400
    assert "There are: team" in refused.json()["detail"]
    noted = there.client("admin").get("/api/v1/audit").json()["items"]
    assert [each["outcome"] for each in noted if each["verb"] == "report.send"] == ["refused", "done"]


def test_the_file_that_goes_along_is_the_report_as_pdf_or_as_a_page_where_none_can_be_made(
    there: Deciding, incident: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = there.service
    reporting = Reporting(settings=service.settings, database=service.database, clock=service.clock)
    wanted = {"report": incident["id"], "lang": "zh"}
    [file] = reporting.attached(wanted)
    assert (file.name, file.media, file.content[:5]) == (f"{incident['id']}.pdf", "application/pdf", b"%PDF-")
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    [file] = reporting.attached(wanted)
    assert file.name == f"{incident['id']}.html"
    assert "时间线" in file.content.decode()
    assert reporting.attached({"report": "INC-999"}) == ()


def test_statistics_say_how_many_cases_there_are_and_give_no_figure_of_few(
    there: Deciding, client: TestClient, incident: dict[str, Any]
) -> None:
    found = client.get("/api/v1/stats", params={"days": 1}).json()
    assert found["counts"]["incidents"] == 1
    assert found["figures"]["mttd"]["n"] == 1
    assert found["figures"]["mttd"]["value"] is None
    assert found["figures"]["mttd"]["target"] == 300
    assert found["figures"]["mttr"]["missing"] == {"goes_on": 1}
    for number in range(4):
        there.fire(f"More{number}", service=f"s{number}", severity="critical", minutes=2)
    more = client.get("/api/v1/stats", params={"days": 1}).json()["figures"]["mttd"]
    assert more["n"] == 5
    assert 120 <= more["median"] < 180
    assert client.get("/api/v1/stats", params={"format": "svg"}).text.startswith("<svg")
    told = client.get("/metrics").text
    assert 'sre_copilot_statistics_cases{figure="mttd"} 5.0' in told
    assert 'sre_copilot_statistics_ratio{figure="repair_success"} NaN' in told


def test_answers_are_as_they_are_declared(client: TestClient, incident: dict[str, Any]) -> None:
    report = client.get(f"/api/v1/incidents/{incident['id']}/report").json()
    stats = client.get("/api/v1/stats").json()
    for shape, answer in ((shapes.Report, report), (shapes.Statistics, stats)):
        found = shape.model_validate(answer, strict=True)
        assert set(answer) == set(shape.model_fields)
        assert found.model_dump(mode="json", exclude_unset=True) == answer


def test_commands_print_save_and_send_and_never_write_over_a_file(
    there: Deciding, incident: dict[str, Any], tmp_path: Path
) -> None:
    runner, name, file = CliRunner(), incident["id"], tmp_path / "report.md"
    with listening(there) as config:
        asked = ["--config", str(config), "--lang", "en"]
        shown = runner.invoke(app, ["report", "show", name, *asked])
        assert shown.exit_code == 0, shown.output
        assert shown.output.startswith(f"# {name}: ")
        save = ["report", "save", name, "--format", "md", "--file", str(file), *asked]
        assert runner.invoke(app, save).exit_code == 0
        file.write_text("my own words", encoding="utf-8")
        assert runner.invoke(app, save).exit_code == 2
        assert file.read_text(encoding="utf-8") == "my own words"
        assert runner.invoke(app, [*save, "--force"]).exit_code == 0
        assert runner.invoke(app, ["report", "show", "INC-999", *asked]).exit_code != 0
        sent = runner.invoke(app, ["report", "send", name, "--to", "team", *asked])
        assert "on its way to team" in sent.output
        stats = runner.invoke(app, ["stats", "--days", "1", "--output", "json", *asked])
        assert json.loads(stats.output)["counts"]["incidents"] >= 1
        printed = runner.invoke(app, ["stats", *asked], env={"COLUMNS": "300"}).output
        assert all(each in printed for each in ("MTTD", "< 5 min", "MTTR", "< 30 min", "≥ 75 %"))
