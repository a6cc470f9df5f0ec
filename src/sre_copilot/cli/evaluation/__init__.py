"""`sre-copilot eval`: how good the answers are, measured on recordings with known answers; one file a kind."""

from __future__ import annotations

import typer

from sre_copilot.cli.evaluation.rca import rca

app = typer.Typer(help="Measure quality on recordings with known answers.", no_args_is_help=True)
app.command("rca")(rca)


@app.callback()
def group() -> None:
    """Measure quality on recordings with known answers."""
