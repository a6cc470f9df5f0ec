"""`sre-copilot plan list|show|diff|simulate`: what is to be done, why, and what it would do now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from sre_copilot.cli.alerting_tables import Output, check_form, say, seconds_of, show, table
from sre_copilot.cli.languages import Language, default_language
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.plan_decide import Lang, Plan
from sre_copilot.cli.server import TokenOption, Url, server

CHANGED = 1
DECIDED = {"approve": "approved", "reject": "rejected"}


def add_to(app: typer.Typer) -> None:
    """Add the commands to the group of plans."""
    for name, command in (("list", list_), ("show", show_), ("diff", diff), ("simulate", simulate)):
        app.command(name)(command)


def list_(
    *,
    status: Annotated[str, typer.Option(help="Only plans that stand so (proposed, running …).")] = "all",
    incident: Annotated[str, typer.Option(help="Only plans of this incident.", show_default=False)] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    lang: Lang = None,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """List plans, the latest first.

    Exit code 0: listed; 2: usage; 3: no server answers.
    """
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get(
            "/api/v1/plans", status=status, incident=incident or None, limit=limit, lang=_spoken(lang)
        )
    if not show(found, output):
        columns = ("id", "status", "at", "service", "what", "risk")
        table(columns, map(_row, found["items"]), nothing="There is no plan.")


def show_(
    plan: Plan, *, lang: Lang = None, output: Output = "table",
    url: Url = "", token: TokenOption = "", config: ConfigFile = None,
) -> None:  # fmt: skip
    """Show a plan: who asked for it and who decided what, how each step stands and why it ended so, its signals, its risk with every part, and what was weighed against it.

    Exit code 0: shown; 2: usage, or there is none; 3: no server answers.
    """
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get(_path(plan), lang=_spoken(lang))
    if not show(found, output):
        _print(found)


def diff(
    plan: Plan, *, lang: Lang = None, output: Output = "table",
    url: Url = "", token: TokenOption = "", config: ConfigFile = None,
) -> None:  # fmt: skip
    """Show what each step of a plan would change now. Nothing is changed.

    Exit code 0: every target is as it was when the plan was made; 1: one is not, or a step could not be carried out now; 2: usage, or there is none; 3: no server answers.
    """
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get(f"{_path(plan)}/diff", lang=_spoken(lang))
    if not show(found, output):
        for line in _difference(found["steps"]):
            say(line)
    if any(each["changed"] or each["problem"] for each in found["steps"]):
        raise typer.Exit(CHANGED)


def simulate(
    *,
    days: Annotated[float, typer.Option(min=0.01, max=3660, help="Faults of so many days.")] = 90.0,
    lang: Lang = None,
    output: Output = "table",
    url: Url = "",
    token: TokenOption = "",
    config: ConfigFile = None,
) -> None:
    """Show what would have been proposed for the confirmed faults of the last days, and whether it is what people did.

    Exit code 0: shown; 2: usage; 3: no server answers.
    """
    check_form(output)
    with server(config, url=url, token=token) as there:
        found = there.get("/api/v1/plans/simulation", days=days, lang=_spoken(lang))
    if show(found, output):
        return
    columns = ("at", "service", "fault", "would propose", "mode", "people did", "verdict")
    table(columns, map(_simulated, found["items"]), nothing="No fault of that time has a confirmed measure.")
    if found["cases"]:
        modes = ", ".join(f"{count} {mode}" for mode, count in sorted(found["modes"].items())) or "none"
        say(
            f"{found['fits']} of {found['comparable']} fit what people did (n = {found['cases']}); plans: {modes}"
        )


def _path(plan: str) -> str:
    return f"/api/v1/plans/{quote(plan.strip().upper(), safe='')}"


def _row(each: Mapping[str, Any]) -> tuple[Any, ...]:
    at = seconds_of(each["created_at"])
    if "title" not in each:
        return (each["id"], "ALTERED", at, "", "its text was altered; it is never carried out", "")
    status = "ALTERED" if each["altered"] else each["status"]
    return (each["id"], status, at, each["service"], each["title"], each["risk"]["words"])  # fmt: skip


def _print(found: Mapping[str, Any]) -> None:
    risk, record = found["risk"], found["record"]
    say(f"{found['id']}  {found['status']}  {found['title']}")
    for line in _course(found):
        say(line)
    say(f"strategy {found['strategy']}; recommended: {found['title']}")
    say(f"incident {found['incident_id'] or '-'}, {found['service']}; {_why(found)}; from {found['origin']}")
    say(f"{risk['words']}; {_helped(record)}; about {found['estimated_seconds']:.0f} s")
    for reason in risk["reasons"]:
        say(f"  {reason}")
    rows = [
        (each["name"], f"{each['value']:.2f}", f"{each['weight']:.2f}", each["reason"])
        for each in risk["parts"]
    ]
    table(("part", "value", "weight", "reason"), rows, nothing="")
    steps = [(each["id"], _stands(each), each["action"], _target(each["target"]), _pairs(each["parameters"]), each["expected"]) for each in found["steps"]]  # fmt: skip
    if (ticket := found["ticket"]) is not None:
        steps.insert(
            0,
            (
                "ticket",
                _stands(ticket),
                f"{ticket['executor']}.create",
                ticket["queue"],
                ticket["link"] or ticket["ticket"],
                ticket["words"],
            ),
        )
    table(("step", "state", "action", "target", "parameters", "expected"), steps, nothing="It has no step.")
    checks = [_check(check) for each in found["steps"] for check in each["checks"]]
    table(("role", "service", "signal", "is to be", "was"), dict.fromkeys(checks), nothing="No signal is watched, or you may not see them.")  # fmt: skip
    others = [(each["title"], f"{each['risk']:.2f}", _share(each["success_rate"]), each["reason"]) for each in found["options"]]  # fmt: skip
    table(("otherwise", "risk", "success", "why not"), others, nothing="Nothing else was weighed.")


def _course(found: Mapping[str, Any]) -> Iterable[str]:
    """Who asked for it, who decided what, when it ran, and why it stands so."""
    yield f"asked for by {found['requester']} at {seconds_of(found['created_at'])}"
    deeds = [(each["at"], DECIDED[each["verdict"]], each) for each in found["votes"]]
    deeds += [(each["at"], f"step {each['step']} let go", each) for each in found["go_aheads"]]
    for at, done, each in sorted(deeds, key=lambda deed: deed[0]):
        behalf = f" for {each['on_behalf_of']}" if each["on_behalf_of"] else ""
        said = f": {each['reason']}" if each["reason"] else ""
        yield f"{done} by {each['approver']}{behalf} ({each['way']}) at {seconds_of(at)}{said}"
    if found["began_at"]:
        ended = f", over at {seconds_of(found['ended_at'])}" if found["ended_at"] else ""
        yield f"begun at {seconds_of(found['began_at'])}{ended}"
    if found["reason"]:
        yield f"{found['status']}: {found['reason']}"


def _stands(step: Mapping[str, Any]) -> str:
    return f"{step['state']}: {step['reason']}" if step["reason"] else step["state"]


def _why(found: Mapping[str, Any]) -> str:
    return f"{found['fault_type']} ({found['confidence']:.0%})" if found["fault_type"] else "no diagnosis"


def _helped(record: Mapping[str, Any]) -> str:
    if not record["total"]:
        return "no similar case is known"
    return f"helped in {record['good']} of {record['total']} similar cases"


def _check(check: Mapping[str, Any]) -> tuple[str, ...]:
    where = {name: value for name, value in check["where"].items() if name != "service"}
    signal = f"{check['source']} {check['aggregate']} {check['measure']} {_pairs(where)}".strip()
    was = "" if check["observed"] is None else f"{check['observed']:.4g}"
    return (check["role"], check["entity"], signal, f"{check['relation']} {check['bound']:.4g}", was)


def _difference(steps: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for each in steps:
        yield f"{each['step']}  {each['action']} on {each['target']}"
        if each["problem"]:
            yield f"  cannot be carried out now: {each['problem']}"
        elif each["changed"]:
            yield "  the target is not as it was when the plan was made"
        yield from (f"  {line}" for line in each["difference"])
        yield from (f"  note: {line}" for line in each["objections"])


def _simulated(each: Mapping[str, Any]) -> tuple[Any, ...]:
    proposed = each["title"] or each["reason"]
    return (seconds_of(each["at"]), each["service"], each["fault_type"], proposed, each["mode"] or "", each["people_did"], each["verdict_words"])  # fmt: skip


def _target(target: Mapping[str, str]) -> str:
    return "/".join(part for part in (target["namespace"], target["kind"], target["name"]) if part)


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{value:.0%}"


def _spoken(lang: Language | None) -> str:
    return (lang or default_language()).value
