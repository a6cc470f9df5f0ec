"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Configuration (default: $SRE_COPILOT_CONFIG, config/config.yaml, sre-copilot.yaml).",
        show_default=False,
    ),
]

MayAskModel = Annotated[
    bool, typer.Option("--model/--no-model", help="Whether a configured language model may be asked.")
]

AlertFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Instead of a case: an alert (webhook or API answer of Alertmanager, or {service, title, at}) on the configured sources; - reads standard input.",
        show_default=False,
    ),
]

AboutFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        help="What the question is about: a query, a rule, a script; - reads standard input.",
        show_default=False,
    ),
]
