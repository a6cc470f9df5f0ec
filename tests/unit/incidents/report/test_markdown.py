from __future__ import annotations

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sre_copilot.incidents.report import LANGUAGES, Language, Report, render


def tokens(text: str) -> list[Token]:
    found = MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(text)
    return [each for token in found for each in (token, *(token.children or []))]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_telemetry_makes_no_link_image_emphasis_or_html(report: Report, lang: Language) -> None:
    found = tokens(render(report, output="md", lang=lang))
    assert {token.type for token in found}.isdisjoint(
        {"link_open", "image", "html_inline", "html_block", "em_open"}
    )
    text = "".join(token.content for token in found if token.type == "text")
    assert "<script>alert(1)</script>" in text
    assert "@all" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_telemetry_adds_no_cell_to_a_table(report: Report, lang: Language) -> None:
    found = tokens(render(report, output="md", lang=lang))
    widths = []
    for token in found:
        if token.type in ("tr_open",):
            widths.append(0)
        elif token.type in ("td_open", "th_open"):
            widths[-1] += 1
    checks = sum(len(row.checks) for row in report.evidence)
    assert sorted(set(widths)) == [3, 5]
    assert widths.count(3) == 1 + len(report.timeline) + 1 + checks
    assert widths.count(5) == 1 + len(report.alternatives)


def test_only_our_own_headings_are_headings(report: Report) -> None:
    found = tokens(render(report, output="md", lang="en"))
    assert sum(token.type == "heading_open" for token in found) == 1 + 8


def test_raw_lines_are_code(report: Report) -> None:
    blocks = [
        token.content
        for token in tokens(render(report, output="md", lang="en"))
        if token.type == "code_block"
    ]
    assert any("OOMKilled" in block for block in blocks)
