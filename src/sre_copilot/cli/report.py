"""`sre-copilot report`: the report and postmortem of an incident, made of what the product recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from sre_copilot.app.reporting import FORMS
from sre_copilot.cli.alerting_tables import say
from sre_copilot.cli.files import check_writable, write_bytes
from sre_copilot.cli.languages import Language, default_language
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.server import TokenOption, Url, server
from sre_copilot.cli.streams import print_document

app = typer.Typer(
    help="The report and postmortem of an incident, made of what was recorded.", no_args_is_help=True
)
READABLE = ("md", "html", "json")
Id = Annotated[
    str, typer.Argument(metavar="ID", help="Id (INC-7) or number (7), as `incident list` shows it.")
]
Lang = Annotated[Language | None, typer.Option(help="Language (default: the locale's).")]


@app.command("show")
def show_report(
    incident: Id,
    *,
    form: Annotated[str, typer.Option("--format", "-f", help="md, html or json.")] = "md",
    lang: Lang = None,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Print the report of an incident.

    Exit code 0: printed; 2: usage, or there is none; 3: no server answers.
    """
    if form not in READABLE:
        raise typer.BadParameter(
            f"--format {form!r} cannot be printed; write {', '.join(READABLE)}, or use `report save` for pdf"
        )
    spoken = (lang or default_language()).value
    with server(config, url=url, token=token) as there:
        found = there.read(_path(incident), format=form, lang=spoken)
    print_document(found.content.decode("utf-8"))


@app.command("save")
def save_report(
    incident: Id,
    *,
    form: Annotated[str, typer.Option("--format", "-f", help="md, html, pdf or json.")] = "html",
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to (default: ID.FORMAT here).", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
    lang: Lang = None,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Write the report of an incident into a file; one that exists stays as it is, for somebody may have edited it.

    Exit code 0: written; 1: a PDF cannot be made there; 2: usage, or there is none; 3: no server answers.
    """
    if form not in FORMS:
        raise typer.BadParameter(f"--format {form!r} is no form; write {', '.join(FORMS)}")
    path = file or Path(f"{_name(incident)}.{form}")
    if path.exists() and not force:
        raise typer.BadParameter(f"--file {path}: exists. Name another file, or write over it with --force")
    check_writable(path, option="--file")
    spoken = (lang or default_language()).value
    with server(config, url=url, token=token) as there:
        found = there.read(_path(incident), format=form, lang=spoken)
    write_bytes(path, found.content, option="--file")
    say(f"{path}: {len(found.content):,} bytes")
    if missing := found.headers.get("x-missing-glyphs", ""):
        say(
            f"WARNING: no font of the server's system has {missing}: install one that has (Debian, Ubuntu: apt-get install fonts-noto-cjk)"
        )


@app.command("send")
def send_report(
    incident: Id,
    *,
    to: Annotated[
        list[str],
        typer.Option(
            "--to", metavar="RECEIVER", help="Receiver that is told; may be repeated.", show_default=False
        ),
    ],
    lang: Lang = None,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Tell receivers of a report: its summary, the report as a file where a service carries one, and a link to it; `notify log` says what became of the message.

    Exit code 0: on its way; 2: usage, or there is none; 3: no server answers.
    """
    body = {"to": to, "lang": (lang or default_language()).value}
    with server(config, url=url, token=token) as there:
        found = there.post(f"{_path(incident)}/send", body)
    say(f"{found['incident_id']}: on its way to {', '.join(found['to'])}")
    if found["not_attached"]:
        instead = "the summary and a link" if found["linked"] else "the summary alone"
        why = "" if found["linked"] else " (set alerting.notify.external_url for a link)"
        say(f"No file goes to {', '.join(found['not_attached'])}: they get {instead}{why}")


def _path(incident: str) -> str:
    return f"/api/v1/incidents/{quote(incident, safe='')}/report"


def _name(incident: str) -> str:
    name = "".join(letter for letter in incident if letter.isalnum() or letter in "-_")
    return f"INC-{name}" if name.isdecimal() else name or "report"
