from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sre_copilot.cli.case import app
from sre_copilot.testing.cases import build_case


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    build_case("cpu", requests_per_second=0.05).write(tmp_path)
    bad = build_case("cpu", seed=1, requests_per_second=0.05, baseline=False)
    bad.with_facts(window=[3, "x\x1b[31m"]).without("logs").write(tmp_path)
    return tmp_path


def test_a_fine_case_exits_with_0_and_a_bad_one_with_2(cases: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["check", str(cases / "cases" / "cpu-order-0")]).exit_code == 0
    assert runner.invoke(app, ["check", str(cases)]).exit_code == 2


def test_the_terminal_says_file_and_field_and_shows_control_codes(cases: Path) -> None:
    text = CliRunner().invoke(app, ["check", str(cases)]).output
    assert "ok   cpu-order-0" in text
    assert "bad  cpu-order-1" in text
    assert "case.json, field 'window[1]'" in text
    assert "2 checked, 1 bad" in text
    assert "\x1b[31m" not in text


def test_json_carries_file_row_field_problem_and_remedy(cases: Path) -> None:
    document = json.loads(CliRunner().invoke(app, ["check", str(cases), "--output", "json"]).output)
    good, bad = document["cases"]
    assert (document["ok"], good["ok"], bad["ok"]) == (False, True, False)
    (problem,) = bad["problems"]
    assert set(problem) == {"file", "row", "field", "problem", "remedy"}
    assert (problem["file"], problem["field"]) == ("case.json", "window[1]")


@pytest.mark.parametrize(("locale", "words"), [("en_GB.UTF-8", "(row 2)"), ("zh_CN.UTF-8", "（第 2 行）")])
def test_oddities_are_said_in_the_language_of_the_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locale: str, words: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    case = build_case("none", requests_per_second=0.05)
    edges = [["a", "b"], ["b", "c"], ["c", "c"]]
    folder = case.with_document("topology", {"edges": edges}).write(tmp_path)
    assert words in CliRunner().invoke(app, ["check", str(folder)]).output


def test_what_was_read_is_said_in_both_forms(cases: Path) -> None:
    folder = str(cases / "cases" / "cpu-order-0")
    text = CliRunner().invoke(app, ["check", folder]).output
    (case,) = json.loads(CliRunner().invoke(app, ["check", folder, "-o", "json"]).output)["cases"]
    metrics = next(each for each in case["read"] if each["file"] == "metrics.parquet")
    assert f"metrics.parquet: {metrics['rows']:,} rows, services: {metrics['services']}, 2023-11-14" in text
    assert metrics["first"] < metrics["last"]
