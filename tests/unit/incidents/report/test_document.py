from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from sre_copilot.domain.incident import Outcome
from sre_copilot.errors import StoreError
from sre_copilot.incidents.report import LANGUAGES, Language, Report, render
from sre_copilot.incidents.report.document import document, schema
from sre_copilot.incidents.report.reading import report_of

DOCS = Path(__file__).parents[4] / "docs/reference"


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_document_is_as_its_schema_says(
    outcomes: dict[Outcome, Report], outcome: Outcome, lang: Language
) -> None:
    published = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(published)
    read = json.loads(render(outcomes[outcome], output="json", lang=lang))
    assert [error.message for error in Draft202012Validator(published).iter_errors(read)] == []
    assert read == document(outcomes[outcome], lang)


def test_the_published_schema_is_that_of_the_types() -> None:
    assert json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8")) == schema()


def test_the_page_about_the_schema_names_every_part() -> None:
    page = (DOCS / "report-schema.md").read_text(encoding="utf-8")
    assert [name for name in schema()["properties"] if f"`{name}`" not in page] == []
    assert [name for name in schema()["$defs"] if f"`{name}`" not in page] == []


def test_the_data_is_the_same_in_both_languages_and_the_sentences_are_not(report: Report) -> None:
    english, chinese = document(report, "en"), document(report, "zh")
    assert english["pictures"][0]["lines"] == chinese["pictures"][0]["lines"]
    assert english["verdict"]["sentence"]["params"] == chinese["verdict"]["sentence"]["params"]
    assert english["verdict"]["sentence"]["text"] == "The fault is in payments: CPU exhausted."
    assert chinese["verdict"]["sentence"]["text"] == "故障位于 payments：CPU 耗尽。"


def test_control_codes_survive_as_escapes(report: Report) -> None:
    text = render(report, output="json", lang="en")
    assert "\\u202e" in text
    assert "\\u009b" in text
    assert "\u202e" in json.dumps(json.loads(text), ensure_ascii=False)


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_report_that_was_kept_can_be_written_in_any_form_and_language(
    outcomes: dict[Outcome, Report], outcome: Outcome, lang: Language
) -> None:
    kept = json.loads(render(outcomes[outcome], output="json", lang="en"))
    read = report_of(kept)
    assert render(read, output="html", lang=lang) == render(outcomes[outcome], output="html", lang=lang)
    assert render(read, output="md", lang=lang) == render(outcomes[outcome], output="md", lang=lang)
    assert document(read, lang) == document(outcomes[outcome], lang)


@pytest.mark.parametrize("change", [{"version": 0}, {"verdict": None}, {"timeline": [{"at": "x"}]}])
def test_a_report_of_another_form_is_refused_and_says_so(report: Report, change: dict[str, object]) -> None:
    kept = {**json.loads(render(report, output="json", lang="en")), **change}
    with pytest.raises(StoreError, match="JSON has all"):
        report_of(kept)
