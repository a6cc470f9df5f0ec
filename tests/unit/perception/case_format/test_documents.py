from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sre_copilot.domain.signals import Window
from sre_copilot.errors import BadCaseError
from sre_copilot.perception.case_format.case_files import parse_json
from sre_copilot.perception.case_format.documents import (
    alerts,
    changes,
    incident,
    schema,
    topology,
    violations,
)

DOCUMENTS = ["case", "topology", "alerts", "changes", "truth"]


def first(name: str, document: Any) -> BadCaseError:
    return next(iter(violations(name, document)))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_schema_is_a_schema_and_describes_each_field(name: str) -> None:
    found = schema(name)
    Draft202012Validator.check_schema(found)
    fields = found.get("properties") or found["items"]["properties"]
    assert all(field["description"] for field in fields.values())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"id": 1, "id": 2}', "stands twice"),
        (b'{"id": NaN}', "NaN"),
        (b'{"id": -Infinity}', "Infinity"),
        (b'{"id": "\xff"}', "not UTF-8: byte 8 (0xff)"),
        (b'{"id": 1,\n "x"}', "line 2, column 5"),
        (b'{"id": "\\ud800"}', "surrogate"),
        (b"[" * 200_000, "nested too deeply"),
        (b"1" * 5000, "number"),
        (b"", "line 1"),
    ],
)
def test_json_that_python_would_take_or_choke_on_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(BadCaseError, match=r"case\.json") as caught:
        parse_json(content, "case.json")
    assert problem in str(caught.value)
    assert caught.value.remedy


def test_a_byte_order_mark_and_a_whole_surrogate_pair_are_read() -> None:
    assert parse_json(b'\xef\xbb\xbf{"id": "\\ud83d\\ude00"}', "case.json") == {"id": "\U0001f600"}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "id"),
        ({"id": ""}, "id"),
        ({"id": "a", "t_inject": "noon"}, "t_inject"),
        ({"id": "a", "t_inject": True}, "t_inject"),
        ({"id": "a", "window": [1]}, "window"),
        ({"id": "a", "window": [1, "2"]}, "window[1]"),
        ({"id": "a", "window": [20, 10]}, "window"),
        ({"id": "a", "alert": {"node": 3}}, "alert.node"),
        ({"id": "a", "metric_interval_s": 0}, "metric_interval_s"),
        ({"id": "a", "other_fault_times": [1, None]}, "other_fault_times[1]"),
    ],
)
def test_a_wrong_field_of_the_case_is_named_with_what_is_expected(
    document: dict[str, Any], field: str
) -> None:
    error = first("case", document)
    assert (error.file, error.field) == ("case.json", field)
    assert error.remedy.startswith("expected: ")


def test_a_wrong_entry_of_a_list_is_named_by_its_row() -> None:
    error = first(
        "changes",
        [{"ts": 1, "service": "a", "kind": "b", "text": "c"}, {"ts": 1, "service": "a", "kind": "b"}],
    )
    assert (error.file, error.row, error.field) == ("changes.json", 1, "[1].text")
    assert first("topology", {"edges": [["a", "b"], ["c"]]}).field == "edges[1]"


def test_every_wrong_field_is_named_not_the_first_alone() -> None:
    fields = [error.field for error in violations("case", {"t_inject": "x", "window": 3})]
    assert set(fields) == {"id", "t_inject", "window"}


def test_nulls_of_the_case_are_not_known() -> None:
    about, remarks = incident({"id": "a", "t_inject": None, "window": None, "query": None, "alert": None})
    assert (about.onset, about.window, about.complaint.text, remarks) == (None, None, "", ())


def test_milliseconds_in_the_case_become_seconds_and_this_is_said() -> None:
    about, (remark,) = incident(
        {"id": "a", "t_inject": 1_700_000_000_000, "window": [1_699_999_000, 1_700_000_900_000]}
    )
    assert about.onset == 1_700_000_000
    assert about.window == Window(1_699_999_000, 1_700_000_900)
    assert remark.key == "gap.reader.document_times_converted"


def test_self_calls_are_left_out_and_said_cycles_and_repeats_are_kept_once() -> None:
    found, (remark,) = topology({"edges": [["a", "b"], ["b", "a"], ["a", "b"], ["c", "c"]]})
    assert found.edges == (("a", "b"), ("b", "a"))
    assert (remark.key, remark.row) == ("gap.reader.self_calls", 3)


def test_no_alert_is_no_gap_and_an_alert_has_its_window_in_utc() -> None:
    assert alerts({}) == ((), ())
    entry = {"name": "a", "type": "Service", "time_range": "2026-01-01 08:00:00 ~ 2026-01-01T08:05:00+08:00"}
    (alert,), remarks = alerts(
        {"alerts": [{**entry, "time_range": "2026-01-01 00:00:00 ~ 2026-01-01T08:05:00+08:00"}]}
    )
    assert alert.window == Window(1_767_225_600, 1_767_225_900)
    assert remarks == ()
    (backwards,), (said,) = alerts({"alerts": [entry]})
    assert backwards.window is None
    assert said.key == "gap.reader.times_unread"


def test_a_count_of_alerts_that_is_not_theirs_is_said() -> None:
    _, (remark,) = alerts({"alert_count": 3, "alerts": [{"name": "a"}]})
    assert dict(remark.params) == {"announced": 3, "rows": 1}


def test_changes_come_by_time_with_details_as_text() -> None:
    late = {
        "ts": 20,
        "service": "a",
        "kind": "flag",
        "text": "on",
        "detail": {"share": 0.5, "who": "x", "dry": True},
    }
    early = {"ts": 10, "service": "b", "kind": "deploy", "text": "2.0"}
    found, _ = changes([late, early])
    assert [change.ts for change in found] == [10, 20]
    assert dict(found[1].detail) == {"dry": "true", "share": "0.5", "who": "x"}


def test_the_reference_page_lists_every_column_field_and_sentence_of_the_format() -> None:
    from sre_copilot.perception.columns import TABLES

    page = (Path(__file__).parents[4] / "docs/reference/case-format.md").read_text(encoding="utf-8")
    for table in TABLES:
        assert f"### `{table.file}`" in page
        assert all(f"| `{column.name}` |" in page for column in table.columns)
    for name in DOCUMENTS:
        found = schema(name)
        fields = found.get("properties") or found["items"]["properties"]
        assert f"### `{name}.json`" in page
        assert all(f"| `{field}` |" in page for field in fields), name


def test_every_remark_has_a_sentence_in_both_languages() -> None:
    import re
    import tomllib

    root = Path(__file__).parents[4] / "src/sre_copilot"
    sentences = tomllib.loads((root / "incidents/report/messages/recorded.toml").read_text(encoding="utf-8"))
    code = "\n".join(path.read_text(encoding="utf-8") for path in (root / "perception").rglob("*.py"))
    said = set(re.findall(r'"((?:gap|note)\.reader\.\w+)"', code))
    said |= {f"gap.reader.{word}" for word in re.findall(r'_said\(\s*"(\w+)"', code)}
    said |= {f"gap.reader.{word}" for word in re.findall(r'"(negative_duration|impossible_counts)"', code)}
    assert said == set(sentences)
    assert all(set(sentence) == {"en", "zh"} for sentence in sentences.values())
    for sentence in sentences.values():
        found = [sorted(re.findall(r"{(\w+)", sentence[lang])) for lang in ("en", "zh")]
        assert found[0] == found[1]
    json.dumps(sentences)
