from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from sre_copilot.incidents.report import LANGUAGES, Language, Report, render

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Outline(HTMLParser):
    """Collects elements and attributes, and what is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def outline(text: str) -> Outline:
    found = Outline()
    found.feed(text)
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_telemetry_makes_no_element_and_no_attribute(report: Report, lang: Language) -> None:
    found = outline(render(report, output="html", lang=lang))
    assert found.wrong == found.open == []
    tags = {tag for tag, _ in found.elements}
    assert tags.isdisjoint(
        {"script", "img", "iframe", "object", "link", "base", "form", "foreignobject", "image"}
    )
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]


def test_nothing_is_loaded_from_elsewhere(report: Report) -> None:
    text = render(report, output="html", lang="en")
    found = outline(text)
    loaded = {"src", "href", "action", "data", "xlink:href", "srcset", "poster"}
    addresses = [
        value for _, attributes in found.elements for name, value in attributes.items() if name in loaded
    ]
    assert addresses
    assert all(value and value.startswith("#F-") for value in addresses)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    assert not re.search(r"url\(|@import|expression", style.group(1))
    assert "default-src 'none'" in text


def test_every_reference_to_a_finding_leads_to_it(report: Report) -> None:
    found = outline(render(report, output="html", lang="en"))
    ids = [str(attributes["id"]) for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {str(attributes["href"])[1:] for tag, attributes in found.elements if tag == "a"}
    assert links <= set(ids)


@pytest.mark.parametrize(("lang", "tag"), [("en", "en"), ("zh", "zh-Hans")])
def test_the_page_is_said_to_be_in_its_language_and_every_picture_has_a_name(
    report: Report, lang: Language, tag: str
) -> None:
    found = outline(render(report, output="html", lang=lang))
    assert dict(found.elements)["html"]["lang"] == tag
    assert sum(tag == "h1" for tag, _ in found.elements) == 1
    pictures = [attributes for tag, attributes in found.elements if tag == "svg"]
    assert all("aria-labelledby" in each or each.get("aria-hidden") == "true" for each in pictures)
    assert len(pictures) >= len(report.pictures) + 1


def test_a_large_topology_says_that_only_a_part_is_drawn(large: Report) -> None:
    text = render(large, output="html", lang="en")
    assert f"{len(large.topology.nodes)} of 46 entities" in text


def test_what_was_left_out_is_said(report: Report) -> None:
    cut = replace(
        report, left_out=replace(report.left_out, evidence=7, pictures=3, moments=2, struck=4, alternatives=5)
    )
    text = render(cut, output="html", lang="en")
    for count, words in (
        (7, "weaker findings"),
        (3, "further findings could"),
        (4, "further findings were"),
        (5, "further ent"),
    ):
        assert f"{count} {words}" in text


def colours(theme: str) -> dict[str, str]:
    style = (files("sre_copilot.incidents.report") / "page.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\n\s*\}", style, re.DOTALL)[:2]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light if theme == "light" else dark))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ("ink", "paper"),
        ("soft", "paper"),
        ("soft", "wash"),
        ("accent", "paper"),
        ("bad", "paper"),
        ("bad", "bad-wash"),
        ("paper", "bad"),
        ("paper", "soft"),
        ("good", "good-wash"),
        ("unsure", "unsure-wash"),
        ("soft", "bad-wash"),
        ("soft", "good-wash"),
        ("soft", "unsure-wash"),
        ("ink", "path-wash"),
    ],
)
def test_text_has_the_contrast_that_wcag_aa_asks_for(theme: str, ink: str, paper: str) -> None:
    found = colours(theme)
    low, high = sorted((luminance(found[ink]), luminance(found[paper])))
    assert (high + 0.05) / (low + 0.05) >= 4.5
