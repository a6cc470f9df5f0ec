"""`sre-copilot plan`: what is to be done about an incident, and who agrees to it."""

from __future__ import annotations

import typer

from sre_copilot.cli import plan_decide, plan_show, plan_wish

app = typer.Typer(help="What is to be done about an incident, and who agrees to it.", no_args_is_help=True)
plan_show.add_to(app)
plan_decide.add_to(app)
plan_wish.add_to(app)
