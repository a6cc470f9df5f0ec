"""`sre-copilot eval retrieval` and `eval documents`: how well documents are found, and quoted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from sre_copilot.cli.evaluation.progress import shown
from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.library.documents import evaluate_documents
from sre_copilot.eval.library.questions import folder
from sre_copilot.eval.library.retrieval import PASSAGES, RetrievalEvaluation, evaluate_retrieval

JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
]
Place = Annotated[
    Path | None,
    typer.Option(
        "--questions",
        metavar="DIR",
        help="Documents and questions of your own, laid out as the shipped ones.",
        show_default=False,
    ),
]


def retrieval(
    *,
    questions: Place = None,
    json_file: JsonFile = None,
    misses: Annotated[
        bool,
        typer.Option("--misses", help="List the questions of the seen half whose document was not found."),
    ] = False,
) -> None:
    """Ask for documents in the language in which they are written, and in the other."""
    if json_file:
        check_writable(json_file, option="--json")
    with shown() as progress:
        evaluation = evaluate_retrieval(questions or folder(), progress=progress)
    figures = evaluation.as_dict()
    _print(figures["retrieval"], {"recall_at_3": "document among the first 3", "n": "questions"})
    typer.echo(f"p95 of a question among {PASSAGES:,} passages: {evaluation.p95_ms:.1f} ms")
    if misses:
        _print_misses(evaluation)
    _write(figures, json_file)


def documents(*, questions: Place = None, json_file: JsonFile = None) -> None:
    """Write the documents as PDF and Word, read them again, and judge what is quoted."""
    if json_file:
        check_writable(json_file, option="--json")
    with shown() as progress:
        evaluation = evaluate_documents(questions or folder(), progress=progress)
    figures = evaluation.as_dict()
    shares = {
        "exact": "quotations that are exact",
        "page_right": "quotations whose page is right",
        "unanswerable_declined": "unanswerable questions that are declined",
        "answered": "answerable questions that are answered",
        "answered_with_the_right_words": "… with the words that answer",
        "right_document_when_answered": "… by the right document, of those answered",
    }
    _print(figures["documents"], shares)
    typer.echo(f"{evaluation.files} files, {evaluation.pages} pages")
    _write(figures, json_file)


def _print(figures: dict[str, Any], wanted: dict[str, str]) -> None:
    halves = {name: each for name, each in figures.items() if isinstance(each, dict)}
    table = Table()
    for column in ("", *halves):
        table.add_column(column)
    for key, label in wanted.items():
        table.add_row(label, *(_shown(each[key]) for each in halves.values()))
    table_console().print(table)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    return f"{value:.3f}" if isinstance(value, float) else "-" if value is None else str(value)


def _print_misses(evaluation: RetrievalEvaluation) -> None:
    """The seen half alone: whoever reads the misses of the other has seen it."""
    for hit in evaluation.hits.get("seen", ()):
        if not hit.right:
            typer.echo(
                f"{hit.asked.id} {hit.asked.text}: wanted {', '.join(hit.asked.expected)}; found {', '.join(hit.found[:3]) or 'nothing'}"
            )


def _write(figures: dict[str, Any], path: Path | None) -> None:
    if path:
        write_file(path, f"{json.dumps(figures, ensure_ascii=False, indent=2)}\n", option="--json")
