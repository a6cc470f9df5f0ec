"""`sre-copilot eval intent`: how well questions are understood without a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.intent.questions import read, shipped
from sre_copilot.eval.intent.report import print_evaluation
from sre_copilot.eval.intent.run import evaluate


def intent(
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions", metavar="FILE", help="Ask the questions of this file instead (JSON lines)."
        ),
    ] = None,
) -> None:
    """Ask questions in Chinese, English and both, and compare what was understood with what they ask for.

    Exit code 0: all questions were asked; 2: usage, or questions that cannot be read.
    """
    if json_file:
        check_writable(json_file, option="--json")
    halves = {"given": read(questions)} if questions else shipped()
    found = evaluate(halves)
    print_evaluation(found, table_console())
    if json_file:
        document = json.dumps(found, ensure_ascii=False, indent=2)
        write_file(json_file, f"{document}\n", option="--json")
