"""`sre-copilot audit`: who did what, and whether the record of it is whole. It reads the store itself, and asks no server."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from sre_copilot.app.storing import open_database
from sre_copilot.cli.alerting_tables import Output, check_form, say, seconds_of, show, table
from sre_copilot.cli.options import ConfigFile
from sre_copilot.clock import rfc3339
from sre_copilot.settings.loading import load
from sre_copilot.store.audit_chain import AuditChain, read_head

app = typer.Typer(help="Who did what, and whether the record of it is whole.", no_args_is_help=True)
MOST = 1000


@app.command("list")
def list_entries(
    *,
    subject: Annotated[
        str, typer.Option(help="Only about this, for example a plan.", show_default=False)
    ] = "",
    verb: Annotated[
        str, typer.Option(help="Only verbs that begin so, for example plan.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 100,
    output: Output = "table",
    config: ConfigFile = None,
) -> None:
    """List entries, the last first.

    Exit code 0: listed; 2: usage.
    """
    check_form(output)
    page = _chain(config).page(limit=limit, subject=subject, verb=verb)
    rows = [{**row, "at": rfc3339(row["at"])} for row in page.rows]
    if show({"items": rows, "next": page.next}, output):
        return
    columns = ("id", "at", "who", "verb", "subject", "outcome", "detail")
    shown = [tuple(_cell(name, row) for name in columns) for row in rows]
    table(columns, shown, nothing="No entry.")
    if page.next:
        say(f"There are more; --limit shows up to {MOST} (these are {limit}).")


@app.command("head")
def head(*, output: Output = "table", config: ConfigFile = None) -> None:
    """Print the head of the chain: keep it outside, and `audit verify --anchor` shows whether the chain still goes through it.

    Exit code 0: printed; 2: usage.
    """
    check_form(output)
    found = _chain(config).head()
    if not show({"count": found.count, "hash": found.hash, "head": str(found)}, output):
        say(str(found))


@app.command("verify")
def verify(
    *,
    anchor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NUMBER:HASH", show_default=False, help="A head that was kept outside; may be repeated."
        ),
    ] = None,
    output: Output = "table",
    config: ConfigFile = None,
) -> None:
    """Compute every hash anew, and name the first entry that was changed, taken out or put in.

    Exit code 0: every entry is as it was written; 1: one is not; 2: usage.
    """
    check_form(output)
    heads = [read_head(each) for each in anchor or ()]
    found = _chain(config).verify(heads)
    broken = found.broken
    document = {
        "ok": broken is None,
        "entries": found.entries,
        "head": str(found.head),
        "broken": {"number": broken.number, "wrong": broken.wrong, "problem": broken.problem}
        if broken
        else None,
    }
    if not show(document, output):
        say(
            f"broken: {broken.problem}"
            if broken
            else f"{found.entries} entries, each as it was written; head {found.head}"
        )
    if broken:
        raise typer.Exit(1)


def _chain(config: ConfigFile) -> AuditChain:
    return AuditChain(open_database(load(config)))


def _cell(name: str, row: dict[str, Any]) -> Any:
    if name == "at":
        return seconds_of(row["at"])
    return json.dumps(row["detail"], ensure_ascii=False) if name == "detail" else row[name]
