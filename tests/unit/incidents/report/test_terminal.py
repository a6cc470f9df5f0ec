from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from sre_copilot.incidents.report import LANGUAGES, Language, Report, print_report, render
from sre_copilot.incidents.report.clean import width
from sre_copilot.incidents.report.terminal import COLUMNS, spark

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


@pytest.mark.parametrize("columns", [60, 100, 160])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_line_is_wider_than_the_terminal(report: Report, lang: Language, columns: int) -> None:
    assert all(width(line) <= columns for line in COLOUR.sub("", printed(report, lang, columns)).splitlines())


def test_a_picture_is_a_row_of_blocks(report: Report) -> None:
    assert len(spark(report.pictures[0])) == COLUMNS
    vanished = next(p for p in report.pictures if p.source == "logs")
    assert spark(vanished)[-5:] == "▁" * 5
    assert " " not in spark(vanished)


def test_without_a_console_the_text_is_plain(report: Report) -> None:
    assert "\x1b" not in render(report, output="table", lang="en")
