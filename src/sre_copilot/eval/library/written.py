"""Documents written as PDF and Word at run time, with the words of each page as they were written there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from sre_copilot.errors import UsageError
from sre_copilot.knowledge.documents import Block, Document

FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/STHeiti Light.ttc",
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/simsun.ttc",
)
"""Fonts that have Chinese letters, where systems keep them."""
SIZES = {0: 10.5, 1: 18.0, 2: 14.0, 3: 12.5}
"""Size of letters by the level of a heading, 0 for text."""
WORD_PAGE = 500  # characters after which the author of a Word file breaks the page by hand, so that each has such breaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file, and the words of each page."""

    path: Path
    pages: tuple[str, ...]


def font() -> Path:
    """A font with Chinese letters.

    Raises
    ------
    UsageError : when there is none
    """
    found = next((Path(each) for each in FONTS if Path(each).exists()), None)
    if found is None:
        raise UsageError("no font with Chinese letters is here; install fonts-noto-cjk")
    return found


def write_pdf(document: Document, path: Path, *, letters: Path) -> Written:
    """Write a PDF: headings, paragraphs that run over pages, ruled tables, a running head and page numbers.

    Raises
    ------
    UsageError : when fpdf2 is missing
    """
    pdf = _pdf_class(_library("fpdf", "fpdf2"))(document.title)
    pdf.add_font("text", "", str(letters))
    pdf.set_auto_page_break(False)
    pdf.add_page()
    for block in document.blocks:
        pdf.block(block)
    pdf.output(str(path))
    return Written(path=path, pages=tuple("\n".join(lines) for lines in pdf.told))


def _pdf_class(library: Any) -> Any:
    class Pdf(library.FPDF):  # type: ignore[misc]
        """Keeps what it writes, page by page."""

        def __init__(self, title: str) -> None:
            super().__init__()
            self._title = title
            self.told: list[list[str]] = []

        def header(self) -> None:
            self.told.append([])
            self.set_font("text", size=8)
            self.cell(0, 6, self._title, align="R", new_x="LMARGIN", new_y="NEXT")
            self.ln(4)

        def footer(self) -> None:
            self.set_y(-12)
            self.set_font("text", size=8)
            self.cell(0, 6, f"{self.page_no()}", align="C")

        def block(self, block: Block) -> None:
            if block.kind == "table":
                self._rows(rows(block.text))
                return
            self.set_font("text", size=SIZES.get(block.level, 11.0))
            for part in block.text.split("\n") if block.kind in ("list", "code") else [block.text]:
                self._paragraph(part)
            self.ln(3)

        def _paragraph(self, text: str) -> None:
            height = self.font_size * 1.35
            for line in self.multi_cell(0, height, text.replace("\n", " "), dry_run=True, output="LINES"):
                self._room(height)
                self.told[-1].append(line)
                self.cell(0, height, line, new_x="LMARGIN", new_y="NEXT")
            self.ln(1.2)

        def _rows(self, table: Sequence[Sequence[str]]) -> None:
            self.set_font("text", size=SIZES[0])
            self._room(9.0 * (len(table) + 1) * 1.5)
            with self.table(first_row_as_headings=False) as drawn:
                for row in table:
                    drawn.row(list(row))
                    self.told[-1].append(" | ".join(row))
            self.ln(3)

        def _room(self, height: float) -> None:
            size = self.font_size_pt
            if self.get_y() + height > self.h - 18:
                self.add_page()
                self.set_font("text", size=size)

    return Pdf


def write_word(document: Document, path: Path) -> Written:
    """Write a Word file whose author broke the pages."""
    file = _library("docx", "python-docx").Document()
    pages: list[list[str]] = [[]]
    for block in document.blocks:
        if sum(map(len, pages[-1])) + len(block.text) > WORD_PAGE and pages[-1]:
            file.add_page_break()
            pages.append([])
        pages[-1].extend(_word_block(file, block))
    file.save(str(path))
    return Written(path=path, pages=tuple("\n".join(parts) for parts in pages))


def _word_block(file: Any, block: Block) -> Iterator[str]:
    if block.kind == "heading":
        file.add_heading(block.text, level=min(block.level, 4))
        yield block.text
    elif block.kind == "table":
        cells = rows(block.text)
        table = file.add_table(rows=len(cells), cols=len(cells[0]))
        for row, wanted in zip(table.rows, cells, strict=True):
            for cell, text in zip(row.cells, wanted, strict=False):
                cell.text = text
            yield " | ".join(wanted)
    else:
        for part in block.text.split("\n") if block.kind in ("list", "code") else [block.text]:
            file.add_paragraph(part)
            yield part


def rows(table: str) -> list[list[str]]:
    """The cells of a Markdown table."""
    lines = [line for line in table.split("\n") if not re.fullmatch(r"[\s|:-]+", line)]
    cells = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    width = max(map(len, cells))
    return [[*row, *[""] * (width - len(row))] for row in cells]


def _library(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise UsageError(f"{package} is missing, which writes the documents; install it with pip") from None
