"""`sre-copilot eval logs`: how well log lines find their templates, measured on labelled lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.logs.report import print_evaluation
from sre_copilot.eval.logs.run import evaluate


def logs(
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Folder of the labelled lines (loghub2k.parquet).", show_default=False
        ),
    ],
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
) -> None:
    """Find the templates of each system's lines with one configuration, then compare with the true ones.

    Exit code 0: all systems were measured; 2: usage, or lines that cannot be read.
    """
    if json_file:
        check_writable(json_file, option="--json")
    evaluation = evaluate(directory)
    print_evaluation(evaluation, table_console())
    if json_file:
        document = json.dumps(evaluation.as_dict(), ensure_ascii=False, indent=2)
        write_file(json_file, f"{document}\n", option="--json")
