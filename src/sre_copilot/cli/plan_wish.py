"""`sre-copilot plan pause|resume|cancel`: what people want of a plan that is being carried out."""

from __future__ import annotations

from urllib.parse import quote

import typer

from sre_copilot.cli.alerting_tables import Output, check_form, say, show
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.plan_decide import Plan
from sre_copilot.cli.server import TokenOption, Url, server


def add_to(app: typer.Typer) -> None:
    """Add the commands to the group of plans."""
    for command in (pause, resume, cancel):
        app.command()(command)


def pause(
    plan: Plan, *, output: Output = "table", url: Url = "", token: TokenOption = "", config: ConfigFile = None
) -> None:
    """Let a plan wait before its next step; the step under way ends.

    Exit code 0: it is noted; 2: usage, or the plan is not being carried out, or was called off; 3: no server answers.
    """
    _wish(plan, "pause", "waits before its next step", output, url=url, token=token, config=config)


def resume(
    plan: Plan, *, output: Output = "table", url: Url = "", token: TokenOption = "", config: ConfigFile = None
) -> None:
    """Let a plan go on that was paused.

    Exit code 0: it is noted; 2: usage, or the plan is not being carried out, or was called off; 3: no server answers.
    """
    _wish(plan, "resume", "goes on", output, url=url, token=token, config=config)


def cancel(
    plan: Plan, *, output: Output = "table", url: Url = "", token: TokenOption = "", config: ConfigFile = None
) -> None:
    """Call a plan off: the step under way ends, and what was done is taken back.

    Exit code 0: it is noted; 2: usage, or the plan is not being carried out, or was called off; 3: no server answers.
    """
    _wish(
        plan,
        "cancel",
        "is called off; what was done is taken back",
        output,
        url=url,
        token=token,
        config=config,
    )


def _wish(plan: str, wish: str, said: str, output: str, *, url: str, token: str, config: ConfigFile) -> None:
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.post(f"/api/v1/remediations/{quote(plan.strip().upper(), safe='')}/{wish}")
    if not show(found, output):
        say(f"{found['plan_id']} {said}")
