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
