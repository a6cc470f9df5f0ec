"""`sre-copilot route`: whom an alert would reach."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from sre_copilot.alerts.matchers import canonical, parse_labels
from sre_copilot.alerts.routing.configuration import Configuration
from sre_copilot.alerts.routing.durations import duration_text
from sre_copilot.alerts.routing.tree import ALL_LABELS, Route
from sre_copilot.app.alert_routing import routing_of, routing_of_file
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import table_console
from sre_copilot.settings.loading import load

app = typer.Typer(help="See which receivers an alert reaches, and why.", no_args_is_help=True)

OTHERS = 1  # exit code when the receivers are others than were expected

AlertmanagerFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="An Alertmanager configuration, instead of `alerting.routing` of ours.",
        show_default=False,
    ),
]


@app.command("test")
def try_labels(
    labels: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="Labels of the alert.", show_default=False),
    ] = None,
    *,
    verify_receivers: Annotated[
        str,
        typer.Option(
            "--verify-receivers",
            metavar="NAMES",
            help="Receivers that are expected, in order, by commas; exit code 1 when they are others.",
            show_default=False,
        ),
    ] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Also say by which routes.")] = False,
    file: AlertmanagerFile = None,
    config: ConfigFile = None,
) -> None:
    """Print the receivers that an alert of these labels reaches, in order, by commas."""
    given = parse_labels(labels or [])
    routing = _routing(file, config)
    routes = routing.routes.match(given)
    receivers = ",".join(route.receiver for route in routes)
    typer.echo(receivers)
    if explain:
        for route in routes:
            typer.echo("\n".join(_explained(route, routing, given)))
    if verify_receivers and verify_receivers != receivers:
        typer.echo(f"WARNING: these are not the expected receivers {verify_receivers}", err=True)
        raise typer.Exit(OTHERS)


@app.command("show")
def show(file: AlertmanagerFile = None, config: ConfigFile = None) -> None:
    """Draw the routing tree, and say what of the configuration has no effect."""
    routing = _routing(file, config)
    table_console().print(_drawn(routing.routes.root))
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    for remark in routing.remarks:
        notes.print(Text(remark))


def _routing(file: Path | None, config: Path | None) -> Configuration:
    return routing_of_file(file) if file else routing_of(load(config))


def _explained(route: Route, routing: Configuration, labels: dict[str, str]) -> list[str]:
    quiet = routing.intervals.muted_by(route.mute_time_intervals, route.active_time_intervals, time.time())
    lines = [
        f"  route {route.id}",
        f"    receiver: {route.receiver or 'nobody'}",
        f"    group: {route.group(labels)[0]}",
        f"    waits: {_waits(route)}",
    ]
    if route.escalation:
        lines.append(f"    escalation: {route.escalation}")
    if quiet:
        lines.append(f"    quiet now, by {', '.join(quiet)}")
    return lines


def _drawn(route: Route, tree: Tree | None = None) -> Tree:
    """A route and all below it as a picture."""
    label = Text(_line(route))
    here = Tree(label) if tree is None else tree.add(label)
    for each in route.routes:
        _drawn(each, here)
    return here


def _line(route: Route) -> str:
    grouped = ALL_LABELS if route.group_by_all else ", ".join(route.group_by) or "nothing"
    parts = [
        canonical(route.matchers) if route.matchers else "every alert",
        f"receiver: {route.receiver or 'nobody'}",
        f"grouped by {grouped}",
        _waits(route),
    ]
    if route.continues:
        parts.append("continues")
    if route.escalation:
        parts.append(f"escalation: {route.escalation}")
    if route.mute_time_intervals:
        parts.append(f"quiet in {', '.join(route.mute_time_intervals)}")
    if route.active_time_intervals:
        parts.append(f"only in {', '.join(route.active_time_intervals)}")
    return "  ".join(parts)


def _waits(route: Route) -> str:
    waits = (route.group_wait_s, route.group_interval_s, route.repeat_interval_s)
    wait, interval, repeat = map(duration_text, waits)
    return f"first after {wait}, changes each {interval}, again after {repeat}"
