"""`sre-copilot plan approve|reject` and who may stand in: decisions of whoever the token belongs to."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sre_copilot.cli.alerting_tables import Output, check_form, say, seconds_of, show, table
from sre_copilot.cli.languages import Language, default_language
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.server import TokenOption, Url, server
from sre_copilot.cli.times import moment

Plan = Annotated[str, typer.Argument(metavar="PLAN", help="Id of the plan (PLAN-20260206143022).")]
Lang = Annotated[Language | None, typer.Option(help="Language (default: the locale's).")]
Several = Annotated[
    list[str] | None,
    typer.Option(show_default=False, help="Only these; may be repeated, * stands for any text."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the group of plans."""
    for name, command in (
        ("pending", pending), ("approve", approve), ("reject", reject),
        ("delegate", delegate), ("delegations", delegations), ("undelegate", undelegate),
    ):  # fmt: skip
        app.command(name)(command)


def pending(
    *,
    lang: Lang = None,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """List plans that wait for an approval, the earliest first.

    Exit code 0: none waits; 1: some do; 2: usage; 3: no server answers.
    """
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get("/api/v1/approvals/pending", lang=_spoken(lang))
    if not show(found, output):
        columns = ("id", "until", "severity", "service", "recommended", "risk", "needs")
        table(columns, map(_row, found["items"]), nothing="No plan waits for an approval.")
    if found["items"]:
        raise typer.Exit(1)


def approve(
    plan: Plan,
    *,
    comment: Annotated[str, typer.Option(help="Words that stand beside it.", show_default=False)] = "",
    fingerprint: Annotated[
        str, typer.Option(help="Only if the plan still has this fingerprint.", show_default=False)
    ] = "",
    step: Annotated[
        str, typer.Option(help="Agree to this step, where the plan waits with it.", show_default=False)
    ] = "",
    lang: Lang = None,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Approve a plan, or (--step) one step of a plan that is carried out step by step.

    Exit code 0: the approval counts; 2: usage, or it was refused, with the reason; 3: no server answers.
    """
    body = {"comment": comment, "fingerprint": fingerprint, "step": step}
    _decide(plan, "approve", body, lang, output, url=url, token=token, config=config)


def reject(
    plan: Plan,
    *,
    reason: Annotated[
        str, typer.Option(help="Why; whoever reads it later learns from it.", show_default=False)
    ],
    lang: Lang = None,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Reject a plan.

    Exit code 0: it is not carried out; 2: usage, or it was refused, with the reason; 3: no server answers.
    """
    _decide(plan, "reject", {"reason": reason}, lang, output, url=url, token=token, config=config)


def delegate(
    taker: Annotated[str, typer.Argument(metavar="PERSON", help="Who is to vote in your place.")],
    *,
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Until when.", show_default=False)],
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="From when.")] = "now",
    giver: Annotated[
        str, typer.Option(help="Whose authority, for an admin (default: yours).", show_default=False)
    ] = "",
    environment: Several = None,
    action: Several = None,
    service: Several = None,
    reason: Annotated[str, typer.Option(help="Why.", show_default=False)] = "",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Let somebody approve with your authority for a time.

    Exit code 0: it holds; 2: usage, or it was refused; 3: no server answers.
    """
    now = time.time()
    body = {
        "taker": taker, "giver": giver, "reason": reason,
        "start": _written(moment(start, now=now, option="--from")), "end": _written(moment(end, now=now, option="--to")),
        "environments": environment or [], "actions": action or [], "services": service or [],
    }  # fmt: skip
    with server(config, url=url, token=token) as there:
        made = there.post("/api/v1/approvals/delegations", body)
    say(f"{made['id']}: {made['taker']} may approve for {made['giver']} until {seconds_of(made['end'])}")


def delegations(
    *, output: Output = "table", url: Url = "", token: TokenOption = "", config: ConfigFile = None
) -> None:
    """List who may approve with whose authority.

    Exit code 0: listed; 2: usage; 3: no server answers.
    """
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get("/api/v1/approvals/delegations")
    if not show(found, output):
        rows = [
            (
                each["id"],
                each["giver"],
                each["taker"],
                _scope(each),
                seconds_of(each["start"]),
                seconds_of(each["end"]),
            )
            for each in found["items"]
        ]
        table(("id", "of", "by", "only", "from", "until"), rows, nothing="Nobody stands in for anybody.")


def undelegate(
    key: Annotated[str, typer.Argument(metavar="ID", help="Id, as `plan delegations` shows it.")],
    *,
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """End a delegation at once.

    Exit code 0: it is over; 2: usage, or there is none; 3: no server answers.
    """
    with server(config, url=url, token=token) as there:
        there.delete(f"/api/v1/approvals/delegations/{quote(key, safe='')}")
    say(f"{key} is over")


def _decide(
    plan: str, verdict: str, body: dict[str, str], lang: Language | None, output: str, **place: Any
) -> None:
    check_form(output)
    with server(place["config"], url=place["url"], token=place["token"]) as there:
        path = f"/api/v1/approvals/{quote(plan.strip().upper(), safe='')}/{verdict}?lang={_spoken(lang)}"
        found = there.post(path, body)
    if not show(found, output):
        say(found["sentence"])


def _row(each: dict[str, Any]) -> tuple[Any, ...]:
    given = sum(1 for vote in each["approvals"] if vote["verdict"] == "approve")
    risk = each["risk"]["words"]
    return (
        each["plan_id"], seconds_of(each["expires_at"]), each["severity"], each["service"],
        each["recommended_action"], risk, f"{each['approvals_needed'] - given} more",
    )  # fmt: skip


def _scope(each: dict[str, Any]) -> str:
    parts = [", ".join(each[name]) for name in ("environments", "actions", "services") if each[name]]
    return "; ".join(parts) or "everything"


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _spoken(lang: Language | None) -> str:
    return (lang or default_language()).value
