"""What people read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sre_copilot.cli.notify import example
from sre_copilot.errors import SettingsError
from sre_copilot.incidents.delivery.templates import LONGEST, Wording, compiled, render, template
from sre_copilot.incidents.delivery.wording import digest, message
from sre_copilot.incidents.report.model import Language
from sre_copilot.settings.alerting.notify import Templates

ADA = {"name": "Ada", "addresses": {"email": "ada@t.example"}}


def said(
    state: str = "firing",
    language: Language = "en",
    *,
    people: tuple[dict[str, Any], ...] = (),
    wording: Wording | None = None,
    **content: Any,
) -> Any:
    row = {
        "key": "k",
        "group_key": "INC-1",
        "receiver": "team",
        "state": state,
        "severity": "critical",
        "created_at": 1_770_388_222.0,
        "payload": {
            "content": {
                **example(),
                "started_at": 1_770_388_222.0,
                "resolved_at": 1_770_389_222.0,
                **content,
            },
            "people": [],
        },
    }
    return message(row, key="k", language=language, people=people, wording=wording or Wording())


def test_the_fields_have_their_names_in_both_languages() -> None:
    english, chinese = dict(said().fields), dict(said(language="zh").fields)
    assert list(english) == [
        "Severity", "Priority", "Service", "Metric", "Current Value", "Expected Value", "Deviation", "Recommended Action", "Estimated Time", "Success Rate",
    ]  # fmt: skip
    assert english["Estimated Time"] == "5 minutes"
    assert english["Success Rate"] == "95 %, from 8 similar cases"
    assert list(chinese)[:7] == ["严重程度", "优先级", "服务", "指标", "当前值", "预期值", "偏差"]
    assert chinese["成功率"] == "95%，依据 8 个相似案例"


def test_what_is_not_known_is_not_shown() -> None:
    names = [name for name, _ in said(anomaly={}, recommendation=None, priority="", service="").fields]
    assert names == ["Severity"]


def test_a_cause_is_told_with_its_confidence_and_none_is_told_as_none() -> None:
    assert "Cause: payment-db, confidence 82 %" in said().text
    assert "No cause found yet." in said(cause="", confidence=None).text
    assert "尚未找到根因。" in said(language="zh", cause="").text
    assert "confidence not known" in said(confidence=None).text


def test_at_most_ten_alerts_are_listed_and_the_others_counted() -> None:
    alerts = [{"name": f"A{i}", "severity": "warning", "service": "s"} for i in range(30)]
    text = said(alerts=alerts, alert_count=1000).text
    assert text.count("\n- A") == 10
    assert "Alerts (1,000):" in text
    assert "… and 990 more" in text


def test_an_end_says_from_when_to_when() -> None:
    text = said("resolved").text
    assert "From 2026-02-06 14:30:22 UTC to 2026-02-06 14:47:02 UTC" in text


def test_who_is_on_call_is_named() -> None:
    assert "On call: Ada" in said(people=(ADA,)).text
    assert "值班：Ada" in said(language="zh", people=(ADA,)).text


def test_blast_radius_says_what_is_not_known() -> None:
    text = said(blast_radius={"count": 0, "services": [], "unknown": ["payment"]}).text
    assert "Blast radius not known for: payment" in text


@pytest.mark.parametrize(
    "state", ["firing", "updated", "repeated", "escalated", "resolved", "storm", "deadman", "test"]
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_state_has_its_words_and_says_no_key(state: str, language: Language) -> None:
    found = said(state, language)
    assert "notify." not in found.title + found.text + "".join(name for name, _ in found.fields)


def test_a_content_that_holds_almost_nothing_is_still_told() -> None:
    row = {
        "key": "k",
        "group_key": "g",
        "receiver": "r",
        "state": "firing",
        "severity": "",
        "created_at": 0.0,
        "payload": {"content": {}, "people": []},
    }
    found = message(row, key="k", language="en")
    assert found.title == "[Firing] incident"
    assert found.text == "No cause found yet."


def test_a_template_replaces_the_words_and_sees_no_address() -> None:
    wording = compiled(
        Templates(
            title="{{ severity }}: {{ default_title }}",
            text="{{ people }} {{ default_text | length > 10 }} {{ nothing.at.all }}",
        ),
        place="t",
    )
    found = said(people=(ADA,), wording=wording)
    assert found.title == "critical: [Firing, critical] latency of payment"
    assert found.text == "[{'name': 'Ada'}] True"


def test_a_template_that_cannot_be_filled_in_gives_way_to_the_default_words() -> None:
    found = said(wording=compiled(Templates(text="{{ 1 / 0 }}"), place="t"))
    assert "Cause: payment-db" in found.text


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ content.__init__.__globals__ }}",
        "{{ lipsum.__globals__ }}",
    ],
)
def test_a_template_stays_in_its_sandbox(source: str) -> None:
    try:
        made = render(template(source, place="t"), {"content": {}})
    except SettingsError:
        made = ""
    assert made == ""


def test_a_template_that_makes_without_end_is_cut() -> None:
    made = render(template("{% for i in range(9999) %}{{ 'x' * 100 }}{% endfor %}", place="t"), {})
    assert len(made) == LONGEST


def test_a_wrong_template_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "text.j2"
    file.write_text("one\n{% if %}")
    with pytest.raises(SettingsError, match="line 2"):
        compiled(Templates(text_file=file), place="alerting")


def test_a_digest_has_a_line_for_each_message() -> None:
    rows = [
        {
            "key": f"k{i}",
            "state": "firing",
            "severity": "warning",
            "created_at": 1_770_388_222.0,
            "payload": {"content": {"title": f"T{i}", "severity": "warning"}},
        }
        for i in range(120)
    ]
    found = digest(rows, key="d", receiver="team", language="zh")
    assert found.title == "【汇总】120 条消息"
    assert found.text.count("T") >= 100
    assert "另有 20 条" in found.text
    assert (found.state, found.severity) == ("digest", "warning")
