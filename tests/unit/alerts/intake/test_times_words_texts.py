"""Times, words for severity, and the checks of labels: what every reader shares."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.alerts.intake.reader import IntakeConfig, Limits, Unreadable
from sre_copilot.alerts.intake.texts import (
    annotations_of,
    as_text,
    deeper_than,
    labels_of,
    links_of,
    named_labels,
)
from sre_copilot.alerts.intake.times import moment, moment_or_number
from sre_copilot.alerts.intake.words import severity_in, severity_of

INTAKE = IntakeConfig(name="way", provider="generic")


def nested(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value]
    return value


def test_a_time_is_read_to_the_fraction_with_any_offset_and_letters_of_a_zone() -> None:
    assert moment("1970-01-01T00:00:01.5Z", "t") == 1.5
    assert moment("2026-11-21T08:04:19+02:00", "t") == moment("2026-11-21T06:04:19Z", "t")
    assert moment("2026-11-21T06:04:19.123456789Z", "t") == pytest.approx(1795241059.123456)


@pytest.mark.parametrize("unset", [None, "", "0001-01-01T00:00:00Z"])
def test_a_time_that_is_not_set_is_none(unset: object) -> None:
    assert moment(unset, "t") is None


@pytest.mark.parametrize(
    "wrong",
    [
        "yesterday",
        "2026-11-21",
        "20261121T060419Z",
        "2026-W01-1T00:00:00Z",
        "2026-11-21T06:04:19",
        "2026-11-21 06:04:19Z",
        "2026-13-21T06:04:19Z",
        "2026-11-21T06:04:19,5Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z",
        5,
        True,
        ["2026-11-21T06:04:19Z"],
        "9" * 100_000,
    ],
)
def test_what_is_no_rfc_3339_time_is_refused_by_its_field(wrong: object) -> None:
    with pytest.raises(Unreadable) as raised:
        moment(wrong, "startsAt")
    assert raised.value.field == "startsAt"


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2900, 1, 1)))  # noqa: DTZ001 - naive on purpose
def test_every_time_that_python_writes_comes_back(naive: datetime) -> None:
    aware = naive.replace(tzinfo=UTC)
    assert moment(aware.isoformat(), "t") == pytest.approx(aware.timestamp(), abs=1e-5)


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_a_number_is_seconds_or_a_smaller_unit_whichever_is_a_time(unit: int) -> None:
    assert moment_or_number(1_790_000_000 * unit, "t") == pytest.approx(1_790_000_000)
    assert moment_or_number(str(1_790_000_000 * unit), "t") == pytest.approx(1_790_000_000)


@pytest.mark.parametrize("wrong", [-1, 1e40, float("inf"), float("nan"), 10**30, "1e9x"])
def test_a_number_that_is_no_time_is_refused(wrong: object) -> None:
    with pytest.raises(Unreadable):
        moment_or_number(wrong, "t")


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", "critical"),
        ("Disaster", "critical"),
        ("P1", "critical"),
        ("page", "critical"),
        ("error", "high"),
        ("major", "high"),
        ("sev2", "high"),
        ("Average", "warning"),
        ("minor", "warning"),
        ("notice", "info"),
        ("Information", "info"),
        ("Not classified", "low"),
        ("debug", "low"),
        ("purple", None),
        ("", None),
        ("critical" * 50, None),
        (3, None),
    ],
)
def test_words_of_all_systems_are_one_of_five_severities_or_none(word: object, severity: str | None) -> None:
    assert severity_of(word) == severity


def test_the_first_label_that_tells_a_severity_is_believed() -> None:
    assert severity_in({"priority": "P2", "severity": "purple"}) == "high"
    assert severity_in({"service": "shop"}) is None


def test_labels_are_checked_as_alertmanager_checks_them() -> None:
    assert labels_of({"alertname": "X", "empty": "", "with blank": "ü"}, intake=INTAKE) == {
        "alertname": "X",
        "with blank": "ü",
    }
    for wrong, field in (
        ({"": "x"}, "labels"),
        ({"a": 5}, "labels.a"),
        ({"a": None}, "labels.a"),
        ({"a": "b\0"}, "labels.a"),
        ({"a": "x" * 5000}, "labels.a"),
        ({"n" * 300: "x"}, "labels." + "n" * 60),
        ({str(i): "x" for i in range(200)}, "labels"),
        ({}, "labels"),
        ({"a": ""}, "labels"),
        ([], "labels"),
        (None, "labels"),
    ):
        with pytest.raises(Unreadable) as raised:
            labels_of(wrong, intake=INTAKE)
        assert raised.value.field == field


def test_default_labels_are_added_where_the_sender_has_none() -> None:
    intake = IntakeConfig(name="way", provider="generic", labels={"cluster": "eu", "team": "shop"})
    assert labels_of({"alertname": "X", "team": "pay"}, intake=intake) == {
        "alertname": "X",
        "cluster": "eu",
        "team": "pay",
    }


def test_an_alert_without_a_name_gets_one_that_says_so() -> None:
    assert named_labels({"a": "b"}, intake=INTAKE) == {"a": "b", "alertname": "unnamed"}


def test_annotations_are_words_so_that_they_are_cut_and_written_rather_than_refused() -> None:
    kept = annotations_of(
        {"a": "x" * 20_000, "b": {"c": [1, True]}, "d": None, "e": "z\0z", "f": 0.5, "": "no name"},
        limits=Limits(),
    )
    assert len(kept.pop("a")) == Limits().text
    assert kept == {"b": '{"c":[1,true]}', "e": "z�z", "f": "0.5"}


def test_what_is_nested_too_deeply_is_refused_and_costs_no_stack() -> None:
    assert not deeper_than(nested(32), 32)
    assert deeper_than(nested(33), 32)
    with pytest.raises(Unreadable):
        as_text(nested(100_000), "details", limits=Limits())


def test_only_addresses_of_the_web_become_links() -> None:
    found = links_of(
        {"a": "https://x/", "b": "javascript:alert(1)", "c": "file:///etc/passwd", "d": 5, "e": ""},
        limits=Limits(),
    )
    assert found == (("https://x/", "a"),)
