"""PDF: made where the library is, refused with the way out where it is not, and nothing is fetched."""

from __future__ import annotations

import builtins
import sys
from typing import Any, get_args

import pytest

from sre_copilot.app.reporting import MOST_PRINTED, printed, written
from sre_copilot.domain.evidence import Message
from sre_copilot.incidents.postmortem.model import Line, Postmortem, Section, SectionName
from sre_copilot.incidents.postmortem.pdf import PdfError, PrinterBusyError, pdf_of, printer

PAGE = "<html lang=zh><body><p>根因 cart</p>{}</body></html>"
LINE = Line(sentence=Message(key="x"), spoken={"en": "SENTENCE", "zh": "SENTENCE"})
LONG = Postmortem(
    incident_id="INC-1", number=1, title="t", status="resolved", severity="high", priority="P2", services=(), began_at=1.0, opened_at=1.0,
    resolved_at=2.0, made_at=3.0, outcome="none", headline=Line(sentence=Message(key="x"), spoken={"en": "head", "zh": "head"}),
    sections=tuple(
        Section(name=name, lines=(LINE,) * (MOST_PRINTED + 7 if name == "timeline" else 0)) for name in get_args(SectionName)
    ),
)  # fmt: skip


@pytest.fixture
def library() -> None:
    pytest.importorskip("weasyprint", reason="the extra `reports` is not installed", exc_type=ImportError)


@pytest.mark.usefixtures("library")
def test_a_page_becomes_a_pdf() -> None:
    assert pdf_of(PAGE.format("")).content.startswith(b"%PDF-")


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    "asked",
    [
        "<img src='http://127.0.0.1:9/x.png'>",
        "<img src='file:///etc/hostname'>",
        "<img src='data:image/png;base64,AAAA'>",
        "<style>@import 'http://127.0.0.1:9/x.css';</style>",
    ],
)
def test_whatever_a_page_asks_for_is_refused(asked: str) -> None:
    with pytest.raises(PdfError, match="loads nothing"):
        pdf_of(PAGE.format(asked))


@pytest.mark.usefixtures("library")
def test_characters_that_no_font_has_are_named() -> None:
    unassigned = "\U000e1234"
    assert pdf_of(PAGE.format(f"<p>{unassigned}</p>")).missing == (unassigned,)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(PdfError, match=r"sre-copilot\[reports\]"):
        pdf_of(PAGE)


def test_without_the_libraries_of_the_system_these_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = builtins.__import__

    def failing(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("weasyprint"):
            raise OSError("cannot load library 'libpango-1.0.so.0': no such file")
        return known(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", failing)
    with pytest.raises(PdfError, match="libpango") as found:
        pdf_of(PAGE)
    assert "--format html" in str(found.value)


def test_one_document_is_printed_at_a_time() -> None:
    with printer(wait=False):
        with pytest.raises(PrinterBusyError, match="another PDF"), printer(wait=False):
            pass
        with pytest.raises(PrinterBusyError):
            written(LONG, "pdf", "en", wait=False)
    with printer(wait=False):
        pass


def test_a_long_section_is_cut_in_a_pdf_alone_and_that_is_said() -> None:
    found = printed(LONG)
    lines = found.section("timeline").lines
    assert len(lines) == MOST_PRINTED + 1
    assert lines[-1].text("en").startswith("… and 7 more lines")
    assert "7 行" in lines[-1].text("zh")
    assert found.section("missing") == LONG.section("missing")
    assert written(LONG, "md", "en").content.count(b"SENTENCE") == MOST_PRINTED + 7
