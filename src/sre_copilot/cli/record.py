"""`sre-copilot record`: write what the configured sources hold of a time as a case, to be investigated anywhere."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sre_copilot.app import open_for_investigation
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.times import duration, moment
from sre_copilot.clock import rfc3339
from sre_copilot.domain.incident import Complaint, Incident
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.report.words import say
from sre_copilot.perception.case_format.writing import make_empty, write_case
from sre_copilot.perception.collection import Collection, collect
from sre_copilot.settings.loading import load


def record(
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder of the case.", show_default=False)],
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Begin of the recording.")] = "30m",
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="End of the recording.")] = "now",
    onset: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When the fault began, as far as known.", show_default=False),
    ] = None,
    complaint: Annotated[str, typer.Option(help="What was reported, in words.")] = "",
    entity: Annotated[str, typer.Option(help="Service or object that was alerted on.")] = "",
    reference: Annotated[
        str,
        typer.Option(metavar="DURATION", help="How far back fault-free time to compare with lies; 0s: none."),
    ] = "1d",
    config: ConfigFile = None,
) -> None:
    """Write a case folder from all configured sources; `sre-copilot investigate DIR` reads it.

    Times: `2026-02-06T14:30:22Z`, epoch seconds, `now`, or `90m`, `2h`, `1d` for so long ago. A source that cannot be read is a gap of
    the case. Exit code 0: written; 1: no source could be read; 2: usage.
    """
    now = time.time()
    window = _window(moment(start, now=now, option="--from"), moment(end, now=now, option="--to"))
    began = moment(onset, now=now, option="--onset") if onset else None
    back = duration(reference, option="--reference")
    make_empty(out)
    sources = open_for_investigation(load(config))
    incident = Incident(
        id=out.resolve().name,
        complaint=Complaint(text=complaint, entity=entity, at=began),
        onset=began,
        window=window,
    )
    console = Console(stderr=True)
    with console.status("reading") as status:
        collection = collect(
            sources,
            incident,
            window=window,
            reference=Window(window.start - back, window.end - back) if back else None,
            progress=lambda name: status.update(f"reading {name}"),
        )
    for source in sources:
        source.close()
    write_case(collection.observation, out)
    _tell(collection, out)
    current = collection.observation.current
    if all(getattr(current, name) is None for name in ("metrics", "logs", "traces", "transactions", "state")):
        raise typer.Exit(1)


def _window(start: float, end: float) -> Window:
    if start >= end:
        raise typer.BadParameter("--from is not before --to; exchange them")
    return Window(float(int(start)), float(int(end)))


def _tell(collection: Collection, out: Path) -> None:
    console = Console(highlight=False)
    seen = collection.observation.current
    for name in ("metrics", "logs", "traces", "transactions"):
        table = getattr(seen, name)
        console.print(f"{name:<13} " + ("not recorded" if table is None else f"{table.height:,} rows"))
    for name in ("state", "changes", "alerts"):
        rows = getattr(seen, name)
        console.print(f"{name:<13} " + ("not recorded" if rows is None else f"{len(rows):,}"))
    for gap in collection.observation.gaps:
        console.print(f"gap: {say(gap.message, 'en')}", markup=False)
    window = collection.observation.incident.window
    if window:
        console.print(f"{rfc3339(window.start)} to {rfc3339(window.end)}, {len(collection.asked)} queries")
    console.print(f"sre-copilot investigate {out}", markup=False)
