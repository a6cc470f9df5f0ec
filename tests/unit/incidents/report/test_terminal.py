from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from sre_copilot.incidents.report import LANGUAGES, Language, Report, print_report, render
from sre_copilot.incidents.report.clean import width
from sre_copilot.incidents.report.terminal import BLOCKS, COLUMNS, spark
from sre_copilot.incidents.report.words import word

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def printed(report: Report, lang: Language, columns: int) -> str:
    console = Console(file=io.StringIO(), width=columns, force_terminal=True, color_system="truecolor")
    with console.capture() as capture:
        print_report(report, console, lang=lang)
    return capture.get()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_only_control_codes_are_our_own_colours(report: Report, lang: Language) -> None:
    text = printed(report, lang, 120)
    assert "\x1b" not in COLOUR.sub("", text)
    assert "\x9b" not in text
    assert "\x1b[31m\\x9b2J" not in text


def test_rich_markup_in_telemetry_is_literal(report: Report) -> None:
    plain = re.sub(r"\s+", " ", COLOUR.sub("", printed(report, "en", 400)))
    assert "[bold red]m[/]" in plain


@pytest.mark.parametrize("columns", [40, 60, 100, 160])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_line_is_wider_than_the_terminal(report: Report, lang: Language, columns: int) -> None:
    assert all(width(line) <= columns for line in COLOUR.sub("", printed(report, lang, columns)).splitlines())


def test_a_picture_is_a_row_of_blocks(report: Report) -> None:
    assert len(spark(report.pictures[0])) == COLUMNS
    vanished = next(p for p in report.pictures if p.source == "logs")
    assert spark(vanished)[-5:] == "▁" * 5
    assert " " not in spark(vanished)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_picture_stays_one_row_on_a_narrow_terminal(report: Report, lang: Language) -> None:
    text = COLOUR.sub("", printed(report, lang, 40))
    rows = [line.strip() for line in text.splitlines() if set(line.strip()) & set(BLOCKS)]
    assert len(rows) == min(4, len(report.pictures))


def test_on_a_narrow_terminal_each_check_stands_below_its_finding_with_its_value(report: Report) -> None:
    text = re.sub(r"\s", "", COLOUR.sub("", printed(report, "en", 40)))
    assert "isatleast60ms:median139.7ms" in text
    assert all(row.finding_id in text for row in report.evidence)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_footer_explains_the_units(report: Report, lang: Language) -> None:
    assert word("footer", lang).replace(" ", "") in re.sub(
        r"\s", "", COLOUR.sub("", printed(report, lang, 100))
    )


def test_without_a_console_the_text_is_plain(report: Report) -> None:
    assert "\x1b" not in render(report, output="table", lang="en")
