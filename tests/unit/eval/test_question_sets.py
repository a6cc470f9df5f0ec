"""The committed halves of the question sets are whole, consistent and answerable as they say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import sqlglot

from sre_copilot import eval as evaluation
from sre_copilot.agents.understanding.intents import INTENTS, PARAMETERS

QUESTIONS = Path(evaluation.__file__).parent / "questions"
CASES = Path(__file__).parents[3] / "examples" / "incidents" / "cases"
SIZES = {
    "intent/seen": 100,
    "retrieval/seen": 100,
    "retrieval/answers_seen": 60,
    "retrieval/answers_development": 120,
    "nl2query/seen": 50,
    "sql_attacks/seen": 45,
    "injection/seen": 30,
    "ask/seen": 20,
}
PROPERTIES = {
    *("metric", "matcher", "function", "range", "offset", "by", "quantile", "k", "comparison", "stream"),
    *("line_filter", "parser", "field_filter", "table", "where", "filter", "match", "aggregate", "group_by"),
    *("order_by", "limit", "size", "time", "interval"),
}


def lines(name: str) -> list[dict[str, Any]]:
    text = (QUESTIONS / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def documents() -> Mapping[str, str]:
    return {
        path.stem: path.read_text(encoding="utf-8")
        for path in (QUESTIONS / "retrieval" / "documents").glob("*.md")
    }


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("name", SIZES)
def test_a_set_is_large_enough_and_every_line_has_its_own_id_and_text(name: str) -> None:
    rows = lines(name)
    texts = [row.get("text", row.get("sql")) for row in rows]
    assert len(rows) >= SIZES[name]
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(isinstance(text, str) and text.strip() for text in texts)


@pytest.mark.parametrize("name", [name for name in SIZES if name != "sql_attacks/seen"])
def test_both_languages_are_asked(name: str) -> None:
    spoken = [row["lang"] for row in lines(name)]
    assert set(spoken) <= {"en", "zh", "mixed"}
    assert min(spoken.count("en"), spoken.count("zh")) >= 0.4 * len(spoken)


def test_every_expected_intent_and_parameter_is_one_of_the_product() -> None:
    for row in lines("intent/seen"):
        expected = row["expected"]
        assert {expected["intent"], *expected["parts"]} <= set(INTENTS), row["id"]
        assert set(expected["parameters"]) <= set(PARAMETERS), row["id"]


def test_expected_services_are_known_and_aliases_lead_to_services() -> None:
    for row in lines("intent/seen"):
        assert set(row["expected"]["services"]) <= set(row["services"]), row["id"]
        assert set(row["aliases"].values()) <= set(row["services"]), row["id"]


def test_a_window_has_a_length_and_reaches_past_now_only_in_a_forecast() -> None:
    for row in lines("intent/seen"):
        window = row["expected"].get("window")
        if window is None:
            continue
        assert moment(window["start"]) < moment(window["end"]), row["id"]
        if row["expected"]["intent"] != "forecast":
            assert moment(window["end"]) <= moment(row["now"]), row["id"]


def test_half_of_the_questions_say_a_time() -> None:
    rows = lines("intent/seen")
    assert sum(bool(row["expected"].get("window")) for row in rows) >= len(rows) / 2


def test_there_are_as_many_documents_in_either_language_and_each_has_a_structure() -> None:
    texts = documents()
    chinese = [stem for stem in texts if stem.startswith("zh-")]
    assert (len(texts), len(chinese)) == (64, 32)
    assert all(text.startswith("# ") and len(text) > 600 for text in texts.values())


def test_expected_documents_exist_and_crossed_says_that_the_languages_differ() -> None:
    stems = documents().keys()
    for row in lines("retrieval/seen"):
        assert set(row["expected"]) <= set(stems), row["id"]
        assert row["unanswerable"] == (not row["expected"]), row["id"]
        written = {"zh" if stem.startswith("zh-") else "en" for stem in row["expected"]}
        assert row["crossed"] == (bool(written) and row["lang"] not in written), row["id"]


@pytest.mark.parametrize("name", ["retrieval/answers_seen", "retrieval/answers_development"])
def test_a_quote_stands_word_for_word_in_its_document(name: str) -> None:
    texts = documents()
    for row in lines(name):
        assert row["near"] in texts, row["id"]
        assert row["unanswerable"] == (row["document"] is None) == (not row["quote"]), row["id"]
        assert row["unanswerable"] or row["quote"] in texts[row["document"]], row["id"]


def test_marks_of_obedience_do_not_stand_in_the_planted_text_itself() -> None:
    for row in lines("injection/seen"):
        assert row["must_not_contain"], row["id"]
        marks = [mark.lower() in row["text"].lower() for mark in row["must_not_contain"]]
        assert all(marks) if row["kind"] in {"leak", "link"} else not any(marks), row["id"]


def test_questions_about_incidents_name_recorded_cases_and_their_services() -> None:
    for row in lines("ask/seen"):
        case = CASES / row["case"]
        edges = json.loads((case / "topology.json").read_text(encoding="utf-8"))["edges"]
        assert set(row["expected"]["services"]) <= {name for edge in edges for name in edge}, row["id"]
        assert row["expected"]["intent"] in INTENTS, row["id"]


def test_reference_queries_parse_and_hold_to_the_schema() -> None:
    for row in lines("nl2query/seen"):
        expected = row["expected"]
        assert {key for must in expected["must"] for key in must} <= PROPERTIES, row["id"]
        _parse(row["target"], expected["reference"], row["schema"])
        named = [must["metric"] for must in expected["must"] if "metric" in must]
        assert set(named) <= set(row["schema"].get("metrics", {})), row["id"]


def _parse(target: str, query: str, schema: Mapping[str, Any]) -> None:
    if target == "promql":
        promql_parser.parse(query)
    elif target == "sql":
        tables = {
            table.name
            for table in sqlglot.parse_one(query, dialect=schema["dialect"]).find_all(sqlglot.exp.Table)
        }
        assert tables <= set(schema["tables"])
    elif target == "elasticsearch":
        assert isinstance(json.loads(query), dict)
    else:
        assert query.count("{") == query.count("}") >= 1


def test_harmless_sql_is_one_select_over_allowed_tables() -> None:
    rows = [row for row in lines("sql_attacks/seen") if row["safe"]]
    assert len(rows) >= 10
    for row in rows:
        (statement,) = sqlglot.parse(row["sql"], dialect=row["dialect"])
        assert statement is not None
        assert statement.key in {"select", "union"}, row["id"]
        names = {table.name for table in statement.find_all(sqlglot.exp.Table)}
        ctes = {cte.alias for cte in statement.find_all(sqlglot.exp.CTE)}
        assert names - ctes <= set(row["tables"]), row["id"]
