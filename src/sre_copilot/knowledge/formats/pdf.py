"""PDF: the words of each page as they are laid out, with exactly that page; by pdfplumber, which markitdown[pdf] brings.

Lines become paragraphs by their distance, headings by their size, ruled tables stay whole, running heads and page numbers are left out.
What cannot be seen (white on white, smaller than two points, beside the page) is told apart.
"""

from __future__ import annotations

import io
import itertools
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sre_copilot.knowledge.blocks import Block, Document, DocumentError, Limits
from sre_copilot.knowledge.formats.layout import Line, paragraphs
from sre_copilot.knowledge.formats.web import EXTRA

SMALLEST = 2.0  # points: smaller cannot be read
WHITE = 0.97  # of full brightness, in each colour
EDGE = 0.09  # of the height of a page, above and below which running heads stand
MALFORMED = (
    ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError, RecursionError, NotImplementedError, OverflowError,
    EOFError, struct.error, zlib.error,
)  # fmt: skip
"""What the parser raises on a file that breaks the rules of its format."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one page shows."""

    lines: tuple[Line, ...]
    tables: tuple[tuple[float, str], ...]
    hidden: str


def read(data: bytes, name: str, limits: Limits) -> Document:
    """Blocks of a PDF, each with its page."""
    try:
        import pdfplumber  # noqa: PLC0415
        from pdfminer.pdfdocument import PDFPasswordIncorrect  # noqa: PLC0415
        from pdfminer.psexceptions import PSException  # noqa: PLC0415
        from pdfplumber.utils.exceptions import PdfminerException  # noqa: PLC0415
    except ImportError:
        raise DocumentError(f"PDF {EXTRA}") from None
    try:
        with pdfplumber.open(io.BytesIO(data)) as file:
            _check(file, limits)
            title = _title(file)
            pages = [_page(page) for page in _each(file)]
    except (PSException, PdfminerException, *MALFORMED) as error:
        causes = (error, error.__cause__, error.__context__, *getattr(error, "args", ()))
        if any(isinstance(each, PDFPasswordIncorrect) for each in causes):
            raise DocumentError("is encrypted; save it without a password") from None
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(f"is damaged ({type(error).__name__}); print it to a new PDF") from None
    running = _running(pages)
    body = median([line.size for page in pages for line in page.lines] or [10.0])
    blocks = tuple(
        block for number, page in enumerate(pages, 1) for block in _blocks(page, number, body, running)
    )
    first = next((block.text for block in blocks if block.kind == "heading"), name)
    hidden = tuple(page.hidden for page in pages if page.hidden)
    return Document(title=title or first, blocks=blocks, pages=len(pages), paging="exact", hidden=hidden)


def _check(file: Any, limits: Limits) -> None:
    """Refuse too many pages, and streams that unpack to too much, before anything is laid out."""
    if len(file.pages) > limits.pages:
        raise DocumentError(
            f"has {len(file.pages):,} pages; {limits.pages:,} are allowed (knowledge.max_pages)"
        )
    left = int(limits.megabytes * 10e6)
    for reference in file.doc.xrefs:
        for key in reference.get_objids():
            raw = getattr(_object(file.doc, key), "rawdata", None)
            if raw:
                left -= _unpacked(raw, left)
            if left <= 0:
                raise DocumentError(f"unpacks {len(raw or b''):,} bytes to far more; that is no document")


def _object(document: Any, key: int) -> Any:
    from pdfminer.pdftypes import PDFObjectNotFound  # noqa: PLC0415

    try:
        return document.getobj(key)
    except (KeyError, PDFObjectNotFound):
        return None


def _unpacked(raw: bytes, most: int) -> int:
    """How long a deflated stream is when unpacked, counted up to `most`."""
    packed = zlib.decompressobj()
    total, rest = 0, raw
    try:
        while rest and total < most and not packed.eof:
            total += len(packed.decompress(rest, 1 << 20))
            rest = packed.unconsumed_tail
    except zlib.error:  # not deflated: it is as long as it is
        return len(raw)
    return max(total, len(raw))


def _title(file: Any) -> str:
    title = (file.metadata or {}).get("Title")
    return title.strip() if isinstance(title, str) and len(title.strip()) > 3 else ""


def _each(file: Any) -> Iterator[Any]:
    for page in file.pages:
        yield page
        page.close()  # its layout is not needed again, and is large


def _page(page: Any) -> Page:
    unseen = [char for char in page.chars if not _seen(page, char)]
    gone = {_place(char) for char in unseen}
    shown = (
        page.filter(lambda each: each["object_type"] != "char" or _place(each) not in gone) if gone else page
    )
    tables = shown.find_tables() if page.rects or page.lines else []
    found = []
    for table in tables:
        rows = [[" ".join((cell or "").split()) for cell in row] for row in table.extract()]
        if len(rows) > 1 and max(map(len, rows)) > 1:
            found.append((table, "\n".join(" | ".join(row) for row in rows)))
    boxes = [table.bbox for table, _ in found]
    lines = tuple(line for line in _lines(shown) if not any(_inside(line, box) for box in boxes))
    hidden = "".join(char["text"] for char in unseen).strip()
    return Page(lines, tuple((table.bbox[1], text) for table, text in found), hidden)


def _place(char: Any) -> tuple[float, float, str]:
    return char["x0"], char["top"], char["text"]


def _seen(page: Any, char: Any) -> bool:
    if (
        char["size"] < SMALLEST
        or char["x1"] < 0
        or char["x0"] > page.width
        or char["bottom"] < 0
        or char["top"] > page.height
    ):
        return not char["text"].strip()
    colour = char.get("non_stroking_color")
    if not _white(colour):
        return True
    middle = ((char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2)
    under = [
        *(rect for rect in page.rects if rect.get("fill") and not _white(rect.get("non_stroking_color"))),
        *page.images,
    ]
    return any(
        each["x0"] <= middle[0] <= each["x1"] and each["top"] <= middle[1] <= each["bottom"] for each in under
    )


def _white(colour: Any) -> bool:
    if isinstance(colour, int | float):
        colour = (colour,)
    if (
        not isinstance(colour, tuple | list)
        or not colour
        or not all(isinstance(c, int | float) for c in colour)
    ):
        return False
    if len(colour) == 4:  # inks: none is white
        return all(part <= 1 - WHITE for part in colour)
    return all(part >= WHITE for part in colour)


def _lines(page: Any) -> Iterator[Line]:
    """Lines in the order of the file, which is that of reading, columns too."""
    words = page.extract_words(x_tolerance_ratio=0.2, use_text_flow=True, extra_attrs=["size", "fontname"])
    current: list[Any] = []
    for word in words:
        if current and (
            abs(word["bottom"] - current[-1]["bottom"]) > 0.4 * word["size"] or word["x0"] < current[-1]["x0"]
        ):
            yield _line(current, page.height)
            current = []
        current.append(word)
    if current:
        yield _line(current, page.height)


def _line(words: Sequence[Any], height: float) -> Line:
    text = words[0]["text"]
    for before, word in itertools.pairwise(words):
        gap = word["x0"] - before["x1"]
        text += (" " if gap > 0.12 * word["size"] else "") + word["text"]
    top, bottom = min(word["top"] for word in words), max(word["bottom"] for word in words)
    return Line(
        text=text,
        top=top,
        bottom=bottom,
        left=words[0]["x0"],
        right=words[-1]["x1"],
        size=median(word["size"] for word in words),
        bold=all(re.search("bold|black|heavy", word["fontname"], re.IGNORECASE) for word in words),
        edge=bottom < EDGE * height or top > (1 - EDGE) * height,
    )


def _inside(line: Line, box: tuple[float, float, float, float]) -> bool:
    return box[1] - 1 <= (line.top + line.bottom) / 2 <= box[3] + 1 and box[0] - 1 <= line.left <= box[2] + 1


def _running(pages: Sequence[Page]) -> frozenset[str]:
    """Lines at the edges that come again on most pages, whatever the number in them."""
    seen = Counter(
        key for page in pages for key in {_numberless(line.text) for line in page.lines if line.edge}
    )
    return frozenset(key for key, count in seen.items() if count >= 3 and count > len(pages) / 2)


def _numberless(text: str) -> str:
    return re.sub(r"\d+", "#", text).strip()


def _blocks(page: Page, number: int, body: float, running: frozenset[str]) -> Iterator[Block]:
    lines = [
        line
        for line in page.lines
        if not (line.edge and (_numberless(line.text) in running or _is_number(line.text)))
    ]
    placed = [*paragraphs(lines, body), *((top, "table", text, 0) for top, text in page.tables)]
    if page.tables:
        placed.sort(key=lambda each: each[0])
    for _, kind, text, level in placed:
        yield Block(kind=kind, text=text, level=level, page=number)  # type: ignore[arg-type]


def _is_number(text: str) -> bool:
    return (
        re.fullmatch(r"\W*(?:page|第)?\s*\d+\s*(?:页|(?:/|of)\s*\d+)?\W*", text.strip(), re.IGNORECASE)
        is not None
    )
