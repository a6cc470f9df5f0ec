"""The report of an investigation: built once as language-free data, then rendered as terminal text, Markdown, JSON or HTML.

A renderer is imported when it is first used: Jinja2 and Rich are not paid for by whoever only asks for JSON.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Literal

from sre_copilot.incidents.report.build import build
from sre_copilot.incidents.report.model import Language, Report
from sre_copilot.incidents.report.words import LANGUAGES, add, catalogue, say

if TYPE_CHECKING:
    from rich.console import Console

Output = Literal["table", "json", "md", "html"]
RENDERERS: dict[Output, str] = {"table": "terminal", "json": "document", "md": "markdown", "html": "page"}

__all__ = [
    "LANGUAGES",
    "RENDERERS",
    "Language",
    "Output",
    "Report",
    "add",
    "build",
    "catalogue",
    "print_report",
    "render",
    "say",
]


def render(report: Report, *, output: Output, lang: Language) -> str:
    """Render a report; `table` gives plain text of 110 columns (see `print_report` for a console)."""
    text: str = import_module(f"{__name__}.{RENDERERS[output]}").render(report, lang)
    return text


def print_report(report: Report, console: Console, *, lang: Language) -> None:
    """Print a report to a Rich console, with its colours and width."""
    import_module(f"{__name__}.terminal").print_report(report, console, lang=lang)
