"""`sre-copilot ask`: a question to the team, about a recorded case or the configured sources."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sre_copilot.agents.answer import Answer, Listener
from sre_copilot.app.asking import OpenCopilot, open_case_copilot, open_live_copilot
from sre_copilot.cli.conversation import Conversation, Shown, converse
from sre_copilot.cli.investigate import INCONCLUSIVE
from sre_copilot.cli.languages import Language, default_language
from sre_copilot.cli.options import AboutFile, ConfigFile, MayAskModel
from sre_copilot.cli.streams import print_document
from sre_copilot.cli.working import Working
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import UsageError
from sre_copilot.incidents.answers import markdown, terminal
from sre_copilot.incidents.answers.document import document
from sre_copilot.incidents.investigation import answered
from sre_copilot.perception.case_format.reading import one_case
from sre_copilot.settings.loading import find, load

LONGEST = 20_000  # characters of a question with its file: an alert rule or a script, not a log


class Form(StrEnum):
    """A form of the answer."""

    TABLE = "table"
    JSON = "json"
    MD = "md"


def ask(
    question: Annotated[
        str,
        typer.Argument(metavar="[QUESTION]", help="What to ask, in English or Chinese.", show_default=False),
    ] = "",
    *,
    case: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Recorded case to ask about (default: the configured sources).",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Go on asking; /help shows the commands.")
    ] = False,
    file: AboutFile = None,
    lang: Annotated[
        Language | None, typer.Option(help="Language of the answer (default: the question's).")
    ] = None,
    output: Annotated[Form, typer.Option("--output", "-o", help="Form of the answer.")] = Form.TABLE,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Show each check in words, and what it evaluated to.")
    ] = False,
    model: MayAskModel = True,
    show_tools: Annotated[
        bool, typer.Option("--show-tools", help="Show every call of a tool, and every query that was sent.")
    ] = False,
) -> None:
    """Ask the team what broke, why, what is abnormal, how something was at a time, or what your documents say.

    Exit code 0: answered; 3: inconclusive, or declined with the reason; 2: usage or bad input; 1: internal error.
    """  # fmt: skip
    text = _question(question, file)
    if not text and not interactive:
        raise UsageError(
            'There is no question. Write sre-copilot ask "why is checkout slow?", or begin a conversation with -i.'
        )
    chosen: Lang | None = None if lang is None else lang.value
    shown = Shown(evidence=evidence, tools=show_tools)
    with _opened(case, config, chosen or default_language().value, model=model) as opened:
        if interactive:
            converse(Conversation(opened, chosen, shown), first=text)
            return
        listen: Listener = Working(chosen or opened.copilot.context.lang, show_tools=show_tools).hear
        answer = opened.copilot.ask(text, lang=chosen, listen=listen)
    show(answer, output, shown)
    if not stands(answer):
        raise typer.Exit(INCONCLUSIVE)


def show(answer: Answer, form: Form, shown: Shown) -> None:
    """Print an answer in a form."""
    told = document(answer)
    if form is Form.JSON:
        print_document(json.dumps(told, ensure_ascii=False, indent=2, allow_nan=False))
    elif form is Form.MD:
        print_document(markdown.render(told, evidence=shown.evidence, asked=shown.tools).rstrip())
    else:
        terminal.print_answer(told, Console(), evidence=shown.evidence, asked=shown.tools)


def stands(answer: Answer) -> bool:
    """Whether it is an answer: a declined request is none, nor is an inconclusive diagnosis."""
    if answer.kind == "declined":
        return False
    return answer.diagnosis is None or answered(answer.diagnosis)


@contextmanager
def _opened(case: Path | None, config: Path | None, lang: Lang, *, model: bool) -> Iterator[OpenCopilot]:
    """Whoever has the command line has the machine: their role is that of an admin."""
    settings = load(config)
    if case is not None:
        one_case(case)
        opened = open_case_copilot(case, settings, lang=lang, model=model)
    elif find(config) is None and not settings.sources:
        raise UsageError(
            "Nothing to look at. Name a recorded case with --case DIR, or a configuration with --config FILE."
        )
    else:
        opened = open_live_copilot(settings, lang=lang, model=model)
    with opened:
        yield opened


def _question(question: str, file: Path | None) -> str:
    """The question, followed by the text that it is about, which is data: it stands between fences."""
    about = _read(file) if file is not None else ""
    text = (
        f"{question.strip()}\n```\n{about}\n```"
        if question.strip() and about
        else (question.strip() or about)
    )
    if len(text) > LONGEST:
        raise UsageError(
            f"--file {file}: makes a question of {len(text):,} characters; at most {LONGEST:,} are read. Give the part that matters."
        )
    return text


def _read(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.read().strip()
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no UTF-8 text"
        raise UsageError(f"--file {file}: {reason}. Name a text file.") from None
