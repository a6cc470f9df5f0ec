"""`sre-copilot mcp`: other agents ask ours, over standard input and output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sre_copilot.cli.options import ConfigFile, MayAskModel
from sre_copilot.errors import UsageError
from sre_copilot.perception.case_format.reading import one_case
from sre_copilot.settings.loading import find, load


def mcp(
    *,
    case: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Recorded case to answer about (default: the configured sources).",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = None,
    model: MayAskModel = True,
) -> None:
    """Answer another agent by the Model Context Protocol on standard input and output, until the input ends.

    Exit code 0: the input has ended; 2: the case or the configuration cannot be used.
    """
    settings = load(config)
    if case is not None:
        one_case(case)
    elif find(config) is None and not settings.sources:
        raise UsageError(
            "Nothing to answer about. Name a recorded case with --case DIR, or a configuration with --config FILE."
        )
    from sre_copilot.mcp.stdio import serve_stdio  # noqa: PLC0415 - the protocol's library takes a second

    serve_stdio(settings, case=case, model=model)
