"""Pages out of one template: nothing is loaded, nothing runs, and what is shown of telemetry is text."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from sre_copilot.api.views import Language
from sre_copilot.incidents.report.clean import visible
from sre_copilot.incidents.report.numbers import iso, number, percentage
from sre_copilot.incidents.report.words import fault_words, has, moment, word


def page(name: str, lang: Language, *, code: int = 200, **shown: Any) -> HTMLResponse:
    """Write a page; its policy allows its own style and its own form, and nothing else."""
    text = (
        _environment()
        .get_template(f"{name}.html.j2")
        .render(lang=lang, css=_style(), **_verbs(lang), **shown)
    )
    headers = {"Content-Security-Policy": _policy(), "Vary": "Accept-Language, Cookie"}
    return HTMLResponse(text, status_code=code, headers=headers)


def _verbs(lang: Language) -> dict[str, Any]:
    """What a template may call, each bound to the language."""

    def named(group: str, value: str) -> str:
        key = f"live_page.{group}.{value}"
        return word(key, lang) if has(key) else value

    return {
        "t": lambda key, **params: word(key, lang, **params),
        "p": lambda key, **params: word(f"live_page.{key}", lang, **params),
        "named": named,
        "said": lambda group, value: word(f"{group}.{value}", lang) if has(f"{group}.{value}") else value,
        "fault": lambda identifier: fault_words(identifier, lang),
        "moment": lambda at: moment(at, lang),
        "iso": iso,
        "number": number,
        "percentage": percentage,
    }


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: (
            visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
    )


@cache
def _style() -> Markup:
    return Markup(_text("page.css"))  # noqa: S704 - our own file


@cache
def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


def _text(name: str) -> str:
    return (files("sre_copilot.api") / "pages" / name).read_text(encoding="utf-8")
