"""A page as PDF, made by WeasyPrint, which is let fetch nothing; characters that no font of the system has are named."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sre_copilot.errors import SreCopilotError

LOGGER = "weasyprint"
MISSING = "unsupported by fonts"
EXTRA = "PDF needs the extra `reports`: pip install 'sre-copilot[reports]'; or ask for --format html and print that."
LIBRARIES = (
    "PDF needs the system libraries Pango, HarfBuzz and GLib ({problem}): install them (Debian, Ubuntu: apt-get install libpango-1.0-0 "
    "libpangoft2-1.0-0 libharfbuzz-subset0; macOS: brew install pango); or ask for --format html and print that."
)


class PdfError(SreCopilotError):
    """A PDF cannot be made here; the message says what is missing."""


class PrinterBusyError(SreCopilotError):
    """Another document is being printed."""


_PRINTER = threading.Lock()
"""One document at a time: a long one keeps a core busy for seconds, and several would starve everything else of the process."""


@contextmanager
def printer(*, wait: bool) -> Iterator[None]:
    """The printer, for one document.

    Raises
    ------
    PrinterBusyError : where it is in use, and nobody wants to wait
    """
    if not _PRINTER.acquire(blocking=wait):
        raise PrinterBusyError("another PDF is being made; try again, or ask for html")
    try:
        yield
    finally:
        _PRINTER.release()


@dataclass(frozen=True, slots=True)
class Pdf:
    """A document, and the characters that it shows as empty boxes, for no font of the system has them."""

    content: bytes
    missing: tuple[str, ...] = ()


def pdf_of(page: str) -> Pdf:
    """Print a self-contained page.

    Raises
    ------
    PdfError : where WeasyPrint or a library of the system is missing, or the page asks for something that is not in it
    """
    html, fetcher, asked = _library()
    glyphs = _Glyphs()
    logger = logging.getLogger(LOGGER)
    logger.addHandler(glyphs)
    try:
        content = html(string=page, url_fetcher=fetcher()).write_pdf()
    except asked as error:
        raise PdfError(str(error)) from None
    finally:
        logger.removeHandler(glyphs)
    return Pdf(content, glyphs.found())


def _library() -> tuple[Any, Any, type[BaseException]]:
    try:
        from weasyprint import HTML  # noqa: PLC0415 - an extra, with libraries of the system
        from weasyprint.urls import FatalURLFetchingError, URLFetcher  # noqa: PLC0415
    except ImportError:
        raise PdfError(EXTRA) from None
    except OSError as error:
        raise PdfError(LIBRARIES.format(problem=str(error).split(":", maxsplit=1)[0])) from None

    class Refusing(URLFetcher):  # type: ignore[misc]
        """Fetches nothing, whatever the address: what a report shows stands in it."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            """Refuse."""
            raise FatalURLFetchingError(f"a report loads nothing, and {url[:100]!r} was asked for")

    return HTML, Refusing, FatalURLFetchingError


class _Glyphs(logging.Handler):
    """Gathers the characters that WeasyPrint warns of, of this thread's document."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self._found: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Note one."""
        if record.thread == self._thread and MISSING in str(record.msg) and record.args:
            self._found[str(record.args[0])] = None  # type: ignore[index]

    def found(self) -> tuple[str, ...]:
        """The characters, in the order in which they were met."""
        return tuple(self._found)
