"""What all four formats have in common: every language, every answer, hostile telemetry, speed."""

from __future__ import annotations

import io
import re
import string
import subprocess
import sys
import time
import unicodedata
from dataclasses import replace
from html import unescape

import pytest
from rich.console import Console
from tests.unit.incidents.report import example

from sre_copilot.domain.incident import Outcome
from sre_copilot.incidents.report import (
    LANGUAGES,
    Language,
    Output,
    Report,
    build,
    catalogue,
    print_report,
    render,
)
from sre_copilot.incidents.report.clean import one_line

PRINTED: tuple[Output, ...] = ("table", "md", "html")
# Words that Chinese reports write in Latin letters: names of standards and units.
ALLOWED = {"UTC", "MAD", "CPU", "Pod", "HTML", "JSON", "Markdown"}
ENTITIES = {entity for edge in (*example.CALLS, *example.large_topology().edges) for entity in edge}
RAW = sorted(
    {
        *ENTITIES,
        one_line(example.HOSTILE),
        one_line(example.HOSTILE).replace("~", ""),
        "payments-7d9f-abcde",
        "payments-7d9f-fghij",
        "payments-0 0/1 OOMKilled",
        "NAME READY STATUS RESTARTS",
        "09:20:58 charged card of order 4711",
        "charged card of order",
        "Customers say that paying takes forever.",
        "2026-03-01-checkout-slow",
        "cpu_usage(%)",
        "latency_p95",
        "CheckoutSlow",
        "kubectl get pods",
        "deployment",
        "v2.14.0",
        "v2.15.0",
        "config",
        "index",
        "shop",
        "prod",
        "web",
    },
    key=len,
    reverse=True,
)


def shown(report: Report, output: Output, lang: Language) -> str:
    """A rendering, of the terminal one so wide that no line is broken."""
    if output != "table":
        return render(report, output=output, lang=lang)
    console = Console(file=io.StringIO(), width=2000, color_system=None)
    with console.capture() as capture:
        print_report(report, console, lang=lang)
    return capture.get()


def words_of(text: str, output: Output) -> str:
    """The visible text of a rendering on one line, raw telemetry left out."""
    if output == "html":
        text = re.sub(r"<style>.*?</style>|<g class=.node.*?</g>", " ", text, flags=re.DOTALL)
        labels = " ".join(re.findall(r'(?:aria-label|data-label|alt|title)="([^"]*)"', text))
        text = unescape(re.sub(r"<[^>]*>", " ", text)) + labels
    if output == "md":
        text = re.sub(r"\\([^A-Za-z0-9])", r"\1", text).replace("\u200b", "")
    text = re.sub(r"F-[0-9a-f]{8}", " ", re.sub(r"\s+", " ", text))
    for raw in RAW:
        text = text.replace(raw, " ")
    return text


@pytest.mark.parametrize("output", PRINTED)
@pytest.mark.parametrize("outcome", list(Outcome))
def test_no_english_heading_or_sentence_is_left_in_a_chinese_report(
    outcomes: dict[Outcome, Report], outcome: Outcome, output: Output
) -> None:
    left = set(re.findall(r"[A-Za-z]{2,}", words_of(shown(outcomes[outcome], output, "zh"), output)))
    assert left - ALLOWED == set()


@pytest.mark.parametrize("output", PRINTED)
@pytest.mark.parametrize("outcome", list(Outcome))
def test_no_chinese_word_is_left_in_an_english_report(
    outcomes: dict[Outcome, Report], outcome: Outcome, output: Output
) -> None:
    text = words_of(shown(outcomes[outcome], output, "en"), output)
    for own in ("小程序", "顾客反映付款很慢。", "开启新词典", "库存不足：订单", "库存不足"):
        text = text.replace(own, "")
    assert not re.findall(r"[\u3000-\u9fff]+", text)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_no_sentence_of_the_english_catalogue_stands_in_a_chinese_page(
    outcomes: dict[Outcome, Report], outcome: Outcome
) -> None:
    text = words_of(render(outcomes[outcome], output="html", lang="zh"), "html")
    pieces = {
        literal.strip()
        for sentence in catalogue().values()
        for literal, *_ in string.Formatter().parse(sentence["en"])
        if len(literal.split()) > 2 and literal not in sentence["zh"]
    }
    assert len(pieces) > 50
    assert [piece for piece in pieces if piece in text] == []


@pytest.mark.parametrize("output", [*PRINTED, "json"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_control_code_or_direction_override_reaches_the_reader(
    report: Report, output: Output, lang: Language
) -> None:
    text = render(report, output=output, lang=lang)
    found = {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cs") and letter != "\n"}
    assert found == set()
    assert not set(text) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200f")


@pytest.mark.parametrize("output", [*PRINTED, "json"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_verdict_its_probability_and_every_finding_is_in_every_format(
    report: Report, output: Output, lang: Language
) -> None:
    text = render(report, output=output, lang=lang)
    assert ("CPU exhausted" if lang == "en" else "CPU 耗尽") in text
    assert ("0.93" if output == "json" else "93") in text
    for row in report.evidence:
        assert row.finding_id in text
    for each in report.struck:
        assert each.finding_id in text


@pytest.mark.parametrize("output", [*PRINTED, "json"])
def test_the_english_reason_of_a_refutation_is_not_shown(output: Output) -> None:
    diagnosis = example.diagnosis()
    reasoned = tuple(replace(each, reason="telemetry lacks the column") for each in diagnosis.refuted)
    report = build(replace(diagnosis, refuted=reasoned), example.observation(), example.observed(diagnosis))
    assert report.struck
    assert "lacks the column" not in render(report, output=output, lang="zh")


@pytest.mark.parametrize("output", PRINTED)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sections_stand_in_their_order(report: Report, output: Output, lang: Language) -> None:
    text = re.sub(r"<style>.*?</style>", "", render(report, output=output, lang=lang), flags=re.DOTALL)
    names = ("timeline", "signals", "topology", "evidence", "struck", "alternatives", "gaps", "next_steps")
    mark = {"table": "\n{}\n", "md": "## {}\n", "html": ">{}</h2>"}[output]
    places = [text.find(mark.format(catalogue()[f"heading.{name}"][lang])) for name in names]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize(("output", "limit_s"), [("html", 0.3), ("table", 0.1), ("md", 0.1), ("json", 0.1)])
def test_a_report_is_rendered_in_no_time(large: Report, output: Output, limit_s: float) -> None:
    spent = []
    for lang in ("en", "zh", "zh"):
        started = time.process_time()
        render(large, output=output, lang=lang)  # type: ignore[arg-type]
        spent.append(time.process_time() - started)
    assert min(spent) < limit_s


def test_nobody_pays_for_a_renderer_that_is_not_used() -> None:
    code = "import sys, sre_copilot.incidents.report; print([m for m in ('jinja2', 'rich', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
