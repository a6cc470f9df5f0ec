"""PDF: made where the library is, refused with the way out where it is not, and nothing is fetched."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

from sre_copilot.incidents.postmortem.pdf import PdfError, pdf_of

PAGE = "<html lang=zh><body><p>根因 cart</p>{}</body></html>"


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
