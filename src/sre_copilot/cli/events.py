"""`sre-copilot events`: what travels over the bus, and what it means."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from sre_copilot.bus.envelope import encode
from sre_copilot.bus.opening import open_bus
from sre_copilot.bus.port import Bus, Stored
from sre_copilot.bus.schemas import SCHEMAS, event_type, json_schema
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import flush, print_document, table_console
from sre_copilot.domain.event import Event, EventType
from sre_copilot.errors import UsageError
from sre_copilot.settings.bus import BusSettings
from sre_copilot.settings.loading import load
from sre_copilot.telemetry import set_up_logging

app = typer.Typer(help="Watch and replay events, and read what their data mean.", no_args_is_help=True)

WAITING = 100  # events in hand of a group: the one that is printed, and few behind it
DeadLetters = Annotated[
    bool, typer.Option("--dead-letters", help="Read what could not be handled, with the reason.")
]
Start = Annotated[
    str, typer.Option("--from", metavar="OFFSET", help="Where to begin: new, earliest, or an offset.")
]


@app.command("schema")
def schema(
    name: Annotated[
        str, typer.Argument(metavar="[TYPE]", help="Type of an event; without one all are listed.")
    ] = "",
) -> None:
    """Print the JSON Schema of an event's data, or list all types."""
    if name:
        print_document(json.dumps(json_schema(_type(name)), indent=2, ensure_ascii=False))
        return
    table = Table()
    for column in ("type", "meaning; key"):
        table.add_column(column)
    for kind, model in SCHEMAS.items():
        table.add_row(Text(kind.value), Text(" ".join((model.__doc__ or "").split())))
    table_console().print(table)


@app.command("tail")
def tail(
    *,
    group: Annotated[
        str, typer.Option(help="Take part in this group instead of looking on: its events are used up.")
    ] = "",
    start: Start = "new",
    dead_letters: DeadLetters = False,
    config: ConfigFile = None,
) -> None:
    """Print events as they come, one JSON document a line, each with its offset; ends with Ctrl-C."""
    settings = _settings(config)
    if group and dead_letters:
        raise UsageError("--group: dead letters are read without a group; leave one of the two out")
    bus = open_bus(settings)
    try:
        if group:
            _take_part(bus, settings, group, start)
        else:
            _print(bus.read(start, follow=True, dead_letters=dead_letters))
    except KeyboardInterrupt:
        pass
    finally:
        bus.close()


@app.command("replay")
def replay(
    *,
    start: Annotated[
        str, typer.Option("--from", metavar="OFFSET", help="Where to begin: earliest, or an offset.")
    ],
    name: Annotated[str, typer.Option("--type", help="Only events of this type.")] = "",
    dead_letters: DeadLetters = False,
    config: ConfigFile = None,
) -> None:
    """Print what the topic holds from an offset up to now, one JSON document a line, and end."""
    kind = _type(name).value if name else ""
    bus = open_bus(_settings(config))
    try:
        _print(bus.read(start, dead_letters=dead_letters), kind=kind)
    finally:
        bus.close()


def _take_part(bus: Bus, settings: BusSettings, group: str, start: str) -> None:
    """Print in this thread what the group's consumer is given: Ctrl-C reaches no other."""
    printed: queue.Queue[tuple[Event, queue.Queue[None]]] = queue.Queue(WAITING)

    def handle(event: Event) -> None:
        done: queue.Queue[None] = queue.Queue(1)
        printed.put((event, done))
        done.get()

    bus.subscribe(group, handle, start=start)
    while True:
        event, done = printed.get()
        body = encode(event, source=settings.source, max_bytes=2 * settings.max_event_bytes)
        typer.echo(json.dumps(json.loads(body), ensure_ascii=False))
        flush()
        done.put(None)


def _print(found: Iterable[Stored], *, kind: str = "") -> None:
    for stored in found:
        document = _document(stored)
        if not kind or document.get("type") == kind:
            typer.echo(json.dumps({"offset": stored.offset, **document}, ensure_ascii=False))
            flush()


def _document(stored: Stored) -> dict[str, Any]:
    try:
        found = json.loads(stored.body)
    except ValueError:
        found = stored.body.decode("utf-8", errors="replace")
    return found if isinstance(found, dict) else {"unreadable": found}


def _type(name: str) -> EventType:
    try:
        return event_type(name)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _settings(config: ConfigFile) -> BusSettings:
    settings = load(config)
    set_up_logging(settings.logging, rotating=False)
    if settings.bus.transport == "memory":
        raise UsageError(
            "bus.transport: memory lives within the server's own process, nobody else can see it. Set kafka, nats or redis."
        )
    return settings.bus
