"""`sre-copilot workflow`: texts, drafts and lint by the store alone; runs by the server that works them off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sre_copilot.app.storing import open_database
from sre_copilot.app.workflow_desk import WorkflowDesk, known_of_settings
from sre_copilot.cli.account import caller
from sre_copilot.cli.alerting_tables import Output, check_form, lines, say, seconds_of, show, table
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.server import TokenOption, Url, server
from sre_copilot.cli.streams import print_document
from sre_copilot.cli.words import counted
from sre_copilot.cli.workflow_making import generate, simulate
from sre_copilot.clock import SystemClock, rfc3339
from sre_copilot.errors import UsageError
from sre_copilot.settings.loading import load
from sre_copilot.workflows.lint.linter import lint_text
from sre_copilot.workflows.schema import json_schema

app = typer.Typer(help="Workflows of your own: write, check, try, run.", no_args_is_help=True)
app.command("simulate")(simulate)
app.command("generate")(generate)

FINDINGS = 1
Key = Annotated[str, typer.Argument(metavar="ID", help="Id of the workflow.", show_default=False)]
RunKey = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.", show_default=False)]
Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files of workflows.", show_default=False)]


@app.command("list")
def list_all(
    *,
    drafts: Annotated[
        bool, typer.Option("--drafts", help="What was generated and nobody has applied.")
    ] = False,
    output: Output = "table",
    config: ConfigFile = None,
) -> None:
    """List the workflows that were applied, or the drafts."""
    check_form(output)
    desk = _desk(config)
    rows = desk.drafts() if drafts else desk.collection.store.all()
    if show({"items": [_times(row) for row in rows]}, output):
        return
    if drafts:
        cells = [(row["id"], row["origin"], row["by"], seconds_of(rfc3339(row["at"]))) for row in rows]
        table(("id", "made from", "by", "at"), cells, nothing="no draft")
        return
    kept = [
        (row["id"], row["version"], "on" if row["enabled"] else "off", row["name"], seconds_of(rfc3339(row["updated_at"])))
        for row in rows
    ]  # fmt: skip
    table(("id", "version", "triggers", "name", "since"), kept, nothing="no workflow; `workflow apply FILE`")


@app.command("show")
def show_one(
    key: Key,
    *,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="Another version than the newest.")
    ] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="The draft, and its difference to the present version.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Print the text of a workflow."""
    desk = _desk(config)
    if draft:
        found = desk.drafted(key)
        print_document(found["text"])
        print_document(found["difference"])
    else:
        print_document(desk.collection.version(key, version)["text"])


@app.command("apply")
def apply(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE…", help="Files of workflows.", show_default=False)
    ] = None,
    *,
    draft: Annotated[str, typer.Option("--draft", metavar="ID", help="A draft instead of files.")] = "",
    note: Annotated[str, typer.Option("--note", help="Why; it stands in the history.")] = "",
    config: ConfigFile = None,
) -> None:
    """Make texts the newest versions of their workflows, after lint; their triggers count from then on.

    Exit code 0: applied, or nothing has changed; 2: something is wrong with one, with line, path and the way out; those before it are applied.
    """
    if bool(files) == bool(draft):
        raise UsageError("FILE: give files, or --draft ID; not both.")
    desk = _desk(config)
    texts = (
        [(draft, desk.drafted(draft)["text"])]
        if draft
        else [(str(each), _read(each)) for each in files or ()]
    )
    for name, text in texts:
        try:
            done = desk.apply(text, who=caller(), note=note)
        except UsageError as problems:
            raise UsageError(f"{name}: {problems}") from None
        if done.changed:
            print_document(done.difference)
        said = f"is version {done.version}" if done.changed else f"is version {done.version} already"
        say(f"{done.workflow.id} {said}")


@app.command("lint")
def lint(files: Files, *, config: ConfigFile = None) -> None:
    """Say what is wrong with workflows, and what is probably not meant, each with line, path and the way out; nothing is kept.

    Tools, actions and receivers are those of the configuration, other workflows those that were applied.
    Exit code 0: clean; 1: remarks; 2: usage.
    """
    settings = load(config)
    known = known_of_settings(settings, open_database(settings))
    count = 0
    for file in files:
        found = lint_text(_read(file), known)
        count += len(found)
        for each in found:
            say(f"{file}: {each}")
    if count:
        raise typer.Exit(FINDINGS)
    say(f"{counted(len(files), 'workflow')}: nothing to remark")


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of a workflow file, for editors."""
    print_document(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command("run")
def run(
    key: Key,
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Its inputs.", show_default=False)
    ] = None,
    *,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="Another version than the newest.")
    ] = None,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Start a workflow, and print the id of the run.

    Exit code 0: started; 2: usage; 3: no server answers.
    """
    body: dict[str, Any] = {"inputs": given(inputs or []), **({"version": version} if version else {})}
    with server(config, url=url, token=token) as there:
        found = there.post(f"/api/v1/workflows/{quote(key, safe='')}/runs", body)
    if found["outcome"] == "too_many":
        raise UsageError(
            f"workflow {key!r}: as many runs as `at_once` allows are under way. Wait, or cancel one."
        )
    typer.echo(found["run"])


@app.command("runs")
def runs(
    *,
    workflow: Annotated[str, typer.Option("--workflow", help="Only of this one.")] = "",
    status: Annotated[str, typer.Option("--status", help="Only those that stand so.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 50,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """List runs, the latest first."""
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get("/api/v1/workflow-runs", workflow=workflow, status=status, limit=limit)
    if not show(found, output):
        cells = [
            (
                row["id"],
                row["workflow_id"],
                row["version"],
                row["status"],
                seconds_of(row["created_at"]),
                row["error"],
            )
            for row in found["items"]
        ]
        table(("id", "workflow", "version", "status", "since", "error"), cells, nothing="no run")


@app.command("logs")
def logs(
    run: RunKey,
    *,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Print how a run stands and what it did, a line for each thing that happened."""
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get(f"/api/v1/workflow-runs/{quote(run, safe='')}")
    if show(found, output):
        return
    names = ("id", "workflow_id", "version", "status", "error")
    lines((name, found[name]) for name in names)
    for line in found["log"]:
        say(line)
    waiting = [each["label"] for each in found["steps"] if each["status"] in ("waiting", "pending")]
    lines(
        [("not over yet", ", ".join(waiting)), ("outputs", json.dumps(found["outputs"], ensure_ascii=False))]
    )


@app.command("cancel")
def cancel(run: RunKey, *, url: Url = "", token: TokenOption = "", config: ConfigFile = None) -> None:
    """End a run before its next step, with all that it began."""
    with server(config, url=url, token=token) as there:
        there.post(f"/api/v1/workflow-runs/{quote(run, safe='')}/cancel")
    say(f"{run} is cancelled")


@app.command("resume")
def resume(run: RunKey, *, url: Url = "", token: TokenOption = "", config: ConfigFile = None) -> None:
    """Go on with a run that failed, was cancelled or took too long, as a new run, and print its id; what it had finished is not done again.

    Exit code 0: started; 2: usage, or too many are under way; 3: no server answers.
    """
    with server(config, url=url, token=token) as there:
        found = there.post(f"/api/v1/workflow-runs/{quote(run, safe='')}/resume")
    if found["outcome"] == "too_many":
        raise UsageError(f"run {run!r}: as many runs as `at_once` allows are under way. Wait, or cancel one.")
    typer.echo(found["run"])


@app.command("enable")
def enable(key: Key, *, url: Url = "", token: TokenOption = "", config: ConfigFile = None) -> None:
    """Let the triggers of a workflow count, from now on."""
    _switched(key, "enable", url=url, token=token, config=config)
    say(f"{key}: its triggers count")


@app.command("disable")
def disable(key: Key, *, url: Url = "", token: TokenOption = "", config: ConfigFile = None) -> None:
    """Let the triggers of a workflow count no more; runs under way go on, and people can start it."""
    _switched(key, "disable", url=url, token=token, config=config)
    say(f"{key}: its triggers do not count")


def _switched(key: str, verb: str, *, url: str, token: str, config: Path | None) -> None:
    with server(config, url=url, token=token) as there:
        there.post(f"/api/v1/workflows/{quote(key, safe='')}/{verb}")


@app.command("tasks")
def tasks(
    *, output: Output = "table", url: Url = "", token: TokenOption = "", config: ConfigFile = None
) -> None:
    """List what workflows ask of people, and nobody has answered yet."""
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get("/api/v1/workflow-tasks")
    if not show(found, output):
        cells = [
            (row["id"], row["title"], ", ".join(each["name"] for each in row["form"]), row["role"], seconds_of(row["due_at"]))
            for row in found["items"]
        ]  # fmt: skip
        table(("id", "title", "asks for", "role", "until"), cells, nothing="nobody is asked anything")


@app.command("answer")
def answer(
    task: Annotated[str, typer.Argument(metavar="TASK", help="Id of the task.", show_default=False)],
    fields: Annotated[
        list[str] | None, typer.Argument(metavar="[FIELD=VALUE]...", help="The answer.", show_default=False)
    ] = None,
    *,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Answer a task; the first answer counts."""
    with server(config, url=url, token=token) as there:
        there.post(f"/api/v1/workflow-tasks/{quote(task)}/answer", {"answer": given(fields or [])})
    say(f"{task} is answered")


def given(pairs: list[str]) -> dict[str, Any]:
    """`name=value` as a mapping; a value that is a JSON list or map is read as such, for inputs know their types."""
    found: dict[str, Any] = {}
    for each in pairs:
        name, sign, value = each.partition("=")
        if not sign or not name.isidentifier():
            raise typer.BadParameter(f"{each!r} is no input; write NAME=VALUE")
        found[name] = _value(name, value)
    return found


def _value(name: str, text: str) -> Any:
    if text[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise typer.BadParameter(f"{name}: begins as JSON and is none; write [1, 2] or {{...}}") from None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read ({type(error).__name__}). Name a file of text.") from None


def _times(row: Any) -> dict[str, Any]:
    moments = ("created_at", "updated_at", "enabled_at", "at")
    return {name: rfc3339(value) if name in moments else value for name, value in row.items()}


def _desk(config: ConfigFile) -> WorkflowDesk:
    settings = load(config)
    return WorkflowDesk(settings, open_database(settings), SystemClock())
