"""Word: paragraphs, headings and tables of the main text, and pages as far as the file knows them.

A Word file has no pages: a program lays them out. Where one left its marks (`lastRenderedPageBreak`), these count; else the author's own
breaks; else no page is said. Text that is marked hidden, white, or too small to be read is no text of the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sre_copilot.knowledge.blocks import Block, Document, DocumentError, Limits, Paging
from sre_copilot.knowledge.formats.archive import check_archive, member

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SKIPPED = {
    f"{W}del",
    f"{W}moveFrom",
    f"{W}instrText",
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
}
SMALLEST = 4  # half-points: two points cannot be read
_LEVEL = re.compile(r"heading\s*(\d)", re.IGNORECASE)
_OFF = ("0", "false", "off", "none")


def read(data: bytes, name: str, limits: Limits) -> Document:
    """Blocks of the main text; headers, footers, notes and comments are left out."""
    archive = check_archive(data, limits)
    if any(each.endswith("vbaProject.bin") for each in archive.namelist()):
        raise DocumentError("holds macros; save it as .docx without them")
    source = member(archive, "word/document.xml", limits)
    if not source:
        raise DocumentError("is no Word document; save it as .docx")
    body = _parsed(source).find(f"{W}body")
    styles = member(archive, "word/styles.xml", limits)
    walk = Walk(_levels(_parsed(styles)) if styles else {})
    blocks = tuple(walk.blocks(body)) if body is not None else ()
    paging = walk.paging
    blocks = tuple(_without_page(block) for block in blocks) if paging == "none" else blocks
    title = next((b.text for b in blocks if b.kind == "heading"), name)
    pages = walk.page if paging != "none" else None
    return Document(title=title, blocks=blocks, pages=pages, paging=paging, hidden=tuple(walk.hidden))


class Walk:
    """One pass over the main text, which counts pages on its way."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        self.page = 1
        self.hidden: list[str] = []
        self._levels = levels
        self._rendered = self._broken = False
        self._awaited = (
            False  # an explicit break was counted; the mark that a program left for it is not counted again
        )
        self._next_page = False

    @property
    def paging(self) -> Paging:
        """How the pages are known."""
        return "rendered" if self._rendered else "breaks" if self._broken else "none"

    def blocks(self, parent: Element) -> Iterator[Block]:
        """Blocks of a part of the text, each with the page on which it begins."""
        for child in parent:
            if child.tag == f"{W}p":
                yield from self._paragraph(child)
            elif child.tag == f"{W}tbl":
                yield from self._table(child)
            elif child.tag == f"{W}sectPr":
                continue
            elif child.tag not in SKIPPED:
                yield from self.blocks(child)

    def _paragraph(self, paragraph: Element) -> Iterator[Block]:
        properties = paragraph.find(f"{W}pPr")
        if self._next_page or (properties is not None and _on(properties.find(f"{W}pageBreakBefore"))):
            self._break()
        self._next_page = properties is not None and _new_page(properties.find(f"{W}sectPr"))
        style = _value(properties.find(f"{W}pStyle")) if properties is not None else ""
        listed = properties is not None and properties.find(f"{W}numPr") is not None
        level = self._levels.get(style, 0)
        for page, text in self._pieces(paragraph):
            kind = "heading" if level else "list" if listed or "List" in style else "text"
            yield Block(kind=kind, text=text, level=level, page=page)  # type: ignore[arg-type]

    def _pieces(self, paragraph: Element) -> Iterator[tuple[int, str]]:
        """The text of a paragraph, page by page."""
        page, text = self.page, ""
        for piece in self._runs(paragraph):
            if self.page != page:
                if text.strip():
                    yield page, text.strip()
                page, text = self.page, ""
            text += piece
        if text.strip():
            yield page, text.strip()

    def _runs(self, parent: Element) -> Iterator[str]:
        for child in parent:
            if child.tag == f"{W}r":
                yield from self._run(child)
            elif child.tag not in SKIPPED and child.tag != f"{W}pPr":
                yield from self._runs(child)

    def _run(self, run: Element) -> Iterator[str]:
        unseen = _unseen(run.find(f"{W}rPr"))
        for child in run:
            if child.tag == f"{W}lastRenderedPageBreak":
                self._mark()
                yield ""
            elif child.tag == f"{W}br" and child.get(f"{W}type") == "page":
                self._break()
                yield ""
            elif text := _text(child):
                if unseen:
                    self.hidden.append(text)
                else:
                    self._awaited = self._awaited and not text.strip()
                    yield text
            elif child.tag not in SKIPPED:
                yield from self._runs(child)

    def _table(self, table: Element) -> Iterator[Block]:
        page = self.page
        rows: list[str] = []
        for row in table.iter(f"{W}tr"):
            cells = [" ".join(each.text for each in self.blocks(cell)) for cell in row.findall(f"{W}tc")]
            page = page if rows else self.page
            rows.append(" | ".join(" ".join(cell.split()) for cell in cells))
        yield Block(kind="table", text="\n".join(rows), page=page)

    def _break(self) -> None:
        self.page += 1
        self._broken = self._awaited = True

    def _mark(self) -> None:
        self._rendered = True
        if not self._awaited:
            self.page += 1
        self._awaited = False


def _parsed(source: bytes) -> Element:
    try:
        parsed: Element = fromstring(source)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise DocumentError(f"is damaged ({type(error).__name__}); save it again") from None
    return parsed


def _levels(styles: Element) -> Mapping[str, int]:
    """Levels of headings, by the id of the style."""
    levels = {}
    for style in styles.iter(f"{W}style"):
        outline = style.find(f"{W}pPr/{W}outlineLvl")
        named = _LEVEL.match(_value(style.find(f"{W}name")))
        if named or _value(style.find(f"{W}name")).lower() == "title":
            levels[style.get(f"{W}styleId", "")] = int(named.group(1)) if named else 1
        elif outline is not None and _value(outline).isdigit() and int(_value(outline)) < 9:
            levels[style.get(f"{W}styleId", "")] = int(_value(outline)) + 1
    return levels


def _text(element: Element) -> str:
    if element.tag == f"{W}t":
        return element.text or ""
    return {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}.get(element.tag, "")


def _unseen(properties: Element | None) -> bool:
    if properties is None:
        return False
    size = _value(properties.find(f"{W}sz"))
    white = _value(properties.find(f"{W}color")).upper() == "FFFFFF"
    bare = properties.find(f"{W}shd") is None and properties.find(f"{W}highlight") is None
    return (
        _on(properties.find(f"{W}vanish")) or (size.isdigit() and int(size) <= SMALLEST) or (white and bare)
    )


def _new_page(section: Element | None) -> bool:
    """Whether what follows a section begins on a new page, as it does by default."""
    return section is not None and _value(section.find(f"{W}type")) not in ("continuous", "nextColumn")


def _on(element: Element | None) -> bool:
    return element is not None and _value(element) not in _OFF


def _value(element: Element | None) -> str:
    return element.get(f"{W}val", "") if element is not None else ""


def _without_page(block: Block) -> Block:
    return Block(kind=block.kind, text=block.text, level=block.level)
