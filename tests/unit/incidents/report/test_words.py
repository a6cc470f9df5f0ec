from __future__ import annotations

import ast
import re
import string
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import sre_copilot
from sre_copilot.domain.evidence import Aggregate, Message, Relation
from sre_copilot.domain.signals import Modality
from sre_copilot.incidents.report.words import LANGUAGES, Said, add, catalogue, fault_words, has, say, word

SOURCE = Path(sre_copilot.__file__).parent
FILES = sorted((SOURCE / "incidents/report/messages").glob("*.toml"))


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_sentence_is_there_in_every_language_with_the_same_parameters(file: Path) -> None:
    for key, sentence in tomllib.loads(file.read_text(encoding="utf-8")).items():
        assert set(sentence) == set(LANGUAGES), key
        assert placeholders(sentence["en"]) == placeholders(sentence["zh"]), key
        assert all(isinstance(text, str) for text in sentence.values()), key


def test_no_key_is_said_in_two_files() -> None:
    keys = Counter(key for file in FILES for key in tomllib.loads(file.read_text(encoding="utf-8")))
    assert [key for key, times in keys.items() if times > 1] == []


def used_keys() -> Iterator[tuple[str, str, bool]]:
    """Each key that the source names in `Finding(kind=…)` or `Message(key=…)`: (place, key, whether only its beginning)."""
    names = {"Finding": "kind", "Message": "key"}
    for file in SOURCE.rglob("*.py"):
        content = file.read_text(encoding="utf-8")
        if not any(f"{name}(" in content for name in names):  # to parse all takes seconds
            continue
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                for keyword in node.keywords:
                    if keyword.arg == names[node.func.id]:
                        yield from (
                            (f"{file.relative_to(SOURCE)}:{node.lineno}", key, partly)
                            for key, partly in constants(keyword.value)
                        )


def constants(node: ast.expr) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, False
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield str(node.values[0].value), True
    elif isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
        yield str(node.left.value), True
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def test_every_sentence_that_the_source_names_exists() -> None:
    missing = [
        f"{place} {key}"
        for place, key, partly in used_keys()
        if not (any(known.startswith(key) for known in catalogue()) if partly else has(key))
    ]
    assert missing == []


def literals(annotation: object) -> tuple[str, ...]:
    return annotation.__args__  # type: ignore[attr-defined,no-any-return]


def test_every_aggregate_relation_and_modality_has_words() -> None:
    wanted = [
        *(f"aggregate.{name}" for name in literals(Aggregate)),
        *(f"relation.{name}" for name in literals(Relation)),
        *(f"modality.{name}" for name in literals(Modality)),
    ]
    assert [key for key in wanted if not has(key)] == []


def test_every_gap_is_a_sentence_in_one_style() -> None:
    gaps = {
        key: said for key, said in catalogue().items() if key.startswith(("gap.", "state.gap.", "unseen."))
    }
    assert len(gaps) > 30
    assert [
        key for key, said in gaps.items() if not (said["en"].endswith(".") and said["zh"].endswith("。"))
    ] == []
    assert [key for key, said in gaps.items() if said["en"][0].islower()] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_percent_sign_stands_after_a_blank_in_english_and_after_none_in_chinese(file: Path) -> None:
    for key, said in tomllib.loads(file.read_text(encoding="utf-8")).items():
        pieces = re.sub(r"\{[^}]*\}", "0", said["en"]), re.sub(r"\{[^}]*\}", "0", said["zh"])
        assert not re.search(r"\d%", pieces[0]), key
        assert not re.search(r"\s%", pieces[1]), key


def test_a_share_is_written_as_the_language_writes_percentages() -> None:
    add({"test.share": {"en": "{share:.0%} fail", "zh": "{share:.0%} 失败"}})
    message = Message(key="test.share", params=(("share", 1.0),))
    assert say(message, "en") == "100 % fail"
    assert say(message, "zh") == "100% 失败"


def test_a_number_with_three_digits_keeps_its_whole_part() -> None:
    add({"test.digits": {"en": "{value:.3g}", "zh": "{value:.3g}"}})
    assert [
        say(Message(key="test.digits", params=(("value", v),)), "en") for v in (902.1, 0.02875, 12345.0)
    ] == [
        "902",
        "0.0288",
        "12,345",
    ]


def test_golden_signals_and_kinds_of_change_are_said_in_words() -> None:
    assert word("moment.alert.signal", "zh", entity="web", signal="latency") == "web 的延迟触发告警。"
    assert "（发布）" in word("moment.change", "zh", entity="web", kind="deploy", text="x")
    assert "（migration）" in word("moment.change", "zh", entity="web", kind="migration", text="x")


def test_a_missing_key_is_said_as_key_and_parameters() -> None:
    message = Message(key="no.such.sentence", params=(("entity", "cart"), ("value", 0.30000000000000004)))
    assert say(message, "zh") == "no.such.sentence entity=cart value=0.3"


def test_a_missing_parameter_is_said_as_key_and_parameters() -> None:
    assert (
        say(Message(key="moment.alert.named", params=(("name", "A"),)), "en") == "moment.alert.named name=A"
    )


def test_a_format_that_does_not_fit_its_value_shows_the_value() -> None:
    add({"test.format": {"en": "{value:.0f} of {other:>3s}", "zh": "{value:.0f}/{other:>3s}"}})
    message = Message(key="test.format", params=(("value", "much"), ("other", 12)))
    assert say(message, "en") == "much of 12"


def test_a_value_that_is_no_number_is_a_dash() -> None:
    add({"test.number": {"en": "at {value:.1f} ms", "zh": "{value:.1f} 毫秒"}})
    assert say(Message(key="test.number", params=(("value", float("nan")),)), "zh") == "– 毫秒"


def test_braces_in_telemetry_are_not_read_as_parameters() -> None:
    message = Message(key="moment.alert", params=(("entity", "{0.__class__} {metric}"),))
    assert say(message, "en") == "{0.__class__} {metric} raised an alert."


def test_fault_types_modalities_and_times_are_said_in_words() -> None:
    add(
        {
            "test.words": {
                "en": "{fault_type} by {modality} at {start_at}",
                "zh": "{modality}：{start_at} {fault_type}",
            }
        }
    )
    params = (("fault_type", "resource/cpu"), ("modality", "traces"), ("start_at", 1_772_356_860.0))
    assert say(Message(key="test.words", params=params), "zh") == "调用链：09:21:00 CPU 耗尽"
    assert say(Message(key="test.words", params=params), "en") == "CPU exhausted by traces at 09:21:00"


def test_a_fault_type_outside_of_the_vocabulary_keeps_its_id() -> None:
    assert fault_words("strange/new", "en") == "strange/new"
    assert fault_words(None, "zh") == word("fault_type.unknown", "zh")


def test_long_telemetry_is_cut_in_a_sentence_and_sentences_within_sentences_are_not() -> None:
    entity = "x" * 5000
    assert len(word("moment.alert", "en", entity=entity)) < 300
    assert len(word("moment.alert", "en", entity=Said(entity))) > 5000


def test_a_plugins_sentence_does_not_replace_one_that_exists() -> None:
    add({"title": {"en": "hijacked", "zh": "被替换"}})
    assert word("title", "en") == "Incident report"


def test_a_noun_fits_its_number_in_english() -> None:
    def summary(alerts: int, kinds: int, services: int) -> str:
        return word("incident.summary", "en", alerts=alerts, kinds=kinds, services=services, named="DiskFull")

    assert summary(1, 1, 1) == "1 alert of 1 kind at 1 service: DiskFull"
    assert summary(3, 2, 0) == "3 alerts of 2 kinds at 0 services: DiskFull"
